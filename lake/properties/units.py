"""The one pint registry: every conversion of a physical quantity goes through `convert`."""

from __future__ import annotations

import math
import re
from functools import cache

import pint

# Words as the field writes them, where pint reads another unit or none: to pint, kB is a kilobyte and A an ampere.
SPELLING = {
    "A": "angstrom",
    "kB": "boltzmann_constant",
    "muB": "bohr_magneton",
    "mol": "particle_mole",
    "f.u.": "formula_unit",
}
WORD = re.compile(r"f\.u\.|[A-Za-zµμΩ_]+")


@cache
def registry() -> pint.UnitRegistry:
    """pint's registry with atom, cell and formula unit as units of their own, so that none is taken for another."""
    units = pint.UnitRegistry()
    units.define("atom = [atom]")
    units.define("cell = [cell]")
    units.define("formula_unit = [formula_unit]")
    units.define("USD = [currency]")
    # a mole of atoms, so that kJ/mol(of atoms) becomes eV/atom
    units.define("particle_mole = 6.02214076e23 * atom")
    return units


@cache
def unit(name: str) -> pint.Unit:
    """A unit by the field's spelling; raises UnknownUnit with the spelling found."""
    spelled = WORD.sub(lambda word: SPELLING.get(word[0], word[0]), name) or "dimensionless"
    try:
        return registry().Unit(spelled)
    except Exception as error:
        raise UnknownUnit(f"a unit must be one that pint can read, found {name!r}: {error}") from error


def linear(found: pint.Unit, wanted: pint.Unit) -> tuple[float, float]:
    """Scale and shift that make a number in the unit `found` one in `wanted`.

    Raises pint's DimensionalityError, and UnknownUnit for a unit that is no straight line, as the decibel.
    """
    if found == wanted:
        return 1.0, 0.0
    try:
        zero, one, two = (float(registry().Quantity(n, found).to(wanted).magnitude) for n in (0.0, 1.0, 2.0))
    except pint.OffsetUnitCalculusError as error:
        raise UnknownUnit(f"a unit must be a plain one, found {found}: {error}") from error
    if not math.isclose(two - one, one - zero, rel_tol=1e-9):
        raise UnknownUnit(f"a unit must be proportional to {wanted or 'a plain number'}, found {found}")
    return one - zero, zero


def convert(value: float, found: str, wanted: str) -> float:
    """`value` from unit `found` to unit `wanted`; raises UnknownUnit, or pint's DimensionalityError."""
    if found == wanted:
        return float(value)
    return float(registry().Quantity(value, unit(found)).to(unit(wanted)).magnitude)


class UnknownUnit(ValueError):
    """A unit that pint cannot read."""
