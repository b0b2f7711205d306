"""What an AFLUX row says, in either paging shape: numbers may be text, and lists may be text with commas.

What belongs here: reading rows. Asking for them belongs to aflow.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import gemmi
import numpy as np

from lake.crystal import Crystal, CrystalError
from lake.sources.answers import NotData, json_of, quoted
from lake.sources.page import Unusable
from lake.sources.reading import atomic_numbers

FAULTS = (b"Lux Fail", b"DB Fail", b"Count Fail")
LEVELS = {"PAW_PBE": "PBE", "PAW_LDA": "LDA", "PAW_GGA": "PW91", "PAW_RPBE": "RPBE", "US_LDA": "LDA", "US_GGA": "PW91"}
ASSUMED_LEVEL = "PBE"  # where a row names neither dft_type nor potentials; nearly all of AFLOW is PAW_PBE


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


def dates_of(row: Mapping[str, Any]) -> str:
    """All of a row's dates, the same text in either paging shape."""
    return ",".join(str(date) for date in _items(row.get("aflowlib_date")))


def number_of(value: Any) -> Any:
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


def crystal_of(row: Mapping[str, Any]) -> Crystal:
    """The relaxed cell; Unusable where the row has no structure, CrystalError where it contradicts itself."""
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
