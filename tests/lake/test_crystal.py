"""Crystal: what it promises about checks, names and round trips."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crystal import FEW_SITES, NUMBER, SYMBOLS, Crystal, CrystalError

ROCK_SALT = Crystal(
    np.eye(3) * 5.64,
    [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0.5, 0.5]],
    [11] * 4 + [17] * 4,
)


def test_a_crystal_knows_its_volume_counts_and_reduced_formula():
    assert ROCK_SALT.volume == pytest.approx(5.64**3)
    assert ROCK_SALT.counts == {"Na": 4, "Cl": 4}
    assert ROCK_SALT.reduced_formula == "NaCl"


def test_to_pymatgen_and_back_changes_nothing():
    again = Crystal.from_pymatgen(ROCK_SALT.to_pymatgen())
    np.testing.assert_allclose(again.lattice, ROCK_SALT.lattice)
    np.testing.assert_allclose(again.positions, ROCK_SALT.positions)
    assert (again.numbers == ROCK_SALT.numbers).all()
    assert again.structure_hash == ROCK_SALT.structure_hash


@given(st.integers(0, 7), st.floats(1e-4, 0.1))
def test_moving_any_atom_changes_the_structure_hash(site, by):
    moved = ROCK_SALT.positions.copy()
    moved[site, 0] += by
    assert Crystal(ROCK_SALT.lattice, moved, ROCK_SALT.numbers).structure_hash != ROCK_SALT.structure_hash


@pytest.mark.parametrize(
    ("lattice", "positions", "numbers", "says"),
    [
        (np.eye(3) * 4, [], [], "needs atoms"),
        (np.eye(3) * 4, [[0, 0, 0]], [119], "1 to 118"),
        (np.eye(3) * 4, [[0, 0, 0]], [0], "1 to 118"),
        (np.eye(3) * 4, [[0, 0, float("nan")]], [1], "finite"),
        (np.zeros((3, 3)), [[0, 0, 0]], [1], "volume per atom"),
        (np.eye(3) * 4, [[0, 0, 0], [0.001, 0, 0]], [11, 17], "overlapping"),
        (np.eye(3) * 4, [[0, 0, 0], [0.999, 0, 0]], [11, 17], "overlapping"),
        (np.eye(3) * 4, [[0, 0, 0], [0.5, 0, 0]], [11], "2 positions"),
    ],
)
def test_what_cannot_be_a_crystal_is_refused_with_the_rule_it_breaks(lattice, positions, numbers, says):
    with pytest.raises(CrystalError, match=says):
        Crystal(lattice, positions, numbers).checked()


def test_partial_occupancy_is_refused_by_name():
    from pymatgen.core import Lattice, Structure

    alloy = Structure(Lattice.cubic(3.6), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]])
    with pytest.raises(CrystalError, match="partial occupancy"):
        Crystal.from_pymatgen(alloy)


def test_symbols_and_numbers_are_inverse_and_agree_with_pymatgen():
    from pymatgen.core import Element

    assert all(NUMBER[symbol] == z for z, symbol in enumerate(SYMBOLS) if z)
    assert [Element(symbol).Z for symbol in SYMBOLS[1:]] == list(range(1, 119))


# The smallest distance


def distance_of_all_pairs(crystal: Crystal) -> float:
    """By its definition: every pair's difference within half a cell."""
    difference = crystal.positions[:, None] - crystal.positions
    lengths = np.linalg.norm((difference - np.round(difference)) @ crystal.lattice, axis=2)
    return lengths[~np.eye(len(crystal), dtype=bool)].min()


@st.composite
def crystals(draw) -> Crystal:
    """Cells from cubic to flat, tall and skewed; sites at random, in layers, on a grid, and some far outside."""
    choose = np.random.default_rng(draw(st.integers(0, 2**32)))
    stretched = np.diag(draw(st.tuples(*[st.sampled_from([0.01, 1.0, 5.0, 80.0])] * 3)))
    skew = np.eye(3) + draw(st.sampled_from([0.0, 0.3, 4.0])) * np.tril(choose.normal(size=(3, 3)), -1)
    turned = np.linalg.qr(choose.normal(size=(3, 3)))[0]
    count = draw(st.integers(2, 12) | st.integers(FEW_SITES - 1, 3 * FEW_SITES))
    positions = choose.random((count, 3))
    for axis, steps in enumerate(draw(st.tuples(*[st.sampled_from([1, 2, 7, 10**9])] * 3))):
        positions[:, axis] = np.round(positions[:, axis] * steps) / steps
    positions += choose.integers(-2, 3, size=(count, 3)) * draw(st.booleans())
    return Crystal(stretched @ skew @ turned, positions, np.ones(count))


@given(crystals())
def test_the_smallest_distance_is_that_of_all_pairs(crystal):
    expected = distance_of_all_pairs(crystal)
    assert crystal.smallest_distance() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(crystals(), st.randoms(use_true_random=False), st.tuples(*[st.floats(-1, 1)] * 3))
def test_the_smallest_distance_does_not_depend_on_order_and_origin(crystal, choose, shift):
    order = choose.sample(range(len(crystal)), len(crystal))
    sites = np.round(crystal.positions[order] * 97) / 97  # away from half a cell, where either image would do
    one = Crystal(crystal.lattice, sites[np.argsort(order)], crystal.numbers)
    other = Crystal(crystal.lattice, sites + shift, crystal.numbers)
    assert other.smallest_distance() == pytest.approx(one.smallest_distance(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("sides", [(20, 20, 25), (100, 100, 1), (10_000, 1, 1)], ids=["bulk", "sheet", "chain"])
def test_ten_thousand_sites_need_little_memory(sides):
    grid = np.stack(np.meshgrid(*map(np.arange, sides)), axis=-1).reshape(-1, 3)
    lattice = np.diag([2.0 * side if side > 1 else 30.0 for side in sides])
    crystal = Crystal(lattice, grid / sides, np.ones(len(grid)))
    tracemalloc.start()
    try:
        assert crystal.smallest_distance() == pytest.approx(2.0)
        assert tracemalloc.get_traced_memory()[1] < 20e6  # all pairs would be 2.4 GB
    finally:
        tracemalloc.stop()
