"""A value as a database serves it, made the number the lake keeps: coercion, unit, range.

Databases write numbers as numbers or as text, with a standard uncertainty in brackets (`2.33(4)`), or not at all.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache

from lake.properties.definition import Property
from lake.properties.units import convert

MISSING = frozenset({"", "null", "none", "?", "."})  # the last two are CIF's unknown and inapplicable
UNCERTAINTY = re.compile(r"\(\d+\)$")


class BadValue(ValueError):
    """A value that is there and cannot be used; the message says what was found."""


def number(served: object) -> float | None:
    """The number, None where the database says nothing; raises BadValue for what is no finite number."""
    if served is None:
        return None
    if isinstance(served, str):
        if served.strip().lower() in MISSING:
            return None
        served = UNCERTAINTY.sub("", served.strip())
    try:
        value = math.nan if isinstance(served, bool) else float(served)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise BadValue(f"must be a finite number, found {str(served)[:80]!r}")
    return value


@dataclass(frozen=True)
class Conversion:
    """value in the wanted unit = (scale * value as served + shift), divided by the cell's atoms if `per_atom`."""

    scale: float
    shift: float
    per_atom: bool

    def __call__(self, value: float, n_atoms: int) -> float:
        return (self.scale * value + self.shift) / (n_atoms if self.per_atom else 1)


@cache
def conversion(found: str, wanted: str) -> Conversion:
    """From unit `found` to unit `wanted`, `…/cell` to `…/atom` included; raises UnknownUnit or DimensionalityError."""
    per_atom = found.endswith("/cell") and wanted.endswith("/atom")
    if per_atom:
        found = found.removesuffix("/cell") + "/atom"
    shift = convert(0.0, found, wanted)
    return Conversion(convert(1.0, found, wanted) - shift, shift, per_atom)


OUT_OF_RANGE = "out_of_range"


def sized(value: float, kind: Property) -> float:
    """The value, its size where the sign is a convention."""
    return abs(value) if kind.unsigned else value


def flag_of(value: float, kind: Property) -> str | None:
    """Why a value in the catalog's unit is not to be trusted, None where nothing speaks against it."""
    return None if kind.low <= value <= kind.high else OUT_OF_RANGE
