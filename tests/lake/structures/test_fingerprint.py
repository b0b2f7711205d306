"""The fingerprint: what it must not see, what it may feel a little, and what it must tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lake.crystal import Crystal
from lake.structures.fingerprint import K, distance, fingerprint
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
def test_noise_of_three_hundredths_of_an_angstrom_changes_it_little_and_less_noise_less(told, rng):
    large = distance(fingerprint(told), fingerprint(displaced(told, 0.03, rng)))
    small = distance(fingerprint(told), fingerprint(displaced(told, 0.003, rng)))
    assert small < 0.004
    assert large < 0.04


def test_polytypes_differ_from_one_another():
    prints = {name: fingerprint(polytype(name)) for name in ("AB", "ABC", "ABCB", "ABCACB")}
    for one in prints:
        for other in prints:
            if one < other:
                assert distance(prints[one], prints[other]) > 0.005, (one, other)


def test_a_swapped_decoration_differs_unless_it_is_the_same_crystal():
    right, wrong = half_heusler("Ti", "Sn", "Ni", 5.93), half_heusler("Ti", "Ni", "Sn", 5.93)
    assert distance(fingerprint(right), fingerprint(wrong)) > 0.1
    assert distance(fingerprint(rock_salt("Mg", "O", 4.2)), fingerprint(rock_salt("O", "Mg", 4.2))) < 1e-9


def test_its_numbers_are_the_distances_of_rock_salt():
    edge = 4.0
    found = fingerprint(rock_salt("Mg", "O", edge))  # elements in order of atomic number: O, Mg
    per_atom = (edge**3 / 4) ** (1 / 3)
    unlike = [edge / 2] * 6 + [edge * np.sqrt(3) / 2] * 8
    like = [edge / np.sqrt(2)] * 12 + [edge] * 6
    assert found.shape == (2, 2, K)
    assert found[0, 1, :14] * per_atom == pytest.approx(unlike)
    assert found[0, 0, :18] * per_atom == pytest.approx(like)


def test_one_atom_in_a_flat_or_in_a_long_cell_has_one_too():
    for lattice in (np.eye(3) * 3, np.diag([2.0, 2.0, 60.0])):
        assert np.isfinite(fingerprint(Crystal(lattice, [[0, 0, 0]], [26]))).all()


@pytest.mark.parametrize(
    "broken",
    [
        Crystal(np.zeros((3, 3)), [[0, 0, 0]], [1]),
        Crystal(np.eye(3) * np.nan, [[0, 0, 0]], [1]),
        Crystal(np.eye(3) * 4, [[np.nan, 0, 0]], [1]),
        Crystal(np.eye(3) * 4, np.empty((0, 3)), np.empty(0)),
    ],
)
def test_what_is_no_crystal_has_none(broken):
    with pytest.raises(ValueError):
        fingerprint(broken)
