"""Folding keeps what a network counts, and puts together all that a symmetry exchanges."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crystal import Crystal
from lake.graphs.build import build
from lake.graphs.folded import fold
from lake.graphs.gathered import GatheredGraphs

CUBE = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
ROCK_SALT = Crystal(np.eye(3) * 5.6, np.vstack([CUBE, CUBE + np.array([0.5, 0, 0])]), [11] * 4 + [17] * 4)


def made(seed: int) -> Crystal:
    """Some atoms anywhere, and the same again half a cell further: each is there twice."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 6))
    positions, numbers = rng.random((count, 3)) * [1, 1, 0.5], rng.integers(1, 90, count)
    return Crystal(
        np.diag([5.0, 6.0, 9.0]), np.vstack([positions, positions + np.array([0, 0, 0.5])]), np.tile(numbers, 2)
    )


def test_rock_salt_is_two_atoms_with_a_neighbour_of_each_kind() -> None:
    folded = fold(build([ROCK_SALT]))
    assert folded.numbers.tolist() == [11, 17]
    assert folded.times.tolist() == [4, 4]
    assert folded.starts.tolist() == [0, 2, 4]
    assert folded.index.tolist() == [1, 0, 0, 1]  # six of the other kind, and half of twelve of its own
    np.testing.assert_allclose(folded.weight, 6)
    np.testing.assert_allclose(folded.distance, [2.8, 2.8 * 2**0.5] * 2, atol=1e-5)


@settings(max_examples=25)
@given(seeds=st.lists(st.integers(0, 10**6), min_size=1, max_size=4))
def test_nothing_that_counts_is_lost(seeds: list[int]) -> None:
    crystals = [made(seed) for seed in seeds]
    graphs = build(crystals)
    whole, folded = graphs.batch(np.arange(len(seeds))), fold(graphs)
    for row, crystal in enumerate(crystals):
        part = slice(*folded.offsets[row : row + 2])
        assert folded.times[part].sum() == len(crystal)
        assert part.stop - part.start <= len(crystal) // 2
        for number in np.unique(crystal.numbers):
            assert folded.times[part][folded.numbers[part] == number].sum() == (crystal.numbers == number).sum()
    counted = folded.weight * np.repeat(folded.times, np.diff(folded.starts))
    np.testing.assert_allclose(counted.sum(), whole.weight.sum(), rtol=1e-5)
    np.testing.assert_allclose(counted @ folded.distance, whole.weight @ whole.distance, rtol=1e-5)


def test_a_crystal_without_symmetry_stays_as_it_is() -> None:
    rng = np.random.default_rng(0)
    crystal = Crystal(np.eye(3) * 7, rng.random((6, 3)), np.full(6, 14))
    graphs = build([crystal])
    folded = fold(graphs)
    assert (folded.times == 1).all()
    np.testing.assert_array_equal(folded.index, graphs.index)
    np.testing.assert_allclose(folded.distance, graphs.distance, atol=1e-5)


def test_a_store_gives_its_graphs_folded_and_whole() -> None:
    store, rows = GatheredGraphs([made(seed) for seed in range(5)]), np.array([4, 1, 4])
    folded, whole = store.batch(rows), store.whole(rows)
    assert np.add.reduceat(folded.times, np.cumsum(folded.counts) - folded.counts).tolist() == whole.counts.tolist()
    assert folded.starts[-1] == len(folded.index) == len(folded.weight) < len(whole.index)
    assert whole.times is None
