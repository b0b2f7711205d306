"""A relaxation as OC20 writes it: extended XYZ, one frame per step, the energy in the comment line.

A telling knows the relaxed slab with its adsorbate, and the adsorption energy. What a trajectory needs beside that is
made up, and says nothing: the total energy of clean slab and gas, and a first frame that is not yet relaxed.
"""

from __future__ import annotations

import numpy as np

from lake.crystal import SYMBOLS
from lake.sample.mirror.told import Told

ENERGY_PER_ATOM = -4.0  # eV, a round stand-in for the total energy of slab and gas
UNRELAXED_BY = 0.05  # A along the third axis, for every atom that may move
UNRELAXED_ENERGY = 0.8  # eV above the last frame


def reference_energy(told: Told) -> float | None:
    """Energy of clean slab and gas in eV; None where the adsorption energy is not known."""
    if told.value("adsorption_energy") is None:
        return None
    return float(told.telling.facts.get("reference_energy", ENERGY_PER_ATOM * len(told.crystal)))  # type: ignore[arg-type]


def trajectory(told: Told) -> str:
    """The frames of one system as extended XYZ: as recorded, or a first and a last frame."""
    if told.telling.verbatim:
        return told.telling.verbatim
    free = _free(told)
    cartesian = told.crystal.positions @ told.crystal.lattice
    start = cartesian + np.where(free[:, None], [0.0, 0.0, UNRELAXED_BY], 0.0)
    energy = (reference_energy(told) or 0.0) + (told.value("adsorption_energy") or 0.0)
    return _frame(told, start, free, energy + UNRELAXED_ENERGY) + _frame(told, cartesian, free, energy)


def _free(told: Told) -> np.ndarray:
    """(n,) whether an atom may move: `tags` of the telling (0 is fixed), else all may."""
    tags = told.telling.facts.get("tags")
    return np.ones(len(told.crystal), dtype=bool) if tags is None else np.asarray(tags) > 0


def _frame(told: Told, cartesian: np.ndarray, free: np.ndarray, energy: float) -> str:
    lattice = " ".join(f"{x + 0.0:.8f}" for x in told.crystal.lattice.ravel())
    comment = (
        f'Lattice="{lattice}" Properties=species:S:1:pos:R:3:move_mask:L:1:forces:R:3 '
        f'energy={energy:.8f} free_energy={energy:.8f} pbc="T T T"'
    )
    atoms = [
        f"{SYMBOLS[number]:<2} {x:16.8f} {y:16.8f} {z:16.8f}  {'T' if moves else 'F'} {0:16.8f} {0:16.8f} {0:16.8f}"
        for number, (x, y, z), moves in zip(told.crystal.numbers, cartesian + 0.0, free, strict=True)
    ]
    return "\n".join([str(len(atoms)), comment, *atoms]) + "\n"
