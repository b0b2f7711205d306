"""The fingerprint: what it must not see, what it may feel a little, and what it must tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lake.crystal import Crystal
from lake.structures.fingerprint import (
    DISPLACEMENT,
    PARTS,
    RADIUS,
    STRAIN,
    VERSION,
    K,
    distance,
    distances,
    fingerprint,
)
from tests.lake.small_lake import half_heusler, polytype, rock_salt, wurtzite, zincblende

BASES = {
    "GaAs": zincblende("Ga", "As", 5.65),
    "ZnO": wurtzite("Zn", "O", 3.25),
    "TiNiSn": half_heusler("Ti", "Sn", "Ni", 5.93),
    "4H-SiC": polytype("ABCB"),
}
bases = st.sampled_from(sorted(BASES)).map(BASES.get)
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def moved(told: Crystal, rng: np.random.Generator) -> Crystal:
    """Rotated, shifted, its sites shuffled."""
    order = rng.permutation(len(told))
    turned = told.lattice @ Rotation.random(rng=rng).as_matrix()
    return Crystal(turned, (told.positions + rng.random(3))[order], told.numbers[order])


def recut(told: Crystal, rng: np.random.Generator) -> Crystal:
    """Another cell of the same crystal, one to four times as large, skewed as it comes."""
    while True:
        cut = rng.integers(-2, 3, (3, 3))
        if 1 <= abs(round(np.linalg.det(cut))) <= 4:
            structure = told.to_pymatgen()
            structure.make_supercell(cut)
            return Crystal.from_pymatgen(structure)


def displaced(told: Crystal, length: float, rng: np.random.Generator) -> Crystal:
    """Every atom moved by this length, in A, each in its own direction."""
    steps = rng.normal(size=(len(told), 3))
    steps *= length / np.linalg.norm(steps, axis=1, keepdims=True)
    return Crystal(told.lattice, told.positions + steps @ np.linalg.inv(told.lattice), told.numbers)


@st.composite
def any_crystals(draw) -> Crystal:
    """Up to six atoms of up to three elements anywhere in a cell that may be skewed, flat or long."""
    rng = draw(seeds)
    count = draw(st.integers(1, 6))
    lattice = np.diag(draw(st.tuples(*[st.sampled_from([2.0, 3.0, 4.5, 9.0])] * 3)))
    skew = np.eye(3)
    skew[np.triu_indices(3, 1)] = draw(st.tuples(*[st.integers(-3, 3)] * 3)) + rng.uniform(-0.5, 0.5, 3)
    places = draw(st.sampled_from([1.0, 5.0])) * rng.random((count, 3))
    return Crystal(skew @ lattice, places, draw(st.lists(st.sampled_from([8, 14, 22]), min_size=count, max_size=count)))


def by_brute_force(told: Crystal) -> np.ndarray:
    """The definition of the fingerprint, word by word: all images in a box that is surely large enough."""
    elements, rows = np.unique(told.numbers), []
    for a in elements:
        for b in elements:
            ranked = [neighbour_lengths(told, centre, b) for centre in np.flatnonzero(told.numbers == a)]
            # every atom PARTS times: then each part is a whole number of rows
            rows.append(np.repeat(np.sort(ranked, axis=0), PARTS, axis=0).reshape(PARTS, -1, K).mean(1))
    unit = (told.volume / len(told)) ** (1 / 3)
    return np.concatenate([[unit], np.ravel(rows) / unit])


def neighbour_lengths(told: Crystal, centre: int, element: int) -> np.ndarray:
    """From one atom to its K nearest of an element, in A; the sphere grows until it holds them."""
    radius = 4.0
    while True:
        times = np.ceil(radius * np.linalg.norm(np.linalg.inv(told.lattice), axis=0)).astype(int) + 1
        cells = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in times], indexing="ij"), -1).reshape(-1, 3)
        places = told.positions % 1.0
        steps = (places[told.numbers == element, None] - places[centre] + cells).reshape(-1, 3) @ told.lattice
        lengths = np.sort(np.linalg.norm(steps, axis=1))[int(told.numbers[centre] == element) :]
        if (lengths <= radius).sum() >= K:
            return lengths[:K]
        radius *= 1.5


@settings(max_examples=30, deadline=None)
@given(told=any_crystals())
def test_its_numbers_are_those_of_brute_force(told):
    assert fingerprint(told) == pytest.approx(by_brute_force(told), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(told=st.one_of(bases, any_crystals()), rng=seeds, scale=st.floats(0.97, 1.03))
def test_no_change_that_the_definition_tolerates_leaves_the_radius(told, rng, scale):
    directions = Rotation.random(rng=rng).as_matrix()
    strain = directions.T @ np.diag(1 + STRAIN * rng.choice([-1, 1, rng.uniform(-1, 1)], 3)) @ directions
    larger = recut(told, rng)
    other = displaced(larger, DISPLACEMENT * rng.choice([1.0, rng.random()]), rng)
    other = Crystal(scale * other.lattice @ strain, other.positions, other.numbers)
    if rng.random() < 0.5:  # displaced before or after the strain
        other = Crystal(scale * larger.lattice @ strain, larger.positions, larger.numbers)
        other = displaced(other, DISPLACEMENT * rng.choice([1.0, rng.random()]), rng)
    found = distance(fingerprint(told), fingerprint(moved(other, rng)))
    assert found <= RADIUS
    assert found == pytest.approx(distance(fingerprint(other), fingerprint(told)))


def test_the_worst_strain_and_the_worst_displacement_come_close_to_the_radius():
    """Two atoms that part along the axis that alone is stretched: the radius is no larger than it must be."""
    told = Crystal(np.diag([3.0, 20.0, 20.0]), [[0, 0, 0], [0.5, 0, 0]], [5, 7])
    away = DISPLACEMENT / 3.0
    strain = np.diag([1 + STRAIN, 1 - STRAIN, 1 - STRAIN])
    other = Crystal(told.lattice @ strain, told.positions + away * np.array([[-1, 0, 0], [1, 0, 0]]), told.numbers)
    assert 0.85 < distance(fingerprint(told), fingerprint(other)) <= RADIUS


@settings(max_examples=30, deadline=None)
@given(told=bases, rng=seeds, scale=st.floats(0.97, 1.03))
def test_motion_order_cell_and_uniform_strain_leave_it_unchanged(told, rng, scale):
    other = moved(recut(told, rng), rng)
    other = Crystal(other.lattice * scale, other.positions, other.numbers)
    assert distance(fingerprint(told), fingerprint(other)) < 1e-8


def test_the_primitive_cell_has_the_fingerprint_of_the_conventional_one():
    for told in BASES.values():
        primitive = Crystal.from_pymatgen(told.to_pymatgen().get_primitive_structure())
        assert distance(fingerprint(told), fingerprint(primitive)) < 1e-6


@settings(max_examples=20, deadline=None)
@given(told=bases, rng=seeds)
def test_noise_changes_it_in_proportion(told, rng):
    large = distance(fingerprint(told), fingerprint(displaced(told, 0.03, rng)))
    small = distance(fingerprint(told), fingerprint(displaced(told, 0.0003, rng)))
    assert large < 0.03 / DISPLACEMENT
    assert small < 0.0003 / DISPLACEMENT


def test_a_mirror_image_has_the_same():
    for told in BASES.values():
        mirrored = Crystal(told.lattice * [-1, 1, 1], told.positions, told.numbers)
        assert distance(fingerprint(told), fingerprint(mirrored)) < 1e-9


def test_polytypes_differ_from_one_another():
    prints = {name: fingerprint(polytype(name)) for name in ("AB", "ABC", "ABCB", "ABCACB")}
    for one in prints:
        for other in prints:
            if one < other:
                assert distance(prints[one], prints[other]) > RADIUS, (one, other)


def test_a_swapped_decoration_differs_unless_it_is_the_same_crystal():
    right, wrong = half_heusler("Ti", "Sn", "Ni", 5.93), half_heusler("Ti", "Ni", "Sn", 5.93)
    assert distance(fingerprint(right), fingerprint(wrong)) > RADIUS
    assert distance(fingerprint(rock_salt("Mg", "O", 4.2)), fingerprint(rock_salt("O", "Mg", 4.2))) < 1e-9


def test_its_numbers_are_the_distances_of_rock_salt():
    edge = 4.0
    found = fingerprint(rock_salt("Mg", "O", edge))  # elements in order of atomic number: O, Mg
    unlike = [edge / 2] * 6 + [edge * np.sqrt(3) / 2] * 8
    like = [edge / np.sqrt(2)] * 12 + [edge] * 6
    per_atom = (edge**3 / 8) ** (1 / 3)
    assert found[0] == pytest.approx(per_atom)
    found = found[1:].reshape(2, 2, PARTS, K) * per_atom
    assert found[0, 1, :, :14] == pytest.approx(np.tile(unlike, (PARTS, 1)))
    assert found[0, 0, :, :18] == pytest.approx(np.tile(like, (PARTS, 1)))


def test_parts_tell_how_atoms_of_one_element_differ():
    """Two atoms in one line, one a third: nearest 1 and 2 A for each, but 1 and 1 for one in the middle of three."""
    told = Crystal(np.diag([4.0, 30.0, 30.0]), [[0, 0, 0], [0.25, 0, 0], [0.5, 0, 0]], [6, 6, 6])
    found = fingerprint(told)
    second = found[1:].reshape(1, 1, PARTS, K)[0, 0, :, 1] * found[0]
    assert second == pytest.approx([1, 1, (1 * 2 + 2 * 1) / 3, 2, 2, 2, 2, 2], abs=1e-9)


def test_large_flat_long_and_skewed_cells_have_one_too():
    rng = np.random.default_rng(1)
    one_among_many = Crystal(np.eye(3) * 27, rng.random((1000, 3)), [3] + [8] * 999)
    slab = Crystal(np.diag([3.0, 3.0, 200.0]), rng.random((10, 3)) * [1, 1, 0.1], [1] * 5 + [2] * 5)
    far_apart = Crystal(np.diag([3.0, 3.0, 900.0]), [[0, 0, 0], [0, 0, 0.5]], [1, 2])
    alone = [
        Crystal(np.diag(edges), [[0, 0, 0]], [26]) for edges in ([3, 3, 3], [2, 2, 60], [0.5, 0.5, 2e4], [2, 99, 99])
    ]
    skewed = Crystal([[1, 0, 0], [1e6, 1, 0], [3e5, -7e5, 30]], [[0, 0, 0]], [1])
    for told in (one_among_many, slab, far_apart, *alone, skewed):
        assert np.isfinite(fingerprint(told)).all()


def test_it_does_not_depend_on_how_arrays_lie_in_memory():
    told = BASES["TiNiSn"]
    columns = Crystal(*(np.asfortranarray(part) for part in (told.lattice, told.positions, told.numbers)))
    for part in (columns.lattice, columns.positions, columns.numbers):
        part.flags.writeable = False
    backwards = Crystal(told.lattice, told.positions[::-1], told.numbers[::-1])
    assert np.array_equal(fingerprint(told), fingerprint(columns))
    assert distance(fingerprint(told), fingerprint(backwards)) < 1e-9


def test_many_are_compared_at_once_as_one_by_one():
    others = np.array([fingerprint(displaced(BASES["GaAs"], 0.01, np.random.default_rng(i))) for i in range(4)])
    one = fingerprint(BASES["GaAs"])
    assert distances(one, others) == pytest.approx([distance(one, other) for other in others])


def test_crystals_of_unlike_numbers_of_elements_are_infinitely_far():
    assert distance(fingerprint(BASES["GaAs"]), fingerprint(BASES["TiNiSn"])) == np.inf
    assert distance(np.empty(0), np.empty(0)) == np.inf


def test_its_version_names_what_its_numbers_depend_on():
    assert f"k={K}" in VERSION
    assert f"{PARTS} parts" in VERSION


@pytest.mark.parametrize(
    "broken",
    [
        Crystal(np.zeros((3, 3)), [[0, 0, 0]], [1]),
        Crystal([[1, 0, 0], [0, 1, 0], [0.3, 0.41421356, 0]], [[0, 0, 0]], [1]),
        Crystal(np.eye(3) * np.nan, [[0, 0, 0]], [1]),
        Crystal(np.full((3, 3), np.inf), [[0, 0, 0]], [1]),
        Crystal(np.diag([1e-3, 3e3, 3e3]), [[0, 0, 0], [0, 0.5, 0.5]], [1, 2]),
        Crystal(np.eye(3) * 4, [[np.nan, 0, 0]], [1]),
        Crystal(np.eye(3) * 4, np.empty((0, 3)), np.empty(0)),
    ],
)
def test_what_is_no_crystal_has_none(broken):
    with pytest.raises(ValueError):
        fingerprint(broken)
