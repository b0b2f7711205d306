"""The one pint registry: every conversion of a physical quantity goes through `convert`."""

from __future__ import annotations

from functools import cache

import pint

# Spellings the field uses for what pint knows under another name.
SPELLING = {
    "": "dimensionless",
    "muB": "bohr_magneton",
    "muB/atom": "bohr_magneton/atom",
    "muB/cell": "bohr_magneton/cell",
    "A^3": "angstrom**3",
    "A^3/atom": "angstrom**3/atom",
    "A^3/cell": "angstrom**3/cell",
    "muB/A^3": "bohr_magneton/angstrom**3",
    "kB/atom": "boltzmann_constant/atom",
    "kB/cell": "boltzmann_constant/cell",
    "m_e": "electron_mass",
    "g/cm^3": "gram/centimeter**3",
    "C/m^2": "coulomb/meter**2",
    "W/m/K": "watt/meter/kelvin",
    "1/K": "1/kelvin",
    "1/cm": "1/centimeter",
    "kJ/mol": "kilojoule/particle_mole",
}


@cache
def registry() -> pint.UnitRegistry:
    """pint's registry with atom and cell as units of their own, so that per atom and per cell cannot be confused."""
    units = pint.UnitRegistry()
    units.define("atom = [atom]")
    units.define("cell = [cell]")
    units.define("USD = [currency]")
    # a mole of atoms, so that kJ/mol(of atoms) becomes eV/atom
    units.define("particle_mole = 6.02214076e23 * atom")
    return units


@cache
def unit(name: str) -> pint.Unit:
    """A unit by the field's spelling; raises UnknownUnit with the spelling found."""
    try:
        return registry().Unit(SPELLING.get(name, name))
    except Exception as error:
        raise UnknownUnit(f"a unit must be one that pint can read, found {name!r}: {error}") from error


def convert(value: float, found: str, wanted: str) -> float:
    """`value` from unit `found` to unit `wanted`; raises UnknownUnit, or pint's DimensionalityError."""
    if found == wanted:
        return float(value)
    return float(registry().Quantity(value, unit(found)).to(unit(wanted)).magnitude)


class UnknownUnit(ValueError):
    """A unit that pint cannot read."""
