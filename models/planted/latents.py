"""Latents: eight properties of a crystal that a small network can compute from its graph, made uncorrelated.

Composition: electronegativity (mean and variance), radius, d electrons. Pairs: contrast in electronegativity at about
the length of a bond, and a screened Madelung sum. Three bodies: the cosine of angles in the nearest shell. All of it:
the density. All are means over atoms of what their surroundings say, so neither the choice of the cell, nor the order
of its sites, nor its direction matters. Neighbours and their weights are those of the lake's graphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from lake.crystal import Crystal
from lake.graphs.arrays import Graphs
from models.planted.structures import CHARGES

NAMES = (
    "electronegativity",
    "electronegativity_variance",
    "radius",
    "d_electrons",
    "contrast",
    "madelung",
    "angle",
    "density",
)
BOND, SPREAD = 2.2, 0.6  # A and A^2: the Gaussian of the contrast
SHELL = 0.15  # relative; a neighbour at (1 + SHELL) times the shortest distance counts 1/e in the nearest shell
SHELL_REACH = 1.5  # shortest distances; farther neighbours count less than 2e-5
DALTON = 1.66053907  # g/cm^3 of one dalton in a cubic angstrom


def latents(crystals: Sequence[Crystal], graphs: Graphs) -> np.ndarray:
    """(n, 8) float64 in their own units, in the order of NAMES. graphs: of these crystals, every atom by itself.

    Every atom must have a neighbour within the graphs' reach.
    """
    table = _elements()
    sizes = np.diff(graphs.offsets)
    crystal = np.repeat(np.arange(len(sizes)), sizes)
    atom = np.repeat(np.arange(len(graphs.numbers)), np.diff(graphs.starts))
    other = graphs.index + graphs.offsets[crystal[atom]]
    own, its = table[graphs.numbers[atom]], table[graphs.numbers[other]]
    distance, weight = graphs.distance.astype(np.float64), graphs.weight.astype(np.float64)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(crystal, values, len(sizes)) / sizes

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(atom, weight * values, len(graphs.numbers))

    atoms = table[graphs.numbers]
    negativity = mean(atoms["negativity"])
    variance = mean((atoms["negativity"] - negativity[crystal]) ** 2)
    contrast = np.abs(own["negativity"] - its["negativity"]) * np.exp(-((distance - BOND) ** 2) / SPREAD)
    madelung = own["charge"] * its["charge"] * np.exp(-distance) / distance
    nearest = np.split(distance[graphs.starts[:-1]], graphs.offsets[1:-1])
    volume = np.array([c.volume for c in crystals])
    columns = (
        negativity,
        variance,
        mean(atoms["radius"]),
        mean(atoms["d_electrons"]),
        mean(summed(contrast)),
        mean(summed(madelung)),
        np.array([cosine(c, near) for c, near in zip(crystals, nearest, strict=True)]),
        DALTON * np.bincount(crystal, atoms["mass"], len(sizes)) / volume,
    )
    return np.stack(columns, axis=1)


def cosine(crystal: Crystal, nearest: np.ndarray) -> float:
    """Mean over atoms of the mean cosine between two bonds of the nearest shell, which ends softly.

    nearest: (n,) distance in A from each atom to the nearest other.
    """
    from vesin import NeighborList

    near = NeighborList(cutoff=SHELL_REACH * float(nearest.max()), full_list=True, n_threads=1)
    atom, distance, arrow = near.compute(crystal.positions @ crystal.lattice, crystal.lattice, True, "idD")
    beyond = distance / nearest[atom]
    weight = np.exp(-(((beyond - 1) / SHELL) ** 2)) * (beyond <= SHELL_REACH)
    n = len(crystal)
    total = np.stack([np.bincount(atom, weight * arrow[:, axis] / distance, n) for axis in range(3)], axis=1)
    squares, whole = np.bincount(atom, weight**2, n), np.bincount(atom, weight, n)
    pairs = np.maximum(whole**2 - squares, 1e-12)
    return float(((np.square(total).sum(axis=1) - squares) / pairs).mean())


class Whitening(NamedTuple):
    """The map that makes the latents of a population uncorrelated with unit variance, and else changes them least.

    mean, deviation: (8,).  matrix: (8, 8) symmetric, for standardised values (ZCA of their correlations).
    """

    mean: np.ndarray
    deviation: np.ndarray
    matrix: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Whitening:
        """Of these latents (n, 8); ValueError where they do not span all eight."""
        mean, deviation = values.mean(axis=0), values.std(axis=0)
        standard = (values - mean) / deviation
        spread, axes = np.linalg.eigh(standard.T @ standard / len(values))
        if spread.min() < 1e-6:
            raise ValueError(f"latents must be independent, found a variance of {spread.min():.1e}: take more crystals")
        return cls(mean, deviation, (axes / np.sqrt(spread)) @ axes.T)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """(n, 8) white latents."""
        return ((values - self.mean) / self.deviation) @ self.matrix


@cache
def _elements() -> np.ndarray:
    """(119,) by atomic number; not a number where the benchmark has no such element."""
    from ase.data import covalent_radii
    from pymatgen.core.periodic_table import Element

    fields = ("negativity", "radius", "d_electrons", "charge", "mass")
    table = np.full(119, np.nan, dtype=[(name, np.float64) for name in fields])
    for number, charge in CHARGES.items():
        element = Element.from_Z(number)
        filled = element.group - 2 if element.block == "d" else 0
        table[number] = (element.X, covalent_radii[number], filled, charge, float(element.atomic_mass))
    return table
