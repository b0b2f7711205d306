"""Retelling: one crystal in another cell, origin, site order or relaxation.

What belongs here: the ways in which two databases write the same crystal differently. Each takes a Crystal and
returns one that is the same matter: exactly, or within what a relaxation changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lake.crystal import Crystal


def primitive(crystal: Crystal) -> Crystal:
    """The standardised primitive cell."""
    return _from_moyo(_dataset(crystal).prim_std_cell)


def conventional(crystal: Crystal) -> Crystal:
    """The standardised conventional cell."""
    return _from_moyo(_dataset(crystal).std_cell)


def sheared(crystal: Crystal, rng: np.random.Generator) -> Crystal:
    """The same lattice on other vectors: one added to or taken from another, handedness kept."""
    i, j = rng.permutation(3)[:2]
    matrix = np.eye(3)
    matrix[i, j] = rng.choice([-1.0, 1.0])
    return Crystal(matrix @ crystal.lattice, crystal.positions @ np.linalg.inv(matrix) % 1.0, crystal.numbers)


def supercell(crystal: Crystal, times: tuple[int, int, int]) -> Crystal:
    """As many cells along each vector; the copies of a site follow each other."""
    copies = np.stack(np.meshgrid(*[np.arange(n) for n in times], indexing="ij"), -1).reshape(-1, 3)
    positions = (crystal.positions[:, None, :] + copies) / np.array(times)
    lattice = crystal.lattice * np.array(times)[:, None]
    return Crystal(lattice, positions.reshape(-1, 3), np.repeat(crystal.numbers, len(copies)))


def shifted(crystal: Crystal, rng: np.random.Generator) -> Crystal:
    """From another origin."""
    return Crystal(crystal.lattice, (crystal.positions + rng.random(3).round(3)) % 1.0, crystal.numbers)


def reordered(crystal: Crystal, rng: np.random.Generator) -> Crystal:
    """With the sites in another order."""
    order = rng.permutation(len(crystal))
    return Crystal(crystal.lattice, crystal.positions[order], crystal.numbers[order])


def stretched(crystal: Crystal, strain: float) -> Crystal:
    """Every length times 1 + strain."""
    return Crystal(crystal.lattice * (1 + strain), crystal.positions, crystal.numbers)


def disturbed(crystal: Crystal, amplitude: float, rng: np.random.Generator) -> Crystal:
    """Every site moved in a random direction, by `amplitude` A at most; a single site stays."""
    if len(crystal) == 1:
        return crystal
    steps = rng.normal(size=(len(crystal), 3))
    steps *= amplitude * rng.random((len(crystal), 1)) / np.linalg.norm(steps, axis=1, keepdims=True)
    return Crystal(crystal.lattice, crystal.positions + steps @ np.linalg.inv(crystal.lattice), crystal.numbers)


def _dataset(crystal: Crystal) -> Any:
    from moyopy import Cell, MoyoDataset

    cell = Cell(crystal.lattice.tolist(), crystal.positions.tolist(), crystal.numbers.tolist())
    return MoyoDataset(cell, symprec=1e-3)


def _from_moyo(cell: Any) -> Crystal:
    return Crystal(np.array(cell.basis), np.array(cell.positions), np.array(cell.numbers))
