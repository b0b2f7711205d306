"""Crystal: what it promises about checks, names and round trips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crystal import NUMBER, SYMBOLS, Crystal, CrystalError

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
