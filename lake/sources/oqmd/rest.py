"""OQMD over its REST interface, /oqmdapi/formationenergy: what is left where OPTIMADE does not answer.

What belongs here: its filters, pages and rows. It tells the same ids as OPTIMADE and energies with all digits, but a
site is a string, `Mn @ 0.75 0.25 0.461`, whose positions have three digits: records keep the service's own words, under
a media type of their own, and say so in the field `position_digits`.

`noduplicate` is never asked for: it leaves out entries that another entry repeats (19 % of 200 recorded rows), which
OPTIMADE tells; the lake finds repeated crystals itself. Rows name the entry they repeat in `duplicate_entry_id`.
The service (qmpy's source): no order; `data_available` is the number that matches, `data_returned` this page's;
filters join terms without spaces inside by AND, and `element_set=Mg,O` holds what has both elements.
Tried on 200 recorded rows and on the mirror, never on the service itself. The largest page is not documented: 100 [U].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from lake.sources import offsets
from lake.sources.page import Forecast, Page, Record, Unit
from lake.sources.parts import Part, parts
from lake.sources.scope import Scope
from lake.wire.answers import NotData, json_of, quoted
from lake.wire.http import Answer, Polite

MEDIA_TYPE = "application/vnd.oqmd.formationenergy+json"
POSITION_DIGITS = 3
PER_PAGE = 100
# OPTIMADE's names for what these rows hold
SAME = {
    "_oqmd_entry_id": "entry_id", "_oqmd_calculation_id": "calculation_id", "_oqmd_icsd_id": "icsd_id",
    "_oqmd_band_gap": "band_gap", "_oqmd_delta_e": "delta_e", "_oqmd_stability": "stability",
    "_oqmd_volume": "volume", "_oqmd_prototype": "prototype", "_oqmd_spacegroup": "spacegroup",
    "nelements": "ntypes", "nsites": "natoms", "lattice_vectors": "unit_cell",
}  # fmt: skip


class OqmdRest:
    """Pages of formation energies."""

    def __init__(self, http: Polite, impatient: Polite, page_limit: int, record_bytes: int) -> None:
        """impatient: a client that asks once. page_limit: records a page. record_bytes: of one on disk."""
        self.url = f"{http.base}/oqmdapi/formationenergy"
        self.page_limit, self.record_bytes = min(page_limit, PER_PAGE), record_bytes
        self._http, self._impatient = http, impatient

    def alive(self) -> None:
        """One row, asked for once; raises SourceDown."""
        self._impatient.ask(self._url("", 0, 1), page_of)

    def forecast(self, scope: Scope) -> Forecast:
        """From the number of rows that match; raises SourceDown."""
        there = self._count(Part.of(scope))
        n = min(there, scope.limit or there)
        note = f"OQMD's REST interface: positions have {POSITION_DIGITS} digits"
        return Forecast(n, 1 + -(-n // self.page_limit), n * self.record_bytes, note)

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """Pages of parts that are small enough. Raises SourceDown."""
        for part, n in parts(Part.of(scope), self._count, scope.limit):
            request = {"path": "rest", "filter": filter_of(part), "counted": True}
            size = min(self.page_limit, scope.limit or self.page_limit)
            yield from offsets.pages(str(part), request, 0, n or 1, size, last=scope.limit is None)

    def column(self, field: str) -> Iterator[Unit]:
        """ValueError: rows come whole."""
        raise ValueError(f"OQMD's REST interface tells all it has in every row, found a column crawl of {field}")

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """One page, and what is left of its part after it. Raises SourceDown."""
        start, end, _ = offsets.span(unit)
        answer = self._ask(self._url(str(unit.request["filter"]), start, end - start), start)
        rows, total = answer.value["data"], _total(answer.value)
        records = [Record(str(row["formationenergy_id"]), orjson.dumps(row).decode(), MEDIA_TYPE) for row in rows]
        left = tuple(offsets.after(unit, len(rows), total, self.page_limit))
        return Page(answer.url, records, answer.sha256, None, left, answer.attempts, total=total)

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """Two units for one."""
        return offsets.halves(unit)

    def _count(self, part: Part) -> int:
        return _total(self._ask(self._url(filter_of(part), 0, 1)).value) or 0

    def _ask(self, url: str, start: int | None = None) -> Answer:
        def read(body: bytes) -> dict[str, Any]:
            answer = page_of(body)
            if start is not None and start < (_total(answer) or 0) and not answer["data"]:
                raise NotData(f"a page without data from row {start} on, in an answer that counts {_total(answer)}")
            return answer

        return self._http.ask(url, read)

    def _url(self, words: str, offset: int, limit: int) -> str:
        query = {"filter": words, "limit": str(limit), "offset": str(offset), "format": "json"}
        return f"{self.url}?{urlencode({name: word for name, word in query.items() if word})}"


def filter_of(part: Part) -> str:
    """A part in the interface's own filter language, which is documented with < and > only."""
    words = [f"element_set={','.join(part.elements)}"] if part.elements else []
    for name, (low, high) in (("ntypes", part.nelements), ("natoms", part.nsites)):
        if low == high:
            words.append(f"{name}={low}")
        else:
            words += [f"{name}>{low - 1}"] if low > 1 else []
            words += [f"{name}<{high + 1}"] if high is not None else []
    return " AND ".join(words)


def page_of(body: bytes) -> dict[str, Any]:
    """An answer with a list of formation energies and the number of those that match; raises NotData for others."""
    answer = json_of(body)
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "formationenergy_id" in row for row in rows):
        raise NotData(f"JSON without a list of formation energies: {quoted(body)}")
    if _total(answer) is None:
        raise NotData(f"formation energies without their number: {quoted(body)}")
    return answer


def attributes_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row under OPTIMADE's names, its own beside them; sites as symbols and fractional positions."""
    sites = [str(site).partition(" @ ") for site in row.get("sites") or ()]
    same = {name: row[own] for name, own in SAME.items() if own in row}
    return {
        **row, **same, "position_digits": POSITION_DIGITS,
        "species_at_sites": [symbol.strip() for symbol, _, _ in sites],
        "_oqmd_direct_site_positions": [[_number(word) for word in words.split()] for _, _, words in sites],
    }  # fmt: skip


def _number(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word  # the reader names it


def _total(answer: Mapping[str, Any]) -> int | None:
    found = (answer.get("meta") or {}).get("data_available")
    return found if isinstance(found, int) and not isinstance(found, bool) else None
