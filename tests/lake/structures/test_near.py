"""The neighbour search: whatever is added in whatever order, it finds what looking at everybody finds."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crystal import Crystal
from lake.structures import fingerprint as fp
from lake.structures.near import LARGEST_LOG_VOLUME, TAIL, Neighbours
from tests.lake.small_lake import rock_salt, zincblende


def crowd(rng: np.random.Generator, count: int, kinds: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Fingerprints (count, 1 + 24) around so many centres, and volumes per atom in A^3."""
    centres = rng.uniform(0.8, 2.0, size=(kinds, 24))
    prints = centres[rng.integers(kinds, size=count)] + rng.uniform(-spread, spread, size=(count, 24))
    volumes = 20 * np.exp(rng.choice([0, LARGEST_LOG_VOLUME / 2, 1], size=count) + rng.normal(size=count) * 0.02)
    return np.column_stack([np.cbrt(volumes), prints]), volumes


def everybody(prints: np.ndarray, volumes: np.ndarray, one: int) -> list[tuple[int, float]]:
    """Brute force."""
    found = [
        (fp.distance(prints[one], prints[other]), other)
        for other in range(len(prints))
        if abs(math.log(volumes[one]) - math.log(volumes[other])) <= LARGEST_LOG_VOLUME
    ]
    return [(other, apart) for apart, other in sorted(found) if apart <= fp.RADIUS]


@settings(max_examples=25, deadline=None)
@given(
    rng=st.integers(0, 2**32 - 1).map(np.random.default_rng),
    count=st.sampled_from([1, 3, TAIL - 1, TAIL, TAIL + 1, 3 * TAIL + 7]),
    kinds=st.sampled_from([1, 5, 40]),
    spread=st.sampled_from([0.0, 0.03, 0.05, 0.3]),
)
def test_it_finds_exactly_what_looking_at_everybody_finds_nearest_first(rng, count, kinds, spread):
    prints, volumes = crowd(rng, count, kinds, spread)
    search = Neighbours(prints[:, 0].min())
    for one, volume in zip(prints, volumes, strict=True):
        search.add(one, volume)
    assert len(search) == count
    for one in rng.integers(count, size=10):
        assert search.near(prints[one], volumes[one]) == everybody(prints, volumes, one)


def test_an_empty_search_finds_nobody():
    assert Neighbours(2.0).near(np.ones(4), 10.0) == []


def test_a_crystal_that_is_3_percent_longer_is_near_and_one_that_is_5_percent_longer_is_not():
    for told in (rock_salt("Mg", "O", 4.2), zincblende("Zn", "S", 5.41)):
        search = Neighbours(1.5)
        for longer in (1.0, 1.03, 1.05, 0.97):
            crystal = Crystal(told.lattice * longer, told.positions, told.numbers)
            volume = crystal.volume / len(crystal)
            if longer == 1.0:
                search.add(fp.fingerprint(crystal), volume)
            else:
                near = search.near(fp.fingerprint(crystal), volume)
                assert [neighbour.place for neighbour in near] == ([] if longer == 1.05 else [0])


def test_points_are_in_few_trees_however_many_there_are():
    search = Neighbours(2.0)
    rng = np.random.default_rng(0)
    for one in rng.uniform(1, 2, size=(40 * TAIL + 3, 5)):
        search.add(one, 10.0)
    assert len(search._trees) <= math.log2(41)
