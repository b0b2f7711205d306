"""OQMD, the calculated structures of the Open Quantum Materials Database, by one of three ways.

- `optimade` (the default): positions to six decimals; about 14,000 pages for all of it.
- `rest`: the same rows with positions to three digits, see rest.py.
- `dump`: the whole database as one file that somebody downloaded (21 GB), all digits, and which calculation had +U;
  see dump.py. What OQMD itself recommends for all of it.

The setting `oqmd_path` says which. All three tell the same ids (of formation energies with the fit `standard`), so a
record that came by one way has a new version when it comes by another. What payloads mean, of all three, is here.

What its server does (qmpy's source, and pages of 2021): `more_data_available` is true on the last page; ids were
integers and are text in newer code; links are bare strings that speak http; there is no order unless it is asked for,
which only newer code can; `last_modified` is always null. So nothing tells when a row changed: a crawl over the network
reads all of it again, and the lake keeps only what differs. Never seen live: tried on five recorded pages (1,000
structures), on the reference OPTIMADE server, and on the mirror.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from lake.settings import Settings
from lake.sources.optimade.arrays import collector_at_rest, structures
from lake.sources.optimade.provider import Optimade
from lake.sources.oqmd import rest as oqmd_rest
from lake.sources.oqmd.dump import OqmdDump
from lake.sources.oqmd.rest import OqmdRest
from lake.sources.page import MAIN, Entry, Forecast, Page, Unit, Unusable
from lake.sources.scope import Scope
from lake.wire.http import Polite

PER_PAGE = 100  # more is no faster there
RECORD_BYTES = 500  # on disk; 1,000 recorded structures with all fields took 465 each, listings included
FIELDS = (
    "id", "chemical_formula_reduced", "nelements", "nsites", "lattice_vectors", "cartesian_site_positions",
    "species_at_sites", "species", "last_modified", "_oqmd_direct_site_positions", "_oqmd_entry_id",
    "_oqmd_calculation_id", "_oqmd_icsd_id", "_oqmd_band_gap", "_oqmd_delta_e", "_oqmd_stability", "_oqmd_volume",
    "_oqmd_prototype", "_oqmd_spacegroup",
)  # fmt: skip
DIRECT = "_oqmd_direct_site_positions"
# Only the dump tells the functional row by row: all of OQMD is PBE, with +U in some oxides of transition metals.
LEVEL = "PBE"

Way = Optimade | OqmdRest | OqmdDump


class Oqmd:
    """What a Source owes, said by the way that is configured."""

    name = "oqmd"
    title = "OQMD"
    citation = "Saal et al., JOM 65, 1501 (2013), doi:10.1007/s11837-013-0755-4"
    licence = "CC BY 4.0"
    keeps: Mapping[str, Sequence[str]] = {MAIN: FIELDS}

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = Polite(self.name, settings)

    def marker(self) -> str | None:
        """The dump's SHA-256; None over the network, where `last_modified` is always null and no release is told."""
        return self._ways["dump"].marker() if self._settings.oqmd_path == "dump" else None

    def alive(self) -> None:
        """One record, asked for once; raises SourceDown."""
        self._way.alive()

    def forecast(self, scope: Scope) -> Forecast:
        """From the number of records that match; raises SourceDown."""
        return self._way.forecast(scope)

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """Pages, or ranges of ids, by the configured way; raises SourceDown."""
        return self._way.plan(scope)

    def column(self, field: str, known: Mapping[str, str]) -> Iterator[Unit]:
        """Pages of one more field, over OPTIMADE only; ValueError for a field that is not told alone."""
        return self._way.column(field)

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """One unit, by the way it was planned for: an open crawl may be older than the setting. Raises SourceDown."""
        return self._ways[str(unit.request["path"])].fetch(unit, known)

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """The same records in two units."""
        return self._ways[str(unit.request["path"])].halves(unit)

    def fields(self, payload: str) -> Mapping[str, object]:
        """The attributes of a structure; of a REST row under the same names."""
        return _attributes(orjson.loads(payload))

    def read(self, payload: str) -> Entry:
        """The relaxed cell; a disordered site or a vacancy cannot be used."""
        (found,) = self.read_many([payload])
        if isinstance(found, Exception):
            raise found
        return found

    def read_many(self, payloads: Sequence[str]) -> list[Entry | Exception]:
        """What `read` gives or raises for each payload, all in one conversion."""
        with collector_at_rest():
            return self._read_many(payloads)

    def _read_many(self, payloads: Sequence[str]) -> list[Entry | Exception]:
        told: list[Entry | Exception] = []
        rows: dict[int, dict[str, Any]] = {}
        for number, payload in enumerate(payloads):
            try:
                row = _attributes(orjson.loads(payload))
                _ordered(row)
                rows[number] = row
                told.append(Unusable("a structure was not read"))
            except (ValueError, TypeError, AttributeError) as fault:
                told.append(fault if isinstance(fault, Unusable) else Unusable(f"a record must be JSON, {fault}"))
        numbers, read = list(rows), structures(rows.values(), DIRECT)
        for k, row in enumerate(read.rows.tolist()):
            number = numbers[row]
            told[number] = Entry(read.crystal(k), _level(rows[number]), licence=self.licence)
        for row, fault in read.refused.items():
            told[numbers[row]] = fault
        return told

    @property
    def _way(self) -> Way:
        return self._ways[self._settings.oqmd_path]

    @cached_property
    def _ways(self) -> Mapping[str, Any]:
        """Each way, for nothing before it is asked for something."""
        s, size = self._settings, self._settings.oqmd_page_limit or PER_PAGE
        impatient = Polite(self.name, s.model_copy(update={"attempts": 1}))
        return {
            "optimade": Optimade(self._http, impatient, self.name, FIELDS, size, RECORD_BYTES),
            "rest": OqmdRest(self._http, impatient, size, RECORD_BYTES),
            "dump": OqmdDump(s.oqmd_dump, s.root / "staging", RECORD_BYTES),
        }


def source(settings: Settings) -> Oqmd:
    """The configured source."""
    return Oqmd(settings)


def _attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    """OPTIMADE's attributes, from a record of any of the three ways; Unusable for what is none of them."""
    if isinstance(record.get("attributes"), dict):
        return record["attributes"]
    if "formationenergy_id" in record:
        return oqmd_rest.attributes_of(record)
    raise Unusable(f"a record must be a structure or a formation energy, found the fields {sorted(record)[:8]}")


def _ordered(row: Mapping[str, Any]) -> None:
    """Raise Unusable where the dump tells an atom that is not always there."""
    shares = row.get("_oqmd_occupancies")
    if shares:
        raise Unusable(f"sites must be fully occupied by one element, found occupancies {shares!r:.80} (disorder)")


def _level(row: Mapping[str, Any]) -> str:
    """PBE, or PBE+U where the record tells that U was used."""
    return "PBE+U" if row.get("_oqmd_hubbards") or row.get("_oqmd_ldau") else LEVEL
