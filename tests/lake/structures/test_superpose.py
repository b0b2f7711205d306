"""Superposition: what was done to a crystal is what is measured, however it is written; strangers do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from benchmarks.identity import made
from lake.crystal import Crystal
from lake.structures.cell import Cell
from lake.structures.primitive import primitive
from lake.structures.superpose import REACH, Superposition, _smallest_ball, superpose
from tests.lake.small_lake import half_heusler, polytype, rock_salt
from tests.lake.structures.test_fingerprint import bases, displaced, moved, recut, seeds


def laid(one: Crystal, other: Crystal) -> Superposition | None:
    return superpose(primitive(Cell.of(one)).cell, primitive(Cell.of(other)).cell)


@settings(max_examples=30, deadline=None)
@given(told=bases, rng=seeds)
def test_a_crystal_in_another_cell_origin_order_and_orientation_needs_no_change(told, rng):
    found = laid(told, moved(recut(told, rng), rng))
    assert found == pytest.approx((0, 0, 0, 0), abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(told=bases, rng=seeds)
def test_a_mirror_image_is_the_same_crystal(told, rng):
    image = Crystal(told.lattice * [1, 1, -1], displaced(told, 0.02, rng).positions, told.numbers)
    other = Crystal(told.lattice, image.positions, told.numbers)
    assert laid(image, moved(other, rng)) == pytest.approx((0, 0, 0, 0), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(told=bases, rng=seeds, scale=st.floats(-0.04, 0.04), strain=st.floats(-0.02, 0.02), length=st.floats(0, 0.05))
def test_what_was_done_is_what_is_measured(told, rng, scale, strain, length):
    told = primitive_of(told)
    other = displaced(made.strained(made.scaled(told, scale), strain, rng), length, rng)
    found = laid(told, moved(made.recut(other, rng), rng))
    assert np.log1p(found.scale) == pytest.approx(np.log1p(scale) + np.log1p(strain) / 3, abs=1e-9)
    # another mapping may need a little more of the one and less of the other, but never more of both
    assert found.strain / 0.02 <= max(abs(np.log1p(strain)) / 2 / 0.02, length / 0.05) * 1.05 + 1e-3
    assert found.displacement <= max(length, abs(strain) * 2.5) * 1.05 + 1e-3
    assert found.rms <= found.displacement * (1 + 1e-3) + 1e-9


def primitive_of(told: Crystal) -> Crystal:
    return Crystal.from_pymatgen(told.to_pymatgen().get_primitive_structure())


@settings(max_examples=15, deadline=None)
@given(told=bases, rng=seeds, length=st.floats(0.001, 0.1))
def test_swapping_both_crystals_only_turns_the_scale_round(told, rng, length):
    other = moved(displaced(made.strained(made.scaled(told, 0.02), 0.01, rng), length, rng), rng)
    there, back = laid(told, other), laid(other, told)
    assert (1 + there.scale) * (1 + back.scale) == pytest.approx(1)
    assert there[1:] == pytest.approx(back[1:], rel=2e-3, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(told=bases, rng=seeds)
def test_a_supercell_is_laid_onto_the_small_cell_as_it_is_told(told, rng):
    small = primitive(Cell.of(told)).cell
    rough = displaced(made.supercell(primitive_of(told), (2, 1, 1)), 0.04, rng)
    found = superpose(small, Cell.of(moved(made.recut(rough, rng), rng)))
    assert 1e-3 < found.displacement <= 0.04 * (1 + 1e-3)  # smaller, the more of them moved one way
    assert found.scale == pytest.approx(0, abs=1e-9)


def test_polytypes_and_swapped_decorations_are_not_superposed():
    stackings = ("AB", "ABC", "ABCB", "ABCACB")
    for one in stackings:
        for other in stackings:
            if one < other:
                assert laid(polytype(one), polytype(other)) is None, (one, other)
    assert laid(half_heusler("Ti", "Sn", "Ni", 5.93), half_heusler("Ti", "Ni", "Sn", 5.93)) is None
    assert laid(rock_salt("Mg", "O", 4.2), rock_salt("O", "Mg", 4.2)) == pytest.approx((0, 0, 0, 0), abs=1e-6)


def test_crystals_of_other_composition_density_or_size_are_not_superposed():
    salt = rock_salt("Mg", "O", 4.2)
    assert laid(salt, rock_salt("Ca", "O", 4.2)) is None
    assert laid(salt, rock_salt("Mg", "O", 4.9)) is None
    assert laid(salt, half_heusler("Mg", "O", "Ni", 4.2)) is None


@settings(max_examples=50, deadline=None)
@given(rng=seeds, n=st.integers(1, 40), flat=st.integers(1, 3))
def test_the_smallest_ball_holds_every_point_and_no_smaller_one_does(rng, n, flat):
    points = rng.normal(size=(n, 3)) * (np.arange(3) < flat)
    radius = _smallest_ball(points, np.empty(n), np.inf)
    # some centre reaches every point within that radius: the best of a fine search does not beat it
    centre = points.mean(0)
    for step in np.geomspace(1, 1e-6, 4000):
        far = points[np.argmax(((points - centre) ** 2).sum(1))]
        centre = centre + (far - centre) * step
    reached = np.sqrt(((points - centre) ** 2).sum(1).max())
    assert radius <= reached * (1 + 1e-3) + 1e-9
    widest = cKDTree(points).query(points, k=n)[0].max() if n > 1 else 0.0
    assert radius >= widest / 2 - 1e-9


def test_a_strain_along_one_direction_is_found_up_to_the_reach():
    told = Crystal(np.eye(3) * 4.1, [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17])
    for strain in (0.02, 0.03, 0.04, 0.049):
        longer = Crystal(told.lattice * [1, 1, np.exp(2 * strain)], told.positions, told.numbers)
        assert np.log1p(laid(told, longer).strain) == pytest.approx(strain)


def test_what_lies_beyond_reach_is_given_up():
    assert np.isinf(_smallest_ball(np.array([[0.0, 0, 0], [1.0, 0, 0]]), np.empty(2), REACH))
