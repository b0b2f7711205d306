"""OQMD over OPTIMADE, which tells positions to six decimals (its REST interface rounds them to three).

What its server does not keep to: `more_data_available` is true on the last page, ids are integers, links are bare
strings and speak http, and there is no order, so that pages may repeat rows. Each number of elements is a chain of
pages of its own; a chain ends without a next link or without data. Nothing tells when a row changed: a later crawl
reads all of it again, and the lake keeps only what differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson

from lake.crystal import Crystal, CrystalError
from lake.settings import Settings
from lake.sources.answers import NotData, json_of, quoted
from lake.sources.http import Polite
from lake.sources.page import Entry, Known, Page, Record, Unit, Unusable
from lake.sources.reading import atomic_numbers, cell_vectors, from_cartesian, site_positions

PER_PAGE = 100  # more is no faster there
CHAINS = {
    **{f"nelements={n}": f"nelements={n}" for n in range(1, 7)},
    "nelements=7-": "nelements>=7",
}
FIELDS = (
    "id", "chemical_formula_reduced", "nelements", "nsites", "lattice_vectors", "cartesian_site_positions",
    "species_at_sites", "species", "last_modified", "_oqmd_direct_site_positions", "_oqmd_entry_id",
    "_oqmd_calculation_id", "_oqmd_icsd_id", "_oqmd_band_gap", "_oqmd_delta_e", "_oqmd_stability", "_oqmd_volume",
    "_oqmd_prototype", "_oqmd_spacegroup",
)  # fmt: skip
# OQMD does not tell the functional row by row: all of it is PBE, with +U in some oxides of transition metals.
LEVEL = "PBE"


class Oqmd:
    """The calculated structures of the Open Quantum Materials Database."""

    name = "oqmd"
    title = "OQMD"
    citation = "Saal et al., JOM 65, 1501 (2013), doi:10.1007/s11837-013-0755-4"
    licence = "CC BY 4.0"

    def __init__(self, settings: Settings) -> None:
        self._http = Polite(self.name, settings)

    def marker(self) -> None:
        """`last_modified` is always null there, and the release has no number that could be asked for."""

    def plan(self, known: Known) -> Iterator[Unit]:
        """The first page of each chain; the others follow from it."""
        for key, chosen in CHAINS.items():
            asked = {"filter": chosen, "page_limit": PER_PAGE, "response_fields": ",".join(FIELDS)}
            yield Unit(key, {"chain": key, "url": f"{self._http.base}/optimade/structures?{urlencode(asked)}"})

    def fetch(self, unit: Unit) -> Page:
        """One page, and the unit of the next, which must stay on OQMD's own host."""
        answer = self._http.ask(str(unit.request["url"]), page_of)
        rows = answer.value["data"]
        records = [Record(str(row["id"]), orjson.dumps(row).decode()) for row in rows]
        link = next_link(answer.value) if rows else None
        following = _following(str(unit.request["chain"]), self._http.own(link)) if link else None
        promised = (answer.value.get("meta") or {}).get("_oqmd_data_in_response")
        return Page(answer.url, records, answer.sha256, promised, following, answer.attempts)

    def stamp(self, payload: str) -> str:
        """OQMD keeps no date of change."""
        return ""

    def fields(self, payload: str) -> Mapping[str, object]:
        """The structure's attributes."""
        return orjson.loads(payload)["attributes"]

    def read(self, payload: str) -> Entry:
        """The relaxed cell; a disordered site or a vacancy cannot be used."""
        return Entry(_crystal(orjson.loads(payload)["attributes"]), LEVEL, licence=self.licence)


def source(settings: Settings) -> Oqmd:
    """The configured source."""
    return Oqmd(settings)


def page_of(body: bytes) -> dict[str, Any]:
    """An OPTIMADE answer with a list of structures; raises NotData for an error told as JSON, or anything else."""
    answer = json_of(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        raise NotData(f"JSON without a list of structures: {quoted(body)}")
    rows = answer["data"]
    if not all(isinstance(row, dict) and "id" in row and isinstance(row.get("attributes"), dict) for row in rows):
        raise NotData(f"structures without id and attributes: {quoted(body)}")
    return answer


def next_link(answer: Mapping[str, Any]) -> str | None:
    """The next page's URL, told as a string or as an object with `href`; None at the end."""
    link = (answer.get("links") or {}).get("next")
    return link.get("href") if isinstance(link, dict) else link


def _following(chain: str, link: str) -> Unit:
    offset = parse_qs(urlsplit(link).query).get("page_offset", [link])[0]
    return Unit(f"{chain}/offset={offset:0>8}", {"chain": chain, "url": link})


def _crystal(row: Mapping[str, Any]) -> Crystal:
    absent = [k for k in ("lattice_vectors", "species_at_sites") if not row.get(k)]
    if absent:
        raise Unusable(f"a structure needs cell vectors, positions and species; the row lacks {absent}")
    disordered = [s["name"] for s in row.get("species") or [] if len(s.get("chemical_symbols") or [1]) != 1]
    if disordered:
        raise CrystalError(f"sites must be fully occupied by one element, found the mixtures {disordered} (disorder)")
    lattice, numbers = cell_vectors(row["lattice_vectors"]), atomic_numbers(row["species_at_sites"])
    if row.get("_oqmd_direct_site_positions"):
        return Crystal(lattice, site_positions(row["_oqmd_direct_site_positions"]), numbers)
    return from_cartesian(lattice, site_positions(row.get("cartesian_site_positions")), numbers)
