"""The sample's crystals: `crystals.csv` read into memory.

What belongs here: the row as an object, and which columns are measured and which computed. The numbers are in
`crystals.csv`, the geometry in `prototypes.py`, and who tells them in `databases.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from lake.crystal import Crystal
from lake.sample.prototypes import PROTOTYPES, crystal_from_prototype

CSV = Path(__file__).with_name("crystals.csv")

# property -> unit, in the order of the columns
MEASURED = {
    "band_gap_measured": "eV",
    "bulk_modulus_measured": "GPa",
    "shear_modulus_measured": "GPa",
    "static_dielectric_constant_measured": "",
    "optical_dielectric_constant_measured": "",
    "refractive_index_measured": "",
    "magnetization_measured": "muB/atom",
    "debye_temperature_measured": "kelvin",
    "thermal_conductivity_measured": "W/m/K",
    "formation_enthalpy_measured": "eV/atom",
}
COMPUTED = {
    "band_gap": "eV",
    "bulk_modulus": "GPa",
    "shear_modulus": "GPa",
    "magnetization_per_atom": "muB/atom",
    "static_dielectric_constant": "",
    "optical_dielectric_constant": "",
    "refractive_index": "",
    "debye_temperature_agl": "kelvin",
    "thermal_conductivity_agl": "W/m/K",
    "formation_energy_per_atom": "eV/atom",
}
_CELL = ["a", "b", "c", "alpha", "beta", "gamma"]


@dataclass(frozen=True, eq=False)
class SampleCrystal:
    """One textbook crystal with what is known of it.

    name: unique, `diamond C`; the truth that tellings share.
    prototype: key of `PROTOTYPES`.
    crystal: conventional cell at the experimental lattice constants.
    measured, computed: property -> value in the units of `MEASURED` and `COMPUTED`; what is unknown is absent.
    """

    name: str
    prototype: str
    crystal: Crystal
    measured: Mapping[str, float]
    computed: Mapping[str, float]

    @property
    def space_group(self) -> int:
        """International number that the prototype has."""
        return PROTOTYPES[self.prototype].space_group


@lru_cache(maxsize=1)
def sample_crystals() -> list[SampleCrystal]:
    """Every crystal of the sample, in the order of the file."""
    numeric = dict.fromkeys([*_CELL, *MEASURED, *COMPUTED], pl.Float64)
    table = pl.read_csv(CSV, comment_prefix="#", schema_overrides=numeric)
    return [_from_row(row) for row in table.iter_rows(named=True)]


def _from_row(row: dict) -> SampleCrystal:
    parameters = {key: float(value) for key, value in (pair.split("=") for pair in (row["internal"] or "").split())}
    return SampleCrystal(
        name=row["name"],
        prototype=row["prototype"],
        crystal=crystal_from_prototype(row["prototype"], row["formula"], [row[key] for key in _CELL], parameters),
        measured={key: row[key] for key in MEASURED if row[key] is not None},
        computed={key: row[key] for key in COMPUTED if row[key] is not None},
    )
