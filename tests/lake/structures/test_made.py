"""Made duplicates, and strangers that are known: what identity is measured on must itself be right."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.identity.made import COMBINED, EXACT, displaced, niggli, scaled, strained, swapped
from benchmarks.identity.real import Told
from benchmarks.identity.referee import Referee, centre_of_smallest_ball, strain
from benchmarks.identity.strangers import polytype, polytypes, swapped_decorations
from lake.crystal import Crystal
from lake.sample.crystals import sample_crystals

SAMPLE = sorted((sample.crystal for sample in sample_crystals()), key=len)[:40]
ROCK_SALT = Crystal(2.82 * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [11, 17])
HALF_HEUSLER = Crystal(
    2.95 * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0], [0.25, 0.25, 0.25], [0.5, 0.5, 0.5]], [22, 28, 50]
)
crystals = st.sampled_from(SAMPLE)
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def distances(told: Crystal, up_to: float = 5.4321) -> np.ndarray:
    """All distances up to this from the sites of the cell, ascending, in A; no shell of a sample crystal ends there."""
    return np.sort(told.to_pymatgen().get_neighbor_list(up_to)[3])


def parts(told: Crystal) -> dict[str, float]:
    return {element: count / len(told) for element, count in told.counts.items()}


@pytest.mark.parametrize("change", EXACT)
@given(told=crystals, rng=seeds)
@settings(max_examples=4, deadline=None)
def test_an_exact_change_keeps_composition_density_and_every_distance(change, told, rng):
    other = EXACT[change](told, rng)
    assert parts(other) == pytest.approx(parts(told))
    assert other.volume / len(other) == pytest.approx(told.volume / len(told), rel=1e-5)
    once, many = sorted((told, other), key=len)
    times = len(many) // len(once)
    assert np.repeat(distances(once), times) == pytest.approx(distances(many), abs=1e-4)


@pytest.mark.parametrize("size", [0.01, 0.05])
@given(told=crystals, rng=seeds)
@settings(max_examples=10, deadline=None)
def test_noise_moves_every_atom_by_its_length_and_not_the_cell(size, told, rng):
    other = displaced(told, size, rng)
    steps = (other.positions - told.positions) @ told.lattice
    assert np.linalg.norm(steps, axis=1) == pytest.approx(size)
    assert (other.lattice == told.lattice).all()


@given(told=crystals, rng=seeds, by=st.floats(-0.03, 0.03), along=st.floats(-0.02, 0.02))
@settings(max_examples=30, deadline=None)
def test_scaling_and_strain_are_measured_as_they_were_made(told, rng, by, along):
    other = strained(scaled(told, by), along, rng)
    assert other.volume == pytest.approx(told.volume * (1 + by) ** 3 * (1 + along))
    assert strain(told.lattice, other.lattice) == pytest.approx(2 / 3 * abs(np.log(1 + along)), abs=1e-9)


@given(told=crystals, rng=seeds)
@settings(max_examples=30, deadline=None)
def test_a_swap_keeps_formula_and_sites(told, rng):
    other = swapped(told, rng)
    if other is None:
        assert len(set(told.counts.values())) == len(told.counts)
    else:
        assert other.reduced_formula == told.reduced_formula
        assert (other.positions == told.positions).all()
        assert (other.numbers != told.numbers).any()


@pytest.mark.parametrize("change", COMBINED)
def test_the_referee_joins_what_the_definition_joins(change):
    for number, told in enumerate(SAMPLE[9:30:20]):
        assert Referee().same(told, COMBINED[change](told, np.random.default_rng(number)))


def test_the_referee_keeps_what_exceeds_a_tolerance():
    told = niggli(HALF_HEUSLER, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    moved = Crystal(told.lattice, told.positions + np.diag([0, 0.04, 0]), told.numbers)
    for other in (scaled(told, 0.05), strained(told, 0.04, rng), moved):
        assert not Referee().same(told, other)


def test_a_swap_that_a_symmetry_operation_undoes_makes_no_stranger():
    assert not list(swapped_decorations([Told("rock salt", "made", "NaCl", ROCK_SALT)]))


def test_a_swap_that_another_element_forbids_makes_a_stranger():
    one = Told("half-Heusler", "made", "TiNiSn", HALF_HEUSLER)
    strangers = [stranger for seed in range(4) for stranger in swapped_decorations([one], seed)]
    assert strangers
    assert not any(Referee().same(stranger.one, stranger.other) for stranger in strangers)


def test_polytypes_have_one_density_one_bond_and_are_strangers_all():
    for stranger in itertools.islice(polytypes(), 0, None, 19):
        assert stranger.one.volume / len(stranger.one) == pytest.approx(stranger.other.volume / len(stranger.other))
        assert stranger.one.smallest_distance() == pytest.approx(stranger.other.smallest_distance())
        assert not Referee().same(stranger.one, stranger.other)


def test_a_polytype_without_turns_is_zincblende():
    zincblende = Crystal(3.08 / np.sqrt(2) * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0], [0.25, 0.25, 0.25]], [14, 6])
    assert Referee().same(polytype("SiC", (1,)), zincblende)


@given(points=st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=1, max_size=12).map(np.array))
@settings(max_examples=50, deadline=None)
def test_no_point_is_a_better_centre_than_that_of_the_smallest_ball(points):
    def radius(centre):
        return np.linalg.norm(points - centre, axis=1).max()

    centre = centre_of_smallest_ball(points)
    away = np.random.default_rng(0).normal(size=(200, 3)) * 0.1
    assert radius(centre) <= min(radius(centre + step) for step in away) + 2e-3
