"""Chemistry of formulas, as far as errors are sorted by it: elements, chemical system, family. No torch here.

The family is that of the most electronegative element (Pauling): oxide, halide, chalcogenide, pnictide; metals alone,
pure ones too, are intermetallic; what is left (carbides, borides, hydrides, ...) is other.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import cache

from lake.compositions.composition import amounts

FAMILIES = {
    "oxide": ("O",),
    "halide": ("F", "Cl", "Br", "I", "At"),
    "chalcogenide": ("S", "Se", "Te"),
    "pnictide": ("N", "P", "As", "Sb", "Bi"),
}
INTERMETALLIC, OTHER = "intermetallic", "other"
FAMILY_NAMES = (*FAMILIES, INTERMETALLIC, OTHER)


def elements_of(formula: str) -> tuple[str, ...]:
    """Symbols of its elements, in alphabetical order, each once."""
    return tuple(sorted(amounts(formula)))


def system_of(formula: str) -> str:
    """Its chemical system: `O-Si` of SiO2."""
    return "-".join(elements_of(formula))


def family_of(elements: Iterable[str]) -> str:
    """The family of these elements, one of FAMILY_NAMES."""
    found = set(elements)
    if all(_known()[symbol][1] for symbol in found):
        return INTERMETALLIC
    strongest = max(found, key=lambda symbol: (_known()[symbol][0], symbol))
    return next((name for name, members in FAMILIES.items() if strongest in members), OTHER)


@cache
def _known() -> dict[str, tuple[float, bool]]:
    """Symbol -> electronegativity (0 where unknown), and whether it is a metal. Of metalloids none is."""
    from pymatgen.core.periodic_table import Element

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return {e.symbol: (e.X if e.X == e.X else 0.0, bool(e.is_metal)) for e in Element}
