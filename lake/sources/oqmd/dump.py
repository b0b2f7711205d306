"""OQMD from its SQL dump, which somebody downloaded: all digits, no questions asked of the service.

What belongs here: units, pages and payloads of a staged dump. Payloads have the names of OPTIMADE's attributes, so that
both are read alike, and tell more: `_oqmd_hubbards` (element -> U in eV; an empty object where the calculation had
none, null where the dump has no such table), `_oqmd_ldau` (whether the calculation's settings switch U on),
`_oqmd_calculation_label`, `_oqmd_duplicate_of`, and `_oqmd_occupancies` where an atom is not always there.

Where the file is: `oqmd_dump`. https://oqmd.org/download lists it; version 1.8 (February 2026) has 21,034,479,961 bytes
and the SHA-256 66c3f1b752d4043b579e84485fe6c8e1913af52f41fc1a949c598e94b6646333, told by a third party. The marker is
that of the file. Reading it takes hours once (see benchmarks/oqmd_dump.py) and disk in `<root>/staging`
(see staging.py). Tried on dumps that the mirror writes in mysqldump's format, never on OQMD's own.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from lake.sources.oqmd.mysqldump import BadDump
from lake.sources.oqmd.staging import VECTORS, opened, staged
from lake.sources.page import Forecast, Page, Record, Unit
from lake.sources.scope import Scope
from lake.wire.down import SourceDown

MEDIA_TYPE = "application/vnd.oqmd.dump+json"
PER_UNIT = 1000
PACKED_RECORD = 15_000  # bytes of the gzipped dump per record: 21.03 GB for 1,407,395 [U for other versions]
_ICSD = re.compile(r"/icsd/(\d+)$")  # the path of an entry that was taken from there
SCOPED = """
WHERE id IN (SELECT id FROM sites GROUP BY id HAVING count(DISTINCT element) FILTER (element IN (SELECT unnest(?))) = ?
             AND (count(DISTINCT element) = ? OR NOT ?))
"""


class OqmdDump:
    """Ranges of ids of a staged dump."""

    def __init__(self, dump: Path | None, folder: Path, record_bytes: int) -> None:
        """dump: `.sql` or `.sql.gz`. folder: where it is staged. record_bytes: of one record on disk."""
        self._dump, self._folder, self.record_bytes = dump, folder, record_bytes
        self._staged: Path | None = None

    def marker(self) -> str:
        """SHA-256 of the dump; raises SourceDown where it is not there."""
        with self._file().open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"

    def alive(self) -> None:
        """Whether the file is there; raises SourceDown."""
        self._file()

    def forecast(self, scope: Scope) -> Forecast:
        """From the size of the file, which says nothing of elements; raises SourceDown."""
        n = self._file().stat().st_size // PACKED_RECORD
        n = min(n, scope.limit or n)
        note = "a guess from the size of a gzipped dump; reading it takes hours once, and disk in <root>/staging"
        return Forecast(n, 0, n * self.record_bytes, note)

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """Ranges of ids. Raises SourceDown where the dump is not there, or is none."""
        wanted, only = list(scope.chemsys or scope.elements), bool(scope.chemsys)
        where, given = (SCOPED, [wanted, len(wanted), len(wanted), only]) if wanted else ("", [])
        with opened(self._ready()) as database:
            ranges = database.execute(
                "SELECT min(id), max(id), count(*) FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM told "
                f"{where}) GROUP BY n // {PER_UNIT} ORDER BY 1", given,
            ).fetchall()  # fmt: skip
            (total,) = database.execute(f"SELECT count(*) FILTER (absent IS NULL) FROM told {where}", given).fetchone()
        for first, last, n in ranges:
            yield _unit({"path": "dump", "elements": wanted, "only": only, "total": total}, first, last, n)

    def column(self, field: str) -> Iterator[Unit]:
        """ValueError: records hold all there is."""
        raise ValueError(f"records from OQMD's dump hold all it tells of a row, found a column crawl of {field}")

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """The records of a range; what the dump has no crystal of is missing. Raises SourceDown."""
        request = unit.request
        wanted, only = set(request["elements"]), bool(request["only"])  # type: ignore[call-overload]
        ends = [request["first"], request["last"]]
        with opened(self._ready()) as database:
            found = database.execute("SELECT * FROM told, known WHERE id BETWEEN ? AND ? ORDER BY id", ends)
            names = [column[0] for column in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            query = "SELECT id, element, x, y, z, occupancy FROM sites WHERE id BETWEEN ? AND ? ORDER BY id, atom"
            sites, hubbards = defaultdict(list), defaultdict(dict)
            for number, *site in database.execute(query, ends).fetchall():
                sites[number].append(site)
            query = "SELECT id, element, u FROM hubbards WHERE id BETWEEN ? AND ?"
            for number, element, u in database.execute(query, ends).fetchall():
                hubbards[number][element] = u
        records, missing = [], {}
        for row in rows:
            number, held = row["id"], {site[0] for site in sites[row["id"]]}
            if not held >= wanted or (only and held != wanted):
                continue
            if row["absent"]:
                missing[str(number)] = f"the dump lacks {row['absent']}"
                continue
            told = _attributes(row, sites[number], hubbards[number])
            payload = {"id": number, "type": "structures", "attributes": told}
            records.append(Record(str(number), orjson.dumps(payload).decode(), MEDIA_TYPE))
        digest = hashlib.sha256("".join(record.sha256 for record in records).encode()).hexdigest()
        return Page(
            f"{self._file().name}#id={ends[0]}-{ends[1]}", records, digest, request["n"], missing=missing,
            total=request["total"],
        )  # fmt: skip

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """Two ranges for one; none for a single record."""
        first, last = int(str(unit.request["first"])), int(str(unit.request["last"]))
        if first == last:
            return ()
        middle = (first + last) // 2
        return tuple(_unit(unit.request, *ends, None) for ends in ((first, middle), (middle + 1, last)))

    def _file(self) -> Path:
        if self._dump is None or not self._dump.is_file():
            found = "no file" if self._dump is None else f"nothing at {self._dump}"
            raise SourceDown(
                f"oqmd: the way `dump` reads the SQL dump that CRYSTAL_LAKE_OQMD_DUMP names, found {found}; "
                "download one from https://oqmd.org/download, or choose the way `optimade`"
            )
        return self._dump

    def _ready(self) -> Path:
        """The staged dump; made when first asked for."""
        if self._staged is None or not self._staged.exists():
            digest = self.marker().removeprefix("sha256:")
            try:
                self._staged = staged(self._file(), digest, self._folder)
            except (BadDump, OSError) as fault:
                raise SourceDown(f"oqmd: {fault}") from fault
        return self._staged


def _unit(words: Mapping[str, object], first: int, last: int, n: int | None) -> Unit:
    request = {**words, "first": first, "last": last, "n": n}
    return Unit(f"id={first:09d}-{last:09d}", request, alone=first == last)


def _attributes(row: Mapping[str, Any], sites: list[list[Any]], hubbards: Mapping[str, float]) -> dict[str, Any]:
    """OPTIMADE's attributes of a joined row; sites are element, x, y, z, occupancy, hubbards element -> U in eV."""
    icsd, shares = _ICSD.search(row["path"] or ""), [site[4] for site in sites]
    cell = [row[name] for name in VECTORS]
    told = {
        "nelements": len({site[0] for site in sites}),
        "nsites": len(sites),
        "lattice_vectors": [cell[:3], cell[3:6], cell[6:]],
        "species_at_sites": [site[0] for site in sites],
        "_oqmd_direct_site_positions": [site[1:4] for site in sites],
        "_oqmd_entry_id": row["entry_id"],
        "_oqmd_calculation_id": row["calculation_id"],
        "_oqmd_icsd_id": int(icsd[1]) if icsd else None,
        "_oqmd_band_gap": row["band_gap"],
        "_oqmd_delta_e": row["delta_e"],
        "_oqmd_stability": row["stability"],
        "_oqmd_volume": row["volume"],
        "_oqmd_prototype": row["prototype"],
        "_oqmd_spacegroup": row["spacegroup"],
        "_oqmd_calculation_label": row["label"],
        "_oqmd_duplicate_of": row["duplicate_of_id"],
        "_oqmd_hubbards": hubbards if row["knows_hubbards"] else None,
        "_oqmd_ldau": row["used_u"],
    }
    return told if all(share in (1, None) for share in shares) else {**told, "_oqmd_occupancies": shares}
