"""The canonical form: primitive cell and space group."""

from __future__ import annotations

import numpy as np
import pytest

from lake.crystal import Crystal, CrystalError
from lake.structures.canonical import LOOSE_SYMPREC, SYMPREC, canonical
from tests.lake.small_lake import rock_salt, wurtzite


def test_a_supercell_becomes_the_primitive_cell():
    structure = rock_salt("Mg", "O", 4.21).to_pymatgen()
    structure.make_supercell([2, 1, 1])
    form = canonical(Crystal.from_pymatgen(structure))
    assert (len(form.crystal), form.number, form.symbol, form.symprec) == (2, 225, "F m -3 m", SYMPREC)


def test_wurtzite_keeps_its_group():
    assert canonical(wurtzite("Zn", "O", 3.25)).number == 186


def test_a_cell_without_volume_has_none():
    with pytest.raises(CrystalError, match=f"{LOOSE_SYMPREC} A"):
        canonical(Crystal(np.zeros((3, 3)), [[0, 0, 0]], [1]))
