"""AFLOW over AFLUX: `auid` stands first in every question, since the first keyword is the order of the answer.

AFLUX says most of its errors with HTTP 200 and a line of text, tells numbers as strings in one paging shape and
as numbers in the other, and has no filter by date: a later crawl sweeps ids and dates, and fetches what changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from math import ceil
from urllib.parse import quote

import orjson

from lake.settings import Settings
from lake.sources.aflow_rows import crystal_of, dates_of, level_of, number_of, rows_of
from lake.sources.http import Answer, Polite
from lake.sources.page import Entry, Known, Page, Record, Unit

CATALOGS = ("ICSD", *(f"LIB{n}" for n in range(1, 10)))
PER_PAGE = 500  # rows with positions; pages of this size are routine there
PER_SWEEP = 5000  # rows of two short fields
PER_QUESTION = 50  # ids in one question: URLs must stay below 8000 characters
KEYWORDS = (
    "aurl", "compound", "species", "composition", "geometry", "positions_fractional", "spacegroup_relax",
    "aflowlib_date", "dft_type", "ldau_TLUJ", "enthalpy_formation_atom", "Egap", "Egap_type", "spin_cell", "spin_atom",
    "volume_cell", "density", "ael_bulk_modulus_vrh", "ael_shear_modulus_vrh", "agl_debye",
    "agl_thermal_conductivity_300K", "agl_thermal_expansion_300K",
)  # fmt: skip
GRAMMAR = "(),:*!$'"  # characters that AFLUX reads as they are


class Aflow:
    """The entries of AFLOW's catalogs ICSD and LIB1 to LIB9."""

    name = "aflow"
    title = "AFLOW"
    citation = "Curtarolo et al., Comput. Mater. Sci. 58, 227 (2012), doi:10.1016/j.commatsci.2012.02.002"
    licence = "see aflow.org (unverified)"  # the API states none; do not redistribute

    def __init__(self, settings: Settings) -> None:
        self._http = Polite(self.name, settings)

    def marker(self) -> None:
        """AFLUX has nothing that moves with its content."""

    def plan(self, known: Known) -> Iterator[Unit]:
        """Pages of each catalog, or, where the lake knows rows already, the rows whose date is new."""
        dates = known()
        for catalog in CATALOGS:
            total = self._ask(f"auid,$catalog({catalog}),paging(1,1)").value[0]
            yield from self._changed(catalog, total, dates) if dates else _pages(catalog, total)

    def fetch(self, unit: Unit) -> Page:
        """One question; asked un-muted, so that the answer says how many rows there are."""
        answer = self._ask(str(unit.request["summons"]))
        _, rows = answer.value
        records = [Record(row["auid"], orjson.dumps(row).decode()) for row in rows]
        asked = unit.request.get("auids", ())
        missing = dict.fromkeys(set(asked) - {r.source_id for r in records}, "AFLUX has no such row any more")
        return Page(answer.url, records, answer.sha256, unit.request["expected"], None, answer.attempts, missing)

    def stamp(self, payload: str) -> str:
        """The row's `aflowlib_date`s: an old entry has one for each time it was written."""
        return dates_of(orjson.loads(payload))

    def fields(self, payload: str) -> Mapping[str, object]:
        """The row, with numbers that were told as strings made numbers."""
        return {key: number_of(value) for key, value in orjson.loads(payload).items()}

    def read(self, payload: str) -> Entry:
        """The relaxed cell; the level of theory is told row by row (LDA, PBE, +U, SCAN stand side by side)."""
        row = orjson.loads(payload)
        return Entry(crystal_of(row), level_of(row), licence=self.licence)

    def _ask(self, summons: str) -> Answer:
        return self._http.ask(f"{self._http.base}/API/aflux/?{quote(summons, safe=GRAMMAR)}", rows_of)

    def _changed(self, catalog: str, total: int, dates: Mapping[str, str]) -> Iterator[Unit]:
        changed = []
        for page in range(1, ceil(total / PER_SWEEP) + 1):
            rows = self._ask(f"auid,aflowlib_date,$catalog({catalog}),paging({page},{PER_SWEEP})").value[1]
            changed += [row["auid"] for row in rows if dates.get(row["auid"]) != dates_of(row)]
        for start in range(0, len(changed), PER_QUESTION):
            auids = changed[start : start + PER_QUESTION]
            either = ":".join(f"'{auid}'" for auid in auids)
            key = f"{catalog}/changed={sha256(either.encode()).hexdigest()[:16]}"
            summons = f"auid({either}),catalog({catalog}),{','.join(KEYWORDS)},paging(1,{PER_QUESTION})"
            yield Unit(key, {"summons": summons, "expected": len(auids), "auids": auids})


def source(settings: Settings) -> Aflow:
    """The configured source."""
    return Aflow(settings)


def _pages(catalog: str, total: int) -> Iterator[Unit]:
    for page in range(1, ceil(total / PER_PAGE) + 1):
        summons = f"auid,catalog({catalog}),{','.join(KEYWORDS)},paging({page},{PER_PAGE})"
        expected = min(PER_PAGE, total - (page - 1) * PER_PAGE)
        yield Unit(f"{catalog}/page={page:06d}", {"summons": summons, "expected": expected})
