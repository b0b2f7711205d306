"""Sources: the encoders that learn big properties of the lake, and the rows that they learn from.

Rows of the lake's test split teach, too: nothing here is ever scored on them, and the small sets have need of every
crystal. The lake's validation split (by formula) is kept, to choose the best epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import polars as pl

from lake.store import Lake
from models.dataset import TrainingRows, training_rows
from models.recipe import Recipe
from models.task import in_order

# all of 3,500 training labels or more: of what the lake has fewer is a target of the small sets, or close to one
ENERGIES = ("formation_energy_per_atom_mp2018", "energy_above_hull_mp2018", "volume_per_atom")
ELECTRONS = ("band_gap", "fermi_energy", "magnetization_per_atom")
TRANSPORT = tuple(
    f"{name}_{carrier}"
    for name in (
        "seebeck_coefficient", "electrical_conductivity_per_relaxation_time", "power_factor_per_relaxation_time",
        "electronic_thermal_conductivity_per_relaxation_time", "conductivity_effective_mass",
    )
    for carrier in "np"
)  # fmt: skip
MODULI = ("bulk_modulus", "shear_modulus")
VIBRATIONS = ("universal_anisotropy", "debye_temperature_agl", "thermal_expansion_agl", "thermal_conductivity_agl")
EIGHT = (*ENERGIES, *ELECTRONS, *MODULI)
DENSE = (*EIGHT, *TRANSPORT, *VIBRATIONS)

COMMON: dict[str, object] = {"sharing": "hard", "batch_size": 128, "learning_rate": 3e-3}
# name -> recipe of seed 0
SOURCES: Mapping[str, Recipe] = MappingProxyType(
    {
        "dense-64": Recipe(DENSE, width=64, gnn_layers=3, epochs=40, **COMMON),
        "dense-128": Recipe(DENSE, width=128, gnn_layers=3, epochs=30, **COMMON),
        "eight-64": Recipe(EIGHT, width=64, gnn_layers=3, epochs=40, **COMMON),
        # three that differ, for a mixture
        "energies-64": Recipe(ENERGIES, width=64, gnn_layers=3, epochs=30, **COMMON),
        "electrons-64": Recipe((*ELECTRONS, *TRANSPORT), width=64, gnn_layers=3, epochs=30, **COMMON),
        "moduli-64": Recipe((*MODULI, *VIBRATIONS), width=64, gnn_layers=3, epochs=60, **COMMON),
    }
)


def source_rows(lake: Lake, tasks: tuple[str, ...]) -> TrainingRows:
    """All that the lake can teach of these properties, in parts train and validation."""
    rows = training_rows(lake, in_order(tasks))
    return replace(rows, frame=rows.frame.with_columns(pl.col("split").replace("test", "train")))
