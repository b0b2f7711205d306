"""What an AFLUX row says, in either paging shape: numbers may be text, and lists may be text with commas.

What belongs here: reading rows. Asking for them belongs to source.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

import gemmi
import numpy as np

from lake.crystal import Crystal, CrystalError
from lake.sources.page import Unusable
from lake.sources.reading import atomic_numbers
from lake.wire.answers import NotData, json_of, quoted

FAULTS = (b"Lux Fail", b"DB Fail", b"Count Fail")
LEVELS = {"PAW_PBE": "PBE", "PAW_LDA": "LDA", "PAW_GGA": "PW91", "PAW_RPBE": "RPBE", "US_LDA": "LDA", "US_GGA": "PW91"}
NAMES = frozenset({"prototype"})  # texts, also where they look like a number: `181`
PLACE = re.compile(r"\d+ of \d+")
KEYWORD = re.compile(r"[A-Za-z]\w*")
NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
FLAT = str.maketrans({";": ",", "[": "", "]": ""})
ASSUMED_LEVEL = "PBE"  # where a row names neither dft_type nor potentials; nearly all of AFLOW is PAW_PBE


class Rows(NamedTuple):
    """An answer: rows the question has in all, the rows of this page, and the number of the first of them, from 1.

    Both numbers are None where the answer does not say: where paging was muted, and where there are no rows.
    """

    total: int | None
    rows: list[dict[str, Any]]
    first: int | None


def rows_of(body: bytes) -> Rows:
    """An AFLUX answer in either paging shape; raises NotData for the failures AFLUX tells with HTTP 200."""
    if any(fault in body[:1000] for fault in FAULTS):
        raise NotData(f"AFLUX's own failure, {quoted(body)}")
    answer = json_of(body)
    if isinstance(answer, list):  # muted: `$paging`
        rows, place = answer, None
    elif isinstance(answer, dict) and all(PLACE.fullmatch(key) for key in answer):  # keyed "1 of 912"
        rows, place = list(answer.values()), next(iter(answer), None)
    else:
        raise NotData(f"JSON that is no list of rows: {quoted(body)}")
    if not all(isinstance(row, dict) and isinstance(row.get("auid"), str) for row in rows):
        raise NotData(f"rows without auid: {quoted(body)}")
    first, total = map(int, place.split(" of ")) if place else (None, None)
    return Rows(total, rows, first)


def keywords_of(body: bytes) -> list[str]:
    """The keywords of AFLUX's schema, sorted; no recorded answer shows it, so any nesting of names is read."""
    if any(fault in body[:1000] for fault in FAULTS):
        raise NotData(f"AFLUX's own failure, {quoted(body)}")
    found = {name for name in _names(json_of(body)) if KEYWORD.fullmatch(name)}
    if "auid" not in found:
        raise NotData(f"JSON that names no keywords: {quoted(body)}")
    return sorted(found)


def dates_of(row: Mapping[str, Any]) -> str:
    """All of a row's dates, the same text in either paging shape."""
    return ",".join(str(date) for date in _items(row.get("aflowlib_date")))


def says(value: Any) -> bool:
    """Whether a row says anything: null, an empty text and a keyword that is not there all mean that it does not."""
    return value not in (None, "", [])


def fields_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says, numbers as numbers."""
    return {key: value if key in NAMES else number_of(value) for key, value in row.items() if says(value)}


def number_of(value: Any) -> Any:
    """A number where a text holds just one, else the value as it is."""
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        return value
    number = float(value)
    return number if isfinite(number) else value


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from [inner] if isinstance(inner, str) else _names(inner)


def _items(value: Any) -> list[Any]:
    """A list, from a list or from text as `3,1` or `[3,1]` or `0,0,0;0.5,0.5,0.5`."""
    if isinstance(value, str):
        return [item.strip(" '\"") for item in value.strip("[] ").replace(";", ",").split(",") if item.strip()]
    return list(value) if value is not None else []


def _numbers(row: Mapping[str, Any], keyword: str) -> np.ndarray:
    """A keyword's numbers, flat; CrystalError where one is no number."""
    value = row.get(keyword)
    try:
        flat = [float(w) for w in value.translate(FLAT).split(",") if w.strip()] if isinstance(value, str) else value
        return np.asarray(flat, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise CrystalError(f"{keyword} must hold numbers, found {str(value)[:80]}") from None


def crystal_of(row: Mapping[str, Any]) -> Crystal:
    """The relaxed cell; Unusable where the row has no structure, CrystalError where it contradicts itself."""
    absent = [k for k in ("geometry", "species", "composition", "positions_fractional") if not says(row.get(k))]
    if absent:
        raise Unusable(f"a structure needs geometry, species, composition and positions; the row lacks {absent}")
    geometry, positions = _numbers(row, "geometry"), _numbers(row, "positions_fractional")
    if len(geometry) != 6 or len(positions) % 3:
        raise CrystalError(f"geometry has 6 numbers and positions 3 n, found {len(geometry)} and {len(positions)}")
    counts, species = _numbers(row, "composition"), _items(row["species"])
    if not all(count.is_integer() and count >= 0 for count in counts.tolist()):
        raise CrystalError(f"composition must count whole atoms, found {row['composition']} (disorder)")
    if len(counts) != len(species) or counts.sum() * 3 != len(positions):
        raise CrystalError(f"composition {row['composition']} must count the positions, found {len(positions) // 3}")
    lattice = np.array(gemmi.UnitCell(*geometry).orth.mat.tolist()).T
    return Crystal(lattice, positions, np.repeat(atomic_numbers(species), counts.astype(int)))


def level_of(row: Mapping[str, Any]) -> str:
    """`PBE`, `LDA`, `SCAN`, ..., with +U where the row has a Hubbard term.

    Told by `dft_type`; where a row lacks it, by the potentials in its `species_pp_version` or `aurl`.
    """
    told = str(next(iter(_items(row.get("dft_type"))), "") or row.get("species_pp_version") or row.get("aurl") or "")
    if "KIN:" in told:
        level = told.rpartition("KIN:")[2]
    else:
        level = next((name for potential, name in LEVELS.items() if potential in told), None)
        level = level or (told if row.get("dft_type") else ASSUMED_LEVEL)
    return f"{level}+U" if row.get("ldau_TLUJ") else level
