"""What a crystal's own structure tells beside its formula: density, distances, surroundings; and a random forest on it.

From the lake's graphs (twelve nearest neighbours, tied shells whole) and the cell's volume. The surroundings follow
Ward et al., Phys. Rev. B 96, 024104 (2017), with Hoppe's effective coordination for the weights of their Voronoi faces
(Hoppe, Z. Kristallogr. 150, 23, 1979). Nothing depends on how the crystal is written down: not on the cell that was
chosen, on the order of its sites, or on its place in space.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from lake.graphs.arrays import GraphBatch
from lake.store import Lake
from models.baselines.composition import NUMBERS, composition_features, element_properties
from models.baselines.crystals import batches, tidy
from models.baselines.forest import Forest

GRAM_PER_CM3 = 1.66053907  # of one atomic mass unit in one A^3
SHELLS = np.arange(1.0, 8.01, 0.5)  # A: knots of the radial distribution
CONTACTS = np.arange(0.5, 2.51, 0.1)  # distances over the sum of the atomic radii
SURROUNDINGS = ("Z", "group", "row", "X", "atomic_radius", "ionization_energy")


class Structure(Forest):
    """A random forest on what formula and structure tell."""

    def features(self, lake: Lake, structures: pl.Series) -> np.ndarray:
        """(n, F): `composition_features` and `structure_features` of each structure."""
        found = [
            np.hstack([composition_features(graphs.numbers, graphs.counts), structure_features(graphs, volume)])
            for graphs, volume in batches(lake, structures)
        ]
        return tidy(np.concatenate(found)) if found else np.zeros((0, 0), dtype=np.float32)


def structure_features(graphs: GraphBatch, volume: np.ndarray) -> np.ndarray:
    """(B, F) float64 of B crystals; volume: (B,) of their cells, in A^3."""
    table = element_properties()[graphs.numbers]
    radius, mass = (table[:, NUMBERS.index(name)] for name in ("atomic_radius", "atomic_mass"))
    crystal = np.repeat(np.arange(len(graphs.counts)), graphs.counts)
    whole = np.column_stack(
        [
            volume / graphs.counts,
            GRAM_PER_CM3 * _summed(crystal, mass, len(volume)) / volume,
            4 / 3 * np.pi * _summed(crystal, radius**3, len(volume)) / volume,
        ]
    )
    bonds = _Bonds(graphs, radius)
    per_atom = [bonds.nearest, bonds.mean, bonds.farthest / bonds.nearest, bonds.coordination]
    for name in SURROUNDINGS:
        values = table[:, NUMBERS.index(name)]
        per_atom.append(bonds.around(np.abs(values[bonds.atom] - values[bonds.other])))
    per_atom.append(bonds.around((graphs.numbers[bonds.atom] != graphs.numbers[bonds.other]).astype(float)))
    atoms = [_spread(crystal, graphs.counts, values) for values in per_atom]
    of_edge = crystal[bonds.atom]
    weights = bonds.weight / graphs.counts[of_edge]  # a sum over a crystal is then a mean over its atoms
    shells = _histogram(of_edge, bonds.distance, weights, SHELLS, len(volume))
    contacts = _histogram(of_edge, bonds.distance / bonds.contact, weights, CONTACTS, len(volume))
    return np.hstack([whole, *atoms, shells, contacts])


class _Bonds:
    """The edges of a batch, and per atom what they sum to. An atom without neighbours has zeros."""

    def __init__(self, graphs: GraphBatch, radius: np.ndarray) -> None:
        self.n = len(graphs.numbers)
        self.atom = np.repeat(np.arange(self.n), np.diff(graphs.starts))
        self.other = graphs.index
        self.distance = graphs.distance.astype(np.float64)
        self.weight = graphs.weight.astype(np.float64)
        self.contact = radius[self.atom] + radius[self.other]
        first, last = graphs.starts[:-1], graphs.starts[1:]
        bonded = last > first
        self.nearest, self.farthest = np.ones(self.n), np.ones(self.n)
        self.nearest[bonded] = self.distance[first[bonded]]
        self.farthest[bonded] = self.distance[last[bonded] - 1]
        total = np.maximum(self._sum(self.weight), 1e-9)
        self.mean = self._sum(self.weight * self.distance) / total
        self.share = self._hoppe()
        self.coordination = self._sum(self.share)

    def around(self, values: np.ndarray) -> np.ndarray:
        """Per atom the mean of an edge's value (E,), near neighbours counting most."""
        return self._sum(self.share * values) / np.maximum(self.coordination, 1e-9)

    def _hoppe(self) -> np.ndarray:
        """What each edge counts to the effective coordination number, from the nearest distance outwards."""
        falling = self.weight * np.exp(1 - (self.distance / self.nearest[self.atom]) ** 6)
        mean = self._sum(falling * self.distance) / np.maximum(self._sum(falling), 1e-9)
        return self.weight * np.exp(1 - (self.distance / np.maximum(mean[self.atom], 1e-9)) ** 6)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        return _summed(self.atom, values, self.n)


def _summed(of: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(of, values, n)


def _spread(crystal: np.ndarray, counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(B, 4): mean, standard deviation, minimum and maximum over each crystal's atoms."""
    mean = _summed(crystal, values, len(counts)) / counts
    variance = _summed(crystal, (values - mean[crystal]) ** 2, len(counts)) / counts
    starts = np.cumsum(counts) - counts  # no crystal is without atoms
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    return np.column_stack([mean, np.sqrt(variance), low, high])


def _histogram(of: np.ndarray, values: np.ndarray, weights: np.ndarray, knots: np.ndarray, n: int) -> np.ndarray:
    """(n, knots): each value is shared between its two knots, so that a last digit never moves it from bin to bin."""
    place = np.clip((values - knots[0]) / (knots[1] - knots[0]), 0, len(knots) - 1 - 1e-9)
    low = place.astype(np.int64)
    up = place - low
    flat = np.bincount(of * len(knots) + low, weights * (1 - up), n * len(knots))
    flat += np.bincount(of * len(knots) + low + 1, weights * up, n * len(knots))
    return flat.reshape(n, len(knots))
