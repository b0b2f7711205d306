"""Crystals for the tests of graphs, and what a convolution sees of each of their atoms."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from lake.crystal import Crystal
from lake.graphs.arrays import Graphs
from lake.graphs.build import TIE

ROCK_SALT = Crystal(2.82 * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [11, 17])
CAESIUM_CHLORIDE = Crystal(np.eye(3) * 4.12, [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17])
ALUMINIUM = Crystal(2.025 * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0]], [13])
SYMMETRIC = {"rock salt": ROCK_SALT, "caesium chloride": CAESIUM_CHLORIDE, "aluminium": ALUMINIUM}


@st.composite
def crystals(draw: st.DrawFn, most: int = 5) -> Crystal:
    """Random cells, some skewed, some flat, some full of equal distances, none with two atoms on one site."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.integers(1, most))
    skew = draw(st.sampled_from([0.0, 0.2, 0.8]))
    grid = draw(st.sampled_from([0, 4]))  # sites on a grid in a cube have ties
    lengths = np.full(3, rng.uniform(4.0, 8.0)) if grid else rng.uniform(2.5, 9.0, 3)
    cell = np.diag(lengths) + np.tril(rng.uniform(-1, 1, (3, 3)), -1) * lengths.max() * (0.0 if grid else skew)
    while True:
        sites = rng.integers(0, grid, (n, 3)) / grid if grid else rng.random((n, 3))
        crystal = Crystal(cell, sites, rng.integers(1, 90, n))
        if crystal.smallest_distance() > 0.5:
            return crystal


def packed(n: int, seed: int = 0) -> Crystal:
    """n atoms in a skewed cell, 14 A^3 each, on sites of a grid that were moved a little."""
    rng = np.random.default_rng(seed)
    per_axis = int(np.ceil(n ** (1 / 3)))
    grid = np.array(list(itertools.product(range(per_axis), repeat=3)))[rng.permutation(per_axis**3)[:n]]
    cell = np.eye(3) + np.tril(rng.uniform(-0.3, 0.3, (3, 3)), -1)
    cell *= (14.0 * n) ** (1 / 3)
    return Crystal(cell, (grid + rng.uniform(-0.2, 0.2, (n, 3))) / per_axis, rng.integers(1, 90, n))


def repeated(crystal: Crystal, times: tuple[int, int, int]) -> Crystal:
    """A supercell; the copies of an atom come one behind the other."""
    shifts = np.array(list(itertools.product(*map(range, times))))
    positions = (crystal.positions[:, None] + shifts).reshape(-1, 3) / times
    return Crystal(crystal.lattice * np.array(times)[:, None], positions, np.repeat(crystal.numbers, len(shifts)))


def seen(graphs: Graphs, row: int = 0) -> list[list[tuple[float, int, float]]]:
    """Of every atom of a graph its (distance, element, weight), shell by shell: all of a shell at its mean distance."""
    batch = graphs.batch(np.array([row]))
    atoms = []
    for low, high in itertools.pairwise(batch.starts.tolist()):
        far, weight = batch.distance[low:high].astype(float), batch.weight[low:high]
        atoms.append(by_shell(far, batch.numbers[batch.index[low:high]], weight))
    return atoms


def by_shell(far: np.ndarray, elements: np.ndarray, weight: np.ndarray) -> list[tuple[float, int, float]]:
    """(distance, element, weight) in an order that says nothing of which of equals came first."""
    shell = np.concatenate([[0], np.cumsum(np.diff(far) > TIE)]).astype(int)[: len(far)]
    mean = [far[shell == s].mean() for s in shell]
    return sorted(zip(mean, elements.tolist(), np.asarray(weight, float).tolist(), strict=True))


def assert_seen_alike(found: list, wanted: list, atol: float = 2e-4) -> None:
    """The same neighbours for every atom, in this order of atoms."""
    assert [len(atom) for atom in found] == [len(atom) for atom in wanted]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.array(one), np.array(other), atol=atol)
