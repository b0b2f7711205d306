"""Neighbours are those that brute force finds, however the crystal is written."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crystal import Crystal
from lake.graphs.build import TIE, build, neighbours

QUICK = settings(max_examples=40, deadline=None)


@st.composite
def crystals(draw: st.DrawFn, most: int = 5) -> Crystal:
    """Random cells, some skewed, some flat, none with two atoms on one site."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.integers(1, most))
    lengths = rng.uniform(2.5, 9.0, 3)
    skew = draw(st.sampled_from([0.0, 0.2, 0.8]))
    cell = np.diag(lengths) + np.tril(rng.uniform(-1, 1, (3, 3)), -1) * lengths.max() * skew
    while True:
        crystal = Crystal(cell, rng.random((n, 3)), rng.integers(1, 90, n))
        if crystal.smallest_distance() > 0.5:
            return crystal


def brute_force(crystal: Crystal, k: int, cutoff: float) -> np.ndarray:
    """(n, k) sorted distances by looking at every image in a box that surely holds the sphere."""
    volume = np.linalg.det(crystal.lattice)
    heights = [abs(volume) / np.linalg.norm(np.cross(crystal.lattice[i - 2], crystal.lattice[i - 1])) for i in range(3)]
    reach = [int(np.ceil(cutoff / h)) + 1 for h in heights]
    shifts = np.array(list(itertools.product(*(range(-r, r + 1) for r in reach))))
    gaps = crystal.positions[None, :, None] + shifts[None, None] - crystal.positions[:, None, None]
    lengths = np.linalg.norm(gaps @ crystal.lattice, axis=-1).reshape(len(crystal), -1)
    lengths[(lengths < 1e-8) | (lengths > cutoff + TIE)] = np.inf
    return np.pad(np.sort(lengths, axis=1), ((0, 0), (0, k)), constant_values=np.inf)[:, :k]


def shells(crystal: Crystal) -> np.ndarray:
    """What a convolution sees of every atom: its (distance, element) pairs, sorted; empty slots at 99 A."""
    index, distance = neighbours(crystal)
    elements = np.where(np.isfinite(distance), crystal.numbers[index], 0)
    pairs = np.stack([np.where(np.isfinite(distance), distance, 99.0).round(3), elements], axis=-1)
    return np.array([sorted(map(tuple, atom)) for atom in pairs.tolist()])


def assert_same_shells(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, atol=2e-3)


@given(crystals(), st.sampled_from([1, 12]), st.sampled_from([3.0, 8.0]))
@QUICK
def test_distances_are_those_of_brute_force(crystal: Crystal, k: int, cutoff: float) -> None:
    _, distance = neighbours(crystal, k, cutoff)
    np.testing.assert_allclose(distance, brute_force(crystal, k, cutoff), atol=TIE)


@given(crystals(), st.integers(0, 10**6))
@QUICK
def test_rotation_shift_and_site_order_change_nothing(crystal: Crystal, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    order = rng.permutation(len(crystal))
    moved = Crystal(crystal.lattice @ rotation, (crystal.positions + rng.normal(size=3))[order], crystal.numbers[order])
    assert_same_shells(shells(moved), shells(crystal)[order])


@pytest.mark.parametrize("k_cut", ["rock salt", "cscl", "fcc"])
def test_a_supercell_and_another_order_of_a_symmetric_crystal_change_nothing(k_cut: str) -> None:
    cells = {
        "rock salt": Crystal(2.82 * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [11, 17]),
        "cscl": Crystal(np.eye(3) * 4.12, [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17]),
        "fcc": Crystal(2.025 * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0]], [13]),
    }
    small = cells[k_cut]
    shifts = np.array(list(itertools.product(range(2), range(1), range(3))))
    positions = (small.positions[:, None] + shifts).reshape(-1, 3) / [2, 1, 3]
    big = Crystal(small.lattice * [[2], [1], [3]], positions, np.repeat(small.numbers, len(shifts)))
    assert_same_shells(shells(big), np.repeat(shells(small), len(shifts), axis=0))


def test_a_shell_that_the_limit_cuts_gives_its_lighter_atoms_first() -> None:
    octahedron = np.array([[x, 0, 0] for x in (2, -2)] + [[0, x, 0] for x in (2, -2)] + [[0, 0, x] for x in (2, -2)])
    sites = np.concatenate([[[0, 0, 0]], octahedron]) / 30 + 0.5
    numbers = np.array([26, 17, 9, 17, 9, 17, 9])
    for order in (np.arange(7), np.array([0, 6, 5, 4, 3, 2, 1])):
        crystal = Crystal(np.eye(3) * 30, sites[order], numbers[order])
        index, _ = neighbours(crystal, k=4)
        assert sorted(crystal.numbers[index[0]]) == [9, 9, 9, 17]


def test_an_atom_with_few_neighbours_has_empty_slots() -> None:
    index, distance = neighbours(Crystal(np.diag([7.0, 7.0, 40.0]), [[0, 0, 0]], [84]))
    assert np.isfinite(distance[0]).sum() == 4
    assert (index[0] == 0).all()
    assert np.isinf(neighbours(Crystal(np.eye(3) * 15, [[0, 0, 0]], [2]))[1]).all()


def test_a_flat_and_badly_skewed_cell_is_searched_as_its_reduced_self() -> None:
    good = Crystal(np.diag([3.0, 4.0, 5.0]), [[0, 0, 0], [0.3, 0.4, 0.5]], [11, 17])
    lattice = good.lattice.copy()
    lattice[1] += 40 * lattice[0]
    lattice[2] += 30 * lattice[1] - 7 * lattice[0]
    bad = Crystal(lattice, good.positions @ good.lattice @ np.linalg.inv(lattice), good.numbers)
    assert_same_shells(shells(bad), shells(good))


def test_many_crystals_at_once_are_each_by_itself() -> None:
    salt = Crystal(2.82 * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [11, 17])
    lone = Crystal(np.eye(3) * 15, [[0, 0, 0]], [2])
    together = build([salt, lone, salt]).batch(np.array([2, 1]))
    assert together.counts.tolist() == [2, 1]
    np.testing.assert_array_equal(together.distance[:2], neighbours(salt)[1])
    np.testing.assert_array_equal(together.index[:2], neighbours(salt)[0])
    assert (together.index[2] == 2).all()


def test_no_crystals_are_no_graphs() -> None:
    assert len(build([])) == 0
