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

RADIUS = 0.1


def crowd(rng: np.random.Generator, count: int, kinds: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Fingerprints (count, 2, 2, 6) around so many centres, and volumes per atom."""
    centres = rng.normal(size=(kinds, 2, 2, 6))
    prints = centres[rng.integers(kinds, size=count)] + rng.uniform(-spread, spread, size=(count, 2, 2, 6))
    return prints, np.exp(rng.choice([0, LARGEST_LOG_VOLUME / 2, 1], size=count) + rng.normal(size=count) * 0.02)


def everybody(prints: np.ndarray, volumes: np.ndarray, one: int) -> list[tuple[int, float]]:
    """Brute force."""
    found = [
        (fp.distance(prints[other], prints[one]), other)
        for other in range(len(prints))
        if abs(math.log(volumes[one]) - math.log(volumes[other])) <= LARGEST_LOG_VOLUME
    ]
    return [(other, apart) for apart, other in sorted(found) if apart <= RADIUS]


@settings(max_examples=25, deadline=None)
@given(
    rng=st.integers(0, 2**32 - 1).map(np.random.default_rng),
    count=st.sampled_from([1, 3, TAIL - 1, TAIL, TAIL + 1, 3 * TAIL + 7]),
    kinds=st.sampled_from([1, 5, 40]),
    spread=st.sampled_from([0.0, 0.04, 0.2, 2.0]),
)
def test_it_finds_exactly_what_looking_at_everybody_finds_nearest_first(rng, count, kinds, spread):
    prints, volumes = crowd(rng, count, kinds, spread)
    search = Neighbours(RADIUS)
    for one, volume in zip(prints, volumes, strict=True):
        search.add(one, volume)
    assert len(search) == count
    for one in rng.integers(count, size=10):
        assert search.near(prints[one], volumes[one]) == everybody(prints, volumes, one)


def test_an_empty_search_finds_nobody():
    assert Neighbours(RADIUS).near(np.zeros((1, 1, 3)), 10.0) == []


def test_a_crystal_that_is_3_percent_longer_is_near_and_one_that_is_4_percent_longer_is_not():
    for told in (rock_salt("Mg", "O", 4.2), zincblende("Zn", "S", 5.41)):
        search = Neighbours(RADIUS)
        for longer in (1.0, 1.03, 1.04, 1 / 1.03):
            crystal = Crystal(told.lattice * longer, told.positions, told.numbers)
            volume = crystal.volume / len(crystal)
            if longer == 1.0:
                search.add(fp.fingerprint(crystal), volume)
            else:
                near = search.near(fp.fingerprint(crystal), volume)
                assert [neighbour.place for neighbour in near] == ([] if longer == 1.04 else [0])


def test_points_are_in_few_trees_however_many_there_are():
    search = Neighbours(RADIUS)
    rng = np.random.default_rng(0)
    for one in rng.normal(size=(40 * TAIL + 3, 1, 1, 4)):
        search.add(one, 10.0)
    assert len(search._trees) <= math.log2(41)
