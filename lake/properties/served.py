"""A value as a database serves it, made the number the lake keeps: coercion, unit, normalisation, flags.

Databases write numbers as numbers or as text, with a standard uncertainty in brackets (`2.33(4)`), or not at all.

Normalisation. What is told per cell or per formula unit is divided by atoms: eV/cell, muB/cell, kB/cell and A^3/cell
by the atoms of the entry's own cell, muB/f.u. by the atoms of its reduced formula. The entry's own cell is the one of
the record it was read from, whichever route tells the value; a site that is empty in some cells counts as the share of
an atom that is there. So a crystal told in a cell twice as large, with everything in it twice, has the same value. Any
other unit is converted, never divided: a number without `/cell` in its unit is not taken for one per cell.

Flags. A value outside of its property's physical range is kept and flagged: `sentinel` where the number as served is
one that databases write for nothing (`is_sentinel`), else `out_of_range`. What is no finite number is no value at all.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from lake.properties.definition import Property
from lake.properties.units import linear, unit

MISSING = frozenset({"", "null", "none", "?", "."})  # the last two are CIF's unknown and inapplicable
UNCERTAINTY = re.compile(r"\(\d+\)$")

EXPERIMENT = "experiment"  # the level of theory of what was measured, and of nothing else

OUT_OF_RANGE, SENTINEL = "out_of_range", "sentinel"
ENDLESS = 1e10  # from here on a number is a failed fit or an overflow; no property comes near in its unit
NINES = re.compile(r"9{4,}(\.9+)?")

Counted = Literal["", "cell", "formula_unit"]


class BadValue(ValueError):
    """A value that is there and cannot be used; the message says what was found."""


def number(served: object) -> float | None:
    """The number, None where the database says nothing; raises BadValue for what is no finite number."""
    if served is None:
        return None
    told = served
    if isinstance(served, str):
        if served.strip().lower() in MISSING:
            return None
        told = UNCERTAINTY.sub("", served.strip()).replace("_", "?")  # to Python, 1_000 is a thousand
    try:
        value = math.nan if isinstance(told, bool) else float(told)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise BadValue(f"must be a finite number, found {str(served)[:80]!r}")
    return value


@dataclass(frozen=True)
class Conversion:
    """value in the wanted unit = scale * value as served + shift, over the atoms of what it is told for.

    per: `cell` or `formula_unit` where there is something to be divided by, else empty.
    """

    scale: float
    shift: float
    per: Counted = ""

    def __call__(self, value: float, cell_atoms: float = 1, formula_atoms: float = 1) -> float:
        """cell_atoms, formula_atoms: atoms in the entry's cell and in its reduced formula."""
        atoms = {"": 1, "cell": cell_atoms, "formula_unit": formula_atoms}[self.per]
        return (self.scale * value + self.shift) / atoms


@cache
def conversion(found: str, wanted: str) -> Conversion:
    """From unit `found` to unit `wanted`, from `/cell` and `/f.u.` to `/atom` included.

    Raises UnknownUnit, or pint's DimensionalityError.
    """
    served, kept = unit(found), unit(wanted)
    per: Counted = ""
    for counted in ("cell", "formula_unit"):
        if served.dimensionality[f"[{counted}]"] == kept.dimensionality["[atom]"] == -1:
            served, per = served * unit(counted) / unit("atom"), counted
    return Conversion(*linear(served, kept), per)


def sized(value: float, kind: Property) -> float:
    """The value, its size where the sign is a convention."""
    return abs(value) if kind.unsigned else value


def flag_of(value: float, original: float, kind: Property) -> str | None:
    """Why a value in the catalog's unit is not to be trusted, None where nothing speaks against it.

    original: the number as served, by which a sentinel is known.
    """
    if kind.low <= value <= kind.high:
        return None
    return SENTINEL if is_sentinel(original) else OUT_OF_RANGE


def is_sentinel(original: float) -> bool:
    """Whether a number is one that databases write for nothing: 1e10 and beyond, or four nines and more (-9999, 99999).

    Of either sign. It is asked only of what is out of range: a lattice may well have 9999 of something.
    """
    return abs(original) >= ENDLESS or NINES.fullmatch(f"{abs(original):.15g}".removesuffix(".0")) is not None


def contradiction(level_of_theory: str, kind: Property) -> str:
    """Why a value of that level may not stand under this property, empty where it may: computed is never called known.

    What was measured has the level `experiment`, and what was computed any other.
    """
    if (level_of_theory == EXPERIMENT) == (kind.origin == "measured"):
        return ""
    needed = f"must be {EXPERIMENT!r}" if kind.origin == "measured" else "must say how it was computed"
    return f"is a {kind.origin} property: its level of theory {needed}, found {level_of_theory!r}"
