"""AFLOW over AFLUX: `auid` stands first in every question, since the first keyword is the order of the answer.

AFLUX says most of its errors with HTTP 200 and a line of text, tells numbers as strings in one paging shape and
as numbers in the other, and has no filter by date: a later crawl sweeps ids and dates, and fetches what changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from math import ceil, isfinite
from typing import Any
from urllib.parse import quote

import gemmi
import numpy as np
import orjson

from lake.crystal import Crystal, CrystalError
from lake.settings import Settings
from lake.sources.http import Answer, NotData, Polite, json_of, quoted
from lake.sources.page import Entry, Known, Page, Record, Unit, Unusable
from lake.sources.reading import atomic_numbers

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
FAULTS = (b"Lux Fail", b"DB Fail", b"Count Fail")
LEVELS = {"PAW_PBE": "PBE", "PAW_LDA": "LDA", "PAW_GGA": "PW91", "PAW_RPBE": "RPBE", "US_LDA": "LDA", "US_GGA": "PW91"}
ASSUMED_LEVEL = "PBE"  # where a row names neither dft_type nor potentials; nearly all of AFLOW is PAW_PBE


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
        return _dates(orjson.loads(payload))

    def fields(self, payload: str) -> Mapping[str, object]:
        """The row, with numbers that were told as strings made numbers."""
        return {key: _number(value) for key, value in orjson.loads(payload).items()}

    def read(self, payload: str) -> Entry:
        """The relaxed cell; the level of theory is told row by row (LDA, PBE, +U, SCAN stand side by side)."""
        row = orjson.loads(payload)
        return Entry(_crystal(row), _level(row), licence=self.licence)

    def _ask(self, summons: str) -> Answer:
        return self._http.ask(f"{self._http.base}/API/aflux/?{quote(summons, safe=GRAMMAR)}", rows_of)

    def _changed(self, catalog: str, total: int, dates: Mapping[str, str]) -> Iterator[Unit]:
        changed = []
        for page in range(1, ceil(total / PER_SWEEP) + 1):
            rows = self._ask(f"auid,aflowlib_date,$catalog({catalog}),paging({page},{PER_SWEEP})").value[1]
            changed += [row["auid"] for row in rows if dates.get(row["auid"]) != _dates(row)]
        for start in range(0, len(changed), PER_QUESTION):
            auids = changed[start : start + PER_QUESTION]
            either = ":".join(f"'{auid}'" for auid in auids)
            key = f"{catalog}/changed={sha256(either.encode()).hexdigest()[:16]}"
            summons = f"auid({either}),catalog({catalog}),{','.join(KEYWORDS)},paging(1,{PER_QUESTION})"
            yield Unit(key, {"summons": summons, "expected": len(auids), "auids": auids})


def source(settings: Settings) -> Aflow:
    """The configured source."""
    return Aflow(settings)


def rows_of(body: bytes) -> tuple[int, list[dict[str, Any]]]:
    """Rows of an AFLUX answer in either paging shape, and how many rows the question has in all.

    Raises NotData for the failures AFLUX tells with HTTP 200.
    """
    if any(fault in body[:1000] for fault in FAULTS):
        raise NotData(f"AFLUX's own failure, {quoted(body)}")
    answer = json_of(body)
    if isinstance(answer, list):  # muted: `$paging`
        total, rows = len(answer), answer
    elif isinstance(answer, dict) and all(" of " in key for key in answer):  # keyed "1 of 912"
        total, rows = int(next(iter(answer), "1 of 0").split(" of ")[1]), list(answer.values())
    else:
        raise NotData(f"JSON that is no list of rows: {quoted(body)}")
    if not all(isinstance(row, dict) and row.get("auid") for row in rows):
        raise NotData(f"rows without auid: {quoted(body)}")
    return total, rows


def _pages(catalog: str, total: int) -> Iterator[Unit]:
    for page in range(1, ceil(total / PER_PAGE) + 1):
        summons = f"auid,catalog({catalog}),{','.join(KEYWORDS)},paging({page},{PER_PAGE})"
        expected = min(PER_PAGE, total - (page - 1) * PER_PAGE)
        yield Unit(f"{catalog}/page={page:06d}", {"summons": summons, "expected": expected})


def _dates(row: Mapping[str, Any]) -> str:
    """All of a row's dates, the same text in either paging shape."""
    return ",".join(str(date) for date in _items(row.get("aflowlib_date")))


def _number(value: Any) -> Any:
    """A number where a string holds just one, else the value as it is."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return number if isfinite(number) else value


def _items(value: Any) -> list[Any]:
    """A list, from a list or from text as `3,1` or `[3,1]` or `0,0,0;0.5,0.5,0.5`."""
    if isinstance(value, str):
        return [item.strip(" '\"") for item in value.strip("[] ").replace(";", ",").split(",") if item.strip()]
    return list(value) if value is not None else []


def _numbers(row: Mapping[str, Any], keyword: str) -> np.ndarray:
    """A keyword's numbers, flat; CrystalError where one is no number."""
    value = row.get(keyword)
    flat = _items(value.replace("[", "").replace("]", "") if isinstance(value, str) else value)
    try:
        return np.asarray(flat, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise CrystalError(f"{keyword} must hold numbers, found {str(value)[:80]}") from None


def _crystal(row: Mapping[str, Any]) -> Crystal:
    absent = [k for k in ("geometry", "species", "composition", "positions_fractional") if row.get(k) in (None, "", [])]
    if absent:
        raise Unusable(f"a structure needs geometry, species, composition and positions; the row lacks {absent}")
    geometry, positions = _numbers(row, "geometry"), _numbers(row, "positions_fractional")
    if len(geometry) != 6 or len(positions) % 3:
        raise CrystalError(f"geometry has 6 numbers and positions 3 n, found {len(geometry)} and {len(positions)}")
    counts = _numbers(row, "composition").astype(int)
    symbols = np.repeat(_items(row["species"]), counts) if len(counts) == len(_items(row["species"])) else []
    if len(symbols) * 3 != len(positions):
        raise CrystalError(f"composition {row['composition']} must count the positions, found {len(positions) // 3}")
    lattice = np.array(gemmi.UnitCell(*geometry).orth.mat.tolist()).T
    return Crystal(lattice, positions, atomic_numbers(symbols.tolist()))


def _level(row: Mapping[str, Any]) -> str:
    """`PBE`, `LDA`, `SCAN`, ..., and +U where the row has a Hubbard term."""
    told = _items(row.get("dft_type"))[:1] or [ASSUMED_LEVEL]
    text = f"{told[0]} {row.get('species_pp_version') or row.get('aurl') or ''}" if not row.get("dft_type") else told[0]
    kinetic = str(told[0]).rpartition("KIN:")[2] if "KIN:" in str(told[0]) else None
    level = kinetic or next((name for potential, name in LEVELS.items() if potential in str(text)), str(told[0]))
    return f"{level}+U" if row.get("ldau_TLUJ") else level
