"""CIFs: what can be read is read with its symmetry, and what cannot is refused by the name of its fault."""

from __future__ import annotations

import os
from pathlib import Path

import gemmi
import numpy as np
import pytest

from lake.cif import cif_fields, crystal_from_cif
from lake.crystal import CrystalError
from lake.sources.crystallography_open import cif_of

REAL = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire" / "cod"
real = pytest.mark.skipif(not REAL.is_dir(), reason=f"recorded COD entries are not at {REAL}")

NAMES = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
CELL = "".join(f"_cell_{name} {4 if 'length' in name else 90}\n" for name in NAMES)
SALT = """data_salt
_cell_length_a 5.640(2)
_cell_length_b 5.640
_cell_length_c 5.640
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
_exptl_crystal_density_diffrn 2.163(4)
_chemical_formula_sum 'Cl Na'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na1 0 0 0
Cl1 0.5 0.5 0.5
"""
ATOMS = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"


def with_column(name: str) -> str:
    return ATOMS.replace("_atom_site_fract_x", f"_atom_site_{name}\n_atom_site_fract_x")


def p1(atoms: str, more: str = "") -> str:
    return f"data_x\n{CELL}_symmetry_space_group_name_H-M 'P 1'\n{more}\n{atoms}"


def test_rock_salt_is_expanded_to_eight_atoms():
    crystal = crystal_from_cif(SALT).checked()
    assert crystal.counts == {"Na": 4, "Cl": 4}
    assert crystal.smallest_distance() == pytest.approx(2.82)


def test_listed_operations_and_a_symbol_give_the_same_crystal():
    operations = gemmi.find_spacegroup_by_name("F m -3 m").operations()
    listed = "loop_\n_symmetry_equiv_pos_as_xyz\n" + "\n".join(f"'{op.triplet()}'" for op in operations) + "\n"
    by_list = crystal_from_cif(SALT.replace("_symmetry_space_group_name_H-M 'F m -3 m'\n", "") + listed)
    by_name = crystal_from_cif(SALT)
    assert np.allclose(sorted(by_list.positions.tolist()), sorted(by_name.positions.tolist()))


def test_fields_are_numbers_without_their_uncertainty():
    fields = cif_fields(SALT)
    assert fields["_exptl_crystal_density_diffrn"] == 2.163
    assert fields["_symmetry_space_group_name_H-M"] == "F m -3 m"


@pytest.mark.parametrize(
    "text, fault",
    [
        ("no cif at all", "must parse"),
        ("", "found none"),
        ("data_x\n_cell_length_a 4\n", "found no usable _cell_length_b"),
        (p1(""), "needs atoms"),
        (p1(ATOMS + "Xx1 0 0 0\n"), "found 'Xx1'"),
        (p1(ATOMS + "Na1 ? ? ?\n"), "found none for Na1"),
        (p1(ATOMS + "Na1 0 0 0\n? ? ? ?\n"), "found none for atom 2"),
        (p1(with_column("occupancy") + "Na1 0.5 0 0 0\n"), "0.5"),
        (p1(with_column("calc_flag") + "Na1 dum 0 0 0\n"), "dummy"),
        (p1(with_column("disorder_group") + "Na1 2 0 0 0\n"),
         "disorder groups 2"),
        (p1(ATOMS + "C1 0 0 0\n", "_chemical_formula_sum 'C H4'"), "those of the formula"),
        (p1(ATOMS + "C1 0 0 0\nH1 0.5 0 0\n", "_chemical_formula_sum 'C H4'"), "in the formula's proportions"),
        (p1(ATOMS + "Na1 0 0 0\n").replace("'P 1'", "'Q 17'"), "needs its symmetry"),
        (p1(ATOMS + "Na1 0 0 0\n").replace("alpha 90", "alpha 10").replace("gamma 90", "gamma 150"), "span a volume"),
    ],
)  # fmt: skip
def test_a_fault_is_refused_by_name(text, fault):
    with pytest.raises(CrystalError) as told:
        crystal_from_cif(text)
    assert fault in str(told.value)


@real
def test_every_recorded_entry_of_cod_is_a_crystal_or_a_named_fault():
    read, refused = {}, {}
    for path in sorted(REAL.glob("**/*.cif")):
        try:
            read[path.name] = crystal_from_cif(cif_of(path.read_bytes())).checked()
        except CrystalError as fault:
            refused[path.name] = str(fault)
    assert len(read) + len(refused) == 99 and len(read) >= 45
    rules = ("must", "needs", "need numbers", "end at")
    assert [reason for reason in refused.values() if not any(rule in reason for rule in rules)] == []
    named = {
        "1001012-no-cell.cif": "needs a cell", "2100852-no-fract-coordinates.cif": "needs atoms",
        "2000135-dummy-atom-coordinates.cif": "dummy", "2222274.cif": "partial occupancy",
        "9007550.cif": "those of the formula", "2004198-no-cell-angles.cif": "_cell_angle_alpha",
    }  # fmt: skip
    for name, words in named.items():
        assert words in refused[name]
    assert read["2101499-diamond.cif"].counts == {"C": 8}
    assert read["9008393.cif"].reduced_formula == "CoS2"


@real
def test_recorded_cells_have_the_volume_their_authors_print():
    for path in sorted(REAL.glob("**/*.cif")):
        text = cif_of(path.read_bytes())
        try:
            crystal, printed = crystal_from_cif(text), cif_fields(text).get("_cell_volume")
        except CrystalError:
            continue
        if isinstance(printed, float) and "slanted" not in path.name:
            assert crystal.volume == pytest.approx(printed, rel=2e-3), path.name
