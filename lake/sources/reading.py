"""From the ways databases write a structure to arrays: symbols to atomic numbers, Cartesian to fractional; and a year.

What belongs here: steps that two or more sources share and that know nothing of any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from lake.crystal import NUMBER, Crystal, CrystalError

FIRST_YEAR = 1900  # no crystal structure is older than X-ray diffraction: before that, a year is a slip of the pen


def year_of(value: object) -> int | None:
    """A year of publication, 1900 to the next one, from a number or its digits; None for anything else.

    A journal's volume may carry the next year's number. What is no year hinders nothing, so there is no error.
    """
    text = str(value).strip()
    year = int(text) if len(text) == 4 and text.isascii() and text.isdigit() else 0
    return year if FIRST_YEAR <= year <= date.today().year + 1 else None


def atomic_numbers(symbols: Sequence[str]) -> list[int]:
    """Atomic numbers of element symbols; CrystalError names a symbol that is no element."""
    try:
        return [NUMBER[symbol] for symbol in symbols]
    except (KeyError, TypeError):
        strange = next(s for s in symbols if not isinstance(s, str) or s not in NUMBER)
        raise CrystalError(f"sites must be elements, found {strange!r}: a vacancy, a dummy or a label") from None


def cell_vectors(vectors: object) -> np.ndarray:
    """A 3x3 list of lists as cell vectors in A, shape (3, 3); CrystalError where numbers are missing."""
    try:
        lattice = np.asarray(vectors, dtype=np.float64)
    except (TypeError, ValueError):
        lattice = np.empty(0)
    if lattice.shape != (3, 3) or not np.isfinite(lattice).all():
        raise CrystalError(f"a crystal needs three cell vectors of three numbers, found {str(vectors)[:80]}")
    if abs(np.linalg.det(lattice)) < 1e-6:
        raise CrystalError(f"cell vectors must span a volume, found {str(vectors)[:80]}")
    return lattice


def site_positions(positions: object) -> np.ndarray:
    """A list of triples as positions, shape (n, 3); CrystalError where there are none or numbers are missing."""
    if not positions:
        raise CrystalError("a crystal needs atoms, found no site positions")
    try:
        array = np.asarray(positions, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] != 3:
        raise CrystalError(f"site positions must be triples of numbers, found {str(positions)[:80]}")
    return array


def from_cartesian(lattice: np.ndarray, cartesian: np.ndarray, numbers: Sequence[int]) -> Crystal:
    """A crystal from cell vectors (3, 3) and Cartesian positions (n, 3), both in A."""
    return Crystal(lattice, np.linalg.solve(lattice.T, cartesian.T).T, numbers)
