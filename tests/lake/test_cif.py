"""CIFs: what can be read is read with its symmetry, and what cannot is refused by the name of its fault."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.cif import (
    cif_fields,
    cif_text,
    crystal_from_cif,
    crystals_from_cif,
    determination,
    structure_from_cif,
)
from lake.crystal import SYMBOLS, Crystal, CrystalError
from lake.disordered import DisorderedCrystal, species_label
from lake.refusal import Refusal
from lake.sample.mirror.told import Told
from lake.sample.mirror.written_cif import written_cif
from lake.sample.telling import Telling

REAL = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA") or "../shared/data") / "wire" / "cod"
FILES = sorted(REAL.glob("**/*.cif"))
real = pytest.mark.skipif(not FILES, reason=f"recorded COD entries are not at {REAL}")

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


def with_column(*names: str) -> str:
    columns = "".join(f"_atom_site_{name}\n" for name in names)
    return ATOMS.replace("_atom_site_fract_x\n", f"{columns}_atom_site_fract_x\n")


def p1(atoms: str, more: str = "") -> str:
    return f"data_x\n{CELL}_symmetry_space_group_name_H-M 'P 1'\n{more}\n{atoms}"


SHARED = with_column("occupancy") + "{} 0 0 0\n{} 0 0 0\n"
TWO_PARTS = "Na1 A 1 .5 0 0 0\nNa2 A 2 .5 .2 0 0\n"
REFUSED = [
    (Refusal.NO_CIF, "no cif at all", "must parse"),
    (Refusal.NO_CIF, "", "found none"),
    (Refusal.NO_CIF, "data_x\n_a 1\n_a 2\n", "duplicate tag"),
    (Refusal.WITHDRAWN, p1(ATOMS, "_cod_error_flag retracted"), "_cod_error_flag retracted"),
    (Refusal.WITHDRAWN, p1(ATOMS, "loop_\n_cod_entry_issue_severity\nnote\nretraction"), "must stand"),
    (Refusal.KNOWN_ERRORS, p1(ATOMS, "_[local]_cod_error_flag errors"), "must stand"),
    (Refusal.NO_CELL, "data_x\n_cell_length_a 4\n", "found no usable _cell_length_b"),
    (Refusal.NO_CELL, p1(ATOMS + "Na1 0 0 0\n").replace("length_b 4", "length_b -4"), "no usable _cell_length_b"),
    (Refusal.NO_CELL, p1(ATOMS).replace("alpha 90", "alpha 10").replace("gamma 90", "gamma 150"), "span a volume"),
    (Refusal.NO_CELL, p1(ATOMS).replace("beta 90", "beta 0"), "no usable _cell_angle_beta"),
    (Refusal.NO_CELL, p1(ATOMS).replace("beta 90", "beta 360"), "span a volume"),
    (Refusal.MODULATED, p1(ATOMS + "Na1 0 0 0\n", "_cell_modulation_dimension 1"), "repeat with its cell"),
    (Refusal.NO_COORDINATES, p1(""), "needs atoms"),
    (Refusal.NO_COORDINATES, p1(ATOMS.replace("_z", "_Cartn_z") + "Na1 0 0 0\n"), "needs atoms"),
    (Refusal.NO_COORDINATES, p1(ATOMS + "Na1 ? ? ?\n"), "found none for Na1"),
    (Refusal.NO_COORDINATES, p1(ATOMS + "Na1 0 0 0\n? ? ? ?\n"), "found none for atom 2"),
    (Refusal.NO_COORDINATES, p1(ATOMS + "Na1 1e999 0 0\n"), "found none for Na1"),
    (Refusal.NO_COORDINATES, p1(ATOMS + "Na1 -1e12 0 0\n"), "below 1000"),
    (Refusal.DUMMY_ATOMS, p1(with_column("calc_flag") + "Na1 dum 0 0 0\n"), "must be real"),
    (Refusal.DUMMY_ATOMS, p1(ATOMS + "Na1 0 0 0\n", "loop_\n_atom_site_calc_flag\ndum"), "must be real"),
    (Refusal.DISORDER, p1(with_column("disorder_group") + "Na1 2 0 0 0\n"), "disorder groups 2"),
    (Refusal.DISORDER, p1(with_column("disorder_assembly") + "Na1 A 0 0 0\n"), "disorder assemblies A"),
    (Refusal.DISORDER, p1(with_column("disorder_assembly", "disorder_group", "occupancy") + TWO_PARTS), "groups 1, 2"),
    (Refusal.MIXED_OCCUPANCY, p1(SHARED.format("Fe1 .6", "Co1 .4")), "Fe and Co at one position"),
    (Refusal.MIXED_OCCUPANCY, p1(SHARED.format("Fe1 1", "Co1 .")), "Fe and Co at one position"),
    (Refusal.VACANCIES, p1(with_column("occupancy") + "Na1 0 0 0 0\n"), "must hold an atom"),
    (Refusal.VACANCIES, p1(with_column("type_symbol") + "A1 Va 0 0 0\n"), "'Va'"),
    (Refusal.PARTIAL_OCCUPANCY, p1(with_column("occupancy") + "Na1 0.5 0 0 0\n"), "0.5"),
    (Refusal.PARTIAL_OCCUPANCY, p1(SHARED.format("Fe1 .6", "Fe2 .4")), "0.6"),
    (Refusal.PARTIAL_OCCUPANCY, p1(SHARED.format("Na1 .6", "Vac1 .4")), "0.6"),
    (Refusal.IMPOSSIBLE_OCCUPANCY, p1(with_column("occupancy") + "Na1 1.5 0 0 0\n"), "end at 1, found 1.5"),
    (Refusal.IMPOSSIBLE_OCCUPANCY, p1(with_column("occupancy") + "Na1 -0.5 0 0 0\n"), "found -0.5"),
    (Refusal.IMPOSSIBLE_OCCUPANCY, p1(with_column("occupancy") + "Na1 half 0 0 0\n"), "must be numbers, found half"),
    (Refusal.PARTIAL_OCCUPANCY, p1(with_column("occupancy") + "Na1 '0.5' 0 0 0\n"), "0.5"),
    (Refusal.UNKNOWN_ELEMENT, p1(ATOMS + "Xx1 0 0 0\n"), "found 'Xx1'"),
    (Refusal.UNKNOWN_ELEMENT, p1(ATOMS + "? 0 0 0\n"), "must be elements"),
    (Refusal.NO_SYMMETRY, p1(ATOMS + "Na1 0 0 0\n").replace("'P 1'", "'Q 17'"), "needs its symmetry"),
    (Refusal.NO_SYMMETRY, p1(ATOMS + "Na1 0 0 0\n", "_symmetry_equiv_pos_as_xyz x,y,z,t"), "must read as x,y,z"),
    (Refusal.TOO_LARGE, SALT.replace("Na1 0 0 0\n", "Na1 0.1 0.2 0.3\n" * 2000), "at most"),
    (Refusal.MISSING_HYDROGENS, p1(ATOMS + "C1 0 0 0\n", "_chemical_formula_sum 'C H4'"), "those of the formula"),
    (Refusal.MISSING_HYDROGENS, p1(ATOMS + "C1 0 0 0\nH1 .5 0 0\n", "_chemical_formula_sum 'C H4'"),
     "in the formula's proportions"),
    (Refusal.MISSING_HYDROGENS, p1(with_column("attached_hydrogens") + "C1 4 0 0 0\n"), "attached_hydrogens"),
    (Refusal.MISSING_HYDROGENS, p1(ATOMS + "Wat1 0 0 0\n"), "a molecule of water"),
    (Refusal.MISSING_ATOMS, p1(ATOMS + "C1 0 0 0\n", "_chemical_formula_sum 'C O2'"), "those of the formula"),
    (Refusal.OTHER_FORMULA, p1(ATOMS + "C1 0 0 0\nO1 .5 0 0\n", "_chemical_formula_sum C"), "those of the formula"),
    (Refusal.OTHER_FORMULA, p1(ATOMS + "C1 0 0 0\nO1 .5 0 0\n", "_chemical_formula_sum 'C O2'"),
     "found 0.500 C per atom where it says 0.333"),
]  # fmt: skip


@pytest.mark.parametrize("kind, text, fault", REFUSED)
def test_a_fault_is_refused_by_name(kind, text, fault):
    with pytest.raises(CrystalError) as told:
        crystal_from_cif(text)
    assert str(told.value).startswith(f"{kind}: ")
    assert fault in str(told.value)


def test_every_kind_of_refusal_is_found_in_some_text():
    assert {kind for kind, _, _ in REFUSED} == set(Refusal)


def test_rock_salt_is_expanded_to_eight_atoms():
    crystal = crystal_from_cif(SALT).checked()
    assert crystal.counts == {"Na": 4, "Cl": 4}
    assert crystal.smallest_distance() == pytest.approx(2.82)


def test_fields_are_numbers_without_their_uncertainty():
    fields = cif_fields(SALT)
    assert fields["_exptl_crystal_density_diffrn"] == 2.163
    assert fields["_symmetry_space_group_name_H-M"] == "F m -3 m"


@pytest.mark.parametrize(
    "name, formula, element",
    [("Fe3+", "?", "Fe"), ("O12A", "?", "O"), ("CA1", "?", "Ca"), ("CA1", "C", "C"), ("CA1", "Ca", "Ca"),
     ("D2", "H", "H"), ("ho", "?", "Ho"), ("VA1", "?", "V")],
)  # fmt: skip
def test_labels_are_read_as_elements_with_the_help_of_the_formula(name, formula, element):
    text = p1(ATOMS + f"{name} 0 0 0\n", f"_chemical_formula_sum {formula}")
    assert crystal_from_cif(text).counts == {element: 1}


def test_type_symbols_come_before_labels_unless_one_is_not_told():
    told = with_column("type_symbol")
    assert crystal_from_cif(p1(told + "Na1 K 0 0 0\nNa2 K .5 0 0\n")).counts == {"K": 2}
    assert crystal_from_cif(p1(told + "Na1 K 0 0 0\nNa2 ? .5 0 0\n")).counts == {"Na": 2}


# Disorder

GROUPED = with_column("disorder_group", "occupancy")
TWICE = "_symmetry_equiv_pos_as_xyz\nx,y,z\n-x,-y,-z\n"
DISORDERED = [
    (SHARED.format("Fe1 .6", "Co1 .4"), ["Fe0.6Co0.4"]),
    (SHARED.format("Fe1 .6", "Fe2 .3"), ["Fe0.9"]),
    (SHARED.format("Na1 .6", "Vac1 .4"), ["Na0.6"]),
    (SHARED.format("Na1 .6", "K1 0"), ["Na0.6"]),
    (with_column("occupancy") + "Na1 0.5(1) 0 0 0\nCl1 . .5 0 0\n", ["Cl", "Na0.5"]),
    (GROUPED + "Na1 1 .7 0 0 0\nNa2 2 .3 .05 0 0\nCl1 . 1 .5 0 0\n", ["Cl", "Na0.3", "Na0.7"]),
    (with_column("disorder_assembly", "occupancy") + "Na1 A .5 0 0 0\n", ["Na0.5"]),
]  # fmt: skip


@pytest.mark.parametrize("atoms, species", DISORDERED)
def test_partial_and_mixed_sites_are_read_as_they_are_told(atoms, species):
    assert sorted(structure_from_cif(p1(atoms)).checked().species) == species


STILL_REFUSED = [
    (Refusal.MIXED_OCCUPANCY, SHARED.format("Fe1 1", "Co1 ."), Refusal.IMPOSSIBLE_OCCUPANCY),
    (Refusal.MIXED_OCCUPANCY, SHARED.format("Fe1 .6", "Co1 .6"), Refusal.IMPOSSIBLE_OCCUPANCY),
    (Refusal.DISORDER, with_column("disorder_group") + "Na1 2 0 0 0\n", Refusal.DISORDER),
    (Refusal.DISORDER, with_column("disorder_group") + "Na1 1 0 0 0\nNa2 2 .2 0 0\n", Refusal.DISORDER),
    (Refusal.DISORDER, GROUPED + "Na1 1 half 0 0 0\n", Refusal.IMPOSSIBLE_OCCUPANCY),
    (Refusal.DISORDER, GROUPED + "Na1 1 .5 ? ? ?\n", Refusal.NO_COORDINATES),
    (Refusal.PARTIAL_OCCUPANCY, with_column("occupancy") + "Na1 .5 0 0 0\nWat1 1 .5 0 0\n", Refusal.MISSING_HYDROGENS),
    (Refusal.PARTIAL_OCCUPANCY, with_column("occupancy") + "Na1 .5 0 0 0\nXx1 1 .5 0 0\n", Refusal.UNKNOWN_ELEMENT),
]  # fmt: skip


@pytest.mark.parametrize("ordered, atoms, kind", STILL_REFUSED)
def test_disorder_that_cannot_be_is_refused_by_name(ordered, atoms, kind):
    for read, name in ((crystal_from_cif, ordered), (structure_from_cif, kind)):
        with pytest.raises(CrystalError) as told:
            read(p1(atoms))
        assert str(told.value).startswith(f"{name}: ")


def test_the_formula_must_be_that_of_the_shares():
    atoms = SHARED.format("Fe1 .6", "Co1 .4")
    assert structure_from_cif(p1(atoms, "_chemical_formula_sum 'Co0.4 Fe0.6'")).counts == {"Fe": 0.6, "Co": 0.4}
    with pytest.raises(CrystalError, match=r"^other formula: "):
        structure_from_cif(p1(atoms, "_chemical_formula_sum 'Co0.6 Fe0.4'"))


@pytest.mark.parametrize("share, species", [("1", ["Na"]), ("0.5", ["Na0.5", "Na0.5"])])
def test_only_an_atom_that_is_not_always_there_may_be_near_its_own_image(share, species):
    atoms = with_column("occupancy") + f"Na1 {share} 0.03 0 0\nCl1 0.5 .5 .5 .5\n"
    text = p1(atoms).replace("_symmetry_space_group_name_H-M 'P 1'", f"loop_\n{TWICE}")
    assert sorted(structure_from_cif(text).checked().species) == sorted([*species, "Cl0.5"])


@given(st.randoms(use_true_random=False), st.integers(1, 99))
def test_the_order_of_mixed_atoms_and_where_their_images_are_listed_do_not_matter(choose, share):
    group = f"loop_\n{TWICE}x+1/2,y+1/2,z+1/2\n-x+1/2,-y+1/2,-z+1/2\n"
    rows = []
    for symbol, part, place in (("Fe", share, 0), ("Ni", 100 - share, 0), ("O", 50, 0.2), ("S", 25, 0.2)):
        sign, shift = choose.choice([1, -1]), choose.choice([0, 0.5])
        rows.append(f"{symbol}1 {part / 100} {sign * place + shift + choose.randint(-1, 1):.4f} {shift} {shift}\n")
    choose.shuffle(rows)
    text = p1(with_column("occupancy") + "".join(rows)).replace("_symmetry_space_group_name_H-M 'P 1'", group)
    found = structure_from_cif(text).checked()
    metal = species_label({"Fe": share / 100, "Ni": 1 - share / 100})
    assert sorted(found.species) == sorted(2 * [metal] + 4 * ["O0.5S0.25"])


@settings(max_examples=50)
@given(st.data())
def test_an_ordered_crystal_is_read_the_same_by_both_readers(data):
    text = zirconia(data.draw(st.randoms(use_true_random=False)))
    found = structure_from_cif(text)
    assert isinstance(found, Crystal)
    assert found.structure_hash == crystal_from_cif(text).structure_hash


# What a writer may choose: none of it changes the crystal.

lengths = st.floats(3, 30)
angles = st.floats(65, 115)
coordinates = st.floats(-2, 2, allow_subnormal=False)
sites = st.lists(
    st.tuples(st.integers(1, 103), coordinates, coordinates, coordinates),
    min_size=1, max_size=9, unique_by=lambda site: site[1:],
)  # fmt: skip


def number(value: float) -> str:
    return np.format_float_positional(value, trim="0")


@given(st.tuples(lengths, lengths, lengths, angles, angles, angles), sites)
def test_a_p1_cif_written_by_hand_reads_back_to_the_last_digit(cell, sites):
    lines = [f"_cell_{name} {number(value)}" for name, value in zip(NAMES, cell, strict=True)]
    atoms = [f"{SYMBOLS[z]}{n} {number(x)} {number(y)} {number(w)}" for n, (z, x, y, w) in enumerate(sites)]
    crystal = crystal_from_cif("\n".join(["data_x", *lines, "_space_group_name_Hall 'P 1'", ATOMS + "\n".join(atoms)]))
    assert crystal.numbers.tolist() == [site[0] for site in sites]
    assert crystal.positions.tolist() == [list(site[1:]) for site in sites]
    metric = crystal.lattice @ crystal.lattice.T
    found_lengths = np.sqrt(np.diag(metric))
    cosines = (metric / np.outer(found_lengths, found_lengths))[[1, 0, 0], [2, 2, 1]]
    assert np.allclose(found_lengths, cell[:3]) and np.allclose(np.degrees(np.arccos(cosines)), cell[3:])


PAIRS = {
    "_cell_length_a": "5.2", "_cell_length_b": "6.3", "_cell_length_c": "7.41", "_cell_angle_alpha": "90",
    "_cell_angle_beta": "101.25", "_cell_angle_gamma": "90.0", "_chemical_formula_sum": "O2 Zr",
    "_publ_section_title": "A title, with words",
}  # fmt: skip
LOOPS = [
    {"_symmetry_equiv_pos_site_id": "1 2 3 4".split(),
     "_symmetry_equiv_pos_as_xyz": ["x,y,z", "-x,1/2+y,1/2-z", "-x,-y,-z", "x,1/2-y,1/2+z"]},
    {"_atom_site_label": ["Zr1", "O1", "O2"], "_atom_site_type_symbol": ["Zr4+", "O2-", "O2-"],
     "_atom_site_fract_x": ["0.2754", "0.07", "0.4496"], "_atom_site_fract_y": ["0.0395", "0.3317", "0.7569"],
     "_atom_site_fract_z": ["0.2083", "0.3447", "0.4792"], "_atom_site_occupancy": ["1", "1.0", "."],
     "_atom_site_disorder_group": [".", ".", "?"], "_atom_site_calc_flag": ["d", "d", "calc"]},
    {"_atom_site_aniso_label": ["Zr1", "O1"], "_atom_site_aniso_U_11": ["0.01", "0.02"]},
]  # fmt: skip


def zirconia(choose: random.Random) -> str:
    """Baddeleyite, its loops, columns, quotes, uncertainties and blanks as chosen."""

    def value(text: str) -> str:
        if re.fullmatch(r"\d+\.\d+", text) and choose.random() < 0.3:
            text += f"({choose.randint(1, 99)})"
        if " " in text or choose.random() < 0.3:
            return choose.choice([f"'{text}'", f'"{text}"', f"\n;{text}\n;\n"]) if text not in "?." else text
        return text

    def blank() -> str:
        return choose.choice([" ", "  ", "\t", " \n", "\n\n", " # a remark\n"])

    def name(text: str) -> str:
        return choose.choice([text, text.lower(), text.upper()])

    parts = [name(tag) + blank() + value(text) for tag, text in PAIRS.items()]
    for loop in LOOPS:
        columns = choose.sample(sorted(loop), len(loop))
        rows = zip(*(loop[column] for column in columns), strict=True)
        words = [name(column) for column in columns] + [value(word) for row in rows for word in row]
        parts.append("loop_" + "".join(blank() + word for word in words))
    choose.shuffle(parts)
    return "data_x\n" + "".join(part + choose.choice(["\n", "  \n", "\n\n \n"]) for part in parts)


PLAIN = crystal_from_cif(
    "\n".join(["data_x", *(f"{name} '{text}'" if " " in text else f"{name} {text}" for name, text in PAIRS.items())])
    + "".join("\nloop_\n" + "\n".join([*loop, *map(" ".join, zip(*loop.values(), strict=True))]) for loop in LOOPS)
)


@settings(max_examples=50)
@given(st.randoms(use_true_random=False))
def test_order_quotes_uncertainties_and_blanks_do_not_matter(choose):
    found = crystal_from_cif(zirconia(choose))
    assert found.counts == {"Zr": 4, "O": 8}
    assert found.structure_hash == PLAIN.structure_hash


# Bytes


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\ufeff")))
def test_utf8_with_and_without_a_mark_reads_back(text):
    assert cif_text(text.encode()) == text
    assert cif_text(text.encode("utf-8-sig")) == text
    assert cif_text(text.replace("\n", "\r\n").encode()) == text


@given(st.binary())
def test_any_bytes_are_some_text(body):
    assert "\r" not in cif_text(body)


@pytest.mark.parametrize("quote", ["'{}'", "{}", "\n;\n{}\n;\n"])
@pytest.mark.parametrize("body", ["20 °C, Müller".encode("cp1252"), "20 °C, Müller".encode(), b"\x81\x90 \xb0C"])
def test_degree_signs_and_names_of_older_files_stand_in_no_crystals_way(body, quote):
    words = quote.format(cif_text(body)) if quote != "{}" else cif_text(body).replace(" ", "_")
    assert crystal_from_cif(cif_text(SALT.encode()) + f"_note {words}\n").counts == {"Na": 4, "Cl": 4}
    assert "_note" in cif_fields(SALT + f"_note {words}\n")


def test_a_degree_sign_of_windows_is_read_as_one():
    assert cif_text(b"data_x\r\n_t '20 \xb0C \x96 \x80'\r\n") == "data_x\n_t '20 °C – €'\n"


# Several data blocks


@given(st.lists(st.sampled_from([text for _, text, _ in REFUSED if text.startswith("data_x")] + [SALT]), max_size=6))
def test_each_data_block_reads_as_it_does_alone(texts):
    named = [re.sub(r"\Adata_\w+", f"data_{n}", text) for n, text in enumerate(texts)]
    named = [text for text in named if "duplicate" not in text and text.count("_a ") != 2]
    words = "data_words\n_publ_section_title 'no cell, no atoms'\n"
    alone = [one for text in named for one in crystals_from_cif(text)]
    together = crystals_from_cif(words + "\n".join(named))
    if not alone:
        assert [name for name, _ in together] == ["words"]
        return
    assert [name for name, _ in together] == [name for name, _ in alone]
    for (_, one), (_, other) in zip(together, alone, strict=True):
        same = (crystal.structure_hash if isinstance(crystal, Crystal) else str(crystal) for crystal in (one, other))
        assert len(set(same)) == 1


def test_the_first_block_with_atoms_is_the_crystal_of_a_file():
    assert crystal_from_cif("data_words\n_note 1\n" + SALT + p1(ATOMS + "K1 0 0 0\n")).counts == {"Na": 4, "Cl": 4}


def test_text_that_is_no_cif_holds_no_blocks():
    with pytest.raises(CrystalError, match="no CIF"):
        crystals_from_cif("nothing")


# How a structure was found


@pytest.mark.parametrize(
    "lines, method",
    [
        ("", None),
        ("_cod_struct_determination_method theoretical", "theoretical"),
        ("_cod_structure_determination_method 'single crystal'", "single crystal"),
        ("_cod_structure_determination_method 'powder diffraction'\n_cod_struct_determination_method theoretical",
         "theoretical"),
        ("_cod_struct_determination_method ?\n_exptl_crystals_number 1", "single crystal"),
        ("_pd_proc_ls_prof_R_factor 0.05\n_exptl_crystals_number 1", "powder diffraction"),
        ("loop_\n_pd_phase_name\nhalite", "powder diffraction"),
        ("_publ_section_title\n;\n_pd_ theoretical\n;", None),
    ],
)  # fmt: skip
def test_a_cif_tells_how_its_structure_was_found(lines, method):
    assert determination(SALT + lines + "\n") == method


# Texts nobody meant


def texts() -> list[str]:
    """Real CIFs where they are, else those the sample writes; the smaller ones, so that many changes are tried."""
    if FILES:
        return [cif_text(file.read_bytes()) for file in FILES if file.stat().st_size < 15_000]
    salt = crystal_from_cif(SALT)
    slant = np.array([[0, 0, 0], [0.1, 0, 0], [0.2, 0.3, 0]])
    triclinic = Crystal(salt.lattice + slant, salt.positions, salt.numbers)
    tellings = [Telling("cod", f"{1000000 + n}", crystal) for n, crystal in enumerate((salt, PLAIN, triclinic))]
    return [written_cif(Told(telling), "cod", telling.source_id, 1) for telling in tellings]


TEXTS = texts()
WORDS = ["", "?", ".", "'", '"', ";", "\n;\n", "loop_", "data_", "data_y\n", "save_", "_atom_site_fract_x",
         "1e308", "-1e308",
         "1e-308", "nan", "inf", "0", "-1", "C1.2.3", "C0", "x,y,z", "x,y,z+1/7", "1/2*x,y,z", "x,x,x", "\x00", "é",
         "\udc80", "\ufeff", "#", "dum", "D", "99999999999999999999", "1.5(3)"]  # fmt: skip


@given(st.data())
def test_nothing_escapes_from_a_changed_cif_but_a_named_refusal(data):
    text = data.draw(st.sampled_from(TEXTS), label="text")
    words = re.split(r"(\s+)", text)
    for _ in range(data.draw(st.integers(1, 6), label="changes")):
        start = data.draw(st.integers(0, len(words) - 1))
        end = start + data.draw(st.sampled_from([0, 1, 1, 1, 2, 20]))
        words[start:end] = data.draw(st.sampled_from([[word] for word in WORDS] + [words[start:end] * 2]))
    assert_crystal_or_refusal("".join(words))


@given(st.text() | st.text(st.sampled_from("data_loop_ \n';#_x10.?")).map("data_x\n_cell_length_a 1\n{}".format))
def test_nothing_escapes_from_any_text_but_a_named_refusal(text):
    assert_crystal_or_refusal(text)


def assert_crystal_or_refusal(text: str):
    try:
        cif_fields(text), determination(text)
        found = [crystal for _, crystal in crystals_from_cif(text)]
        found.append(structure_from_cif(text))
    except CrystalError as fault:
        found = [fault]
    assert found
    for one in found:
        if isinstance(one, Crystal | DisorderedCrystal):
            assert len(one.positions) == len(one.numbers) > 0
        else:
            assert str(one).partition(": ")[0] in set(Refusal)


# Recorded answers


@real
def test_every_recorded_entry_of_cod_is_a_crystal_or_a_named_refusal():
    read, refused = {}, {}
    for file in FILES:
        try:
            read[file.name] = crystal_from_cif(cif_text(file.read_bytes())).checked()
        except CrystalError as fault:
            refused[file.name] = str(fault)
    assert len(read) + len(refused) == 99 and len(read) >= 47
    kinds = {name: Refusal(reason.partition(": ")[0]) for name, reason in refused.items()}
    named = {
        "1001012-no-cell.cif": Refusal.NO_CELL, "2004198-no-cell-angles.cif": Refusal.NO_CELL,
        "2100852-no-fract-coordinates.cif": Refusal.NO_COORDINATES,
        "2000127-unknown-coordinates.cif": Refusal.NO_COORDINATES,
        "2000135-dummy-atom-coordinates.cif": Refusal.DUMMY_ATOMS, "1010246.cif": Refusal.DUMMY_ATOMS,
        "2222274.cif": Refusal.DISORDER, "9011732-fake-disorder.cif": Refusal.DISORDER,
        "9011732.cif": Refusal.MIXED_OCCUPANCY, "9002082-temp-in-C.cif": Refusal.MIXED_OCCUPANCY,
        "9009261-all-caps-atoms-label.cif": Refusal.PARTIAL_OCCUPANCY,
        "1001627-spacegroup-A-1.cif": Refusal.PARTIAL_OCCUPANCY,
        "sn5100-superspacegroup.cif": Refusal.MODULATED, "2100428-superspacegroup.cif": Refusal.MODULATED,
        "9007550.cif": Refusal.MISSING_HYDROGENS, "9000251.cif": Refusal.MISSING_HYDROGENS,
        "2001520-disorder-no-occupancy.cif": Refusal.MISSING_HYDROGENS, "2000318-r91933.cif": Refusal.OTHER_FORMULA,
    }  # fmt: skip
    assert {name: kinds[name] for name in named} == named
    assert len(Counter(kinds.values())) >= 9
    assert read["2101499-diamond.cif"].counts == {"C": 8}
    assert read["9008393.cif"].reduced_formula == "CoS2"


@real
def test_nearly_half_of_the_recorded_entries_refused_are_disordered_ones():
    read, refused = {}, {}
    for file in FILES:
        try:
            read[file.name] = structure_from_cif(cif_text(file.read_bytes())).checked()
        except CrystalError as fault:
            refused[file.name] = Refusal(str(fault).partition(": ")[0])
    disordered = {name: one for name, one in read.items() if isinstance(one, DisorderedCrystal)}
    assert (len(read) - len(disordered), len(disordered), len(refused)) == (47, 24, 28)
    assert not {Refusal.DISORDER, Refusal.PARTIAL_OCCUPANCY, Refusal.MIXED_OCCUPANCY} & set(refused.values())
    assert disordered["9002082-temp-in-C.cif"].proportions == {"Mg0.07Al0.93": 2, "Mg0.86Al0.14": 1, "O": 4}
    assert disordered["1501508.cif"].reduced_formula == "Mg0.25Ti0.25Nb0.5PbO3"
    told_four_times = [one for name, one in disordered.items() if name.startswith("9011732")]
    assert len(told_four_times) == 4
    assert len({one.structure_hash for one in told_four_times}) == 1


@real
def test_recorded_cells_have_the_volume_their_authors_print():
    for file in FILES:
        text = cif_text(file.read_bytes())
        try:
            crystal, printed = crystal_from_cif(text), cif_fields(text).get("_cell_volume")
        except CrystalError:
            continue
        if isinstance(printed, float) and "slanted" not in file.name:
            assert crystal.volume == pytest.approx(printed, rel=2e-3), file.name


@real
def test_a_recorded_file_of_three_blocks_holds_three_crystals():
    found = crystals_from_cif(cif_text((REAL / "cif" / "unknown_tag.cif").read_bytes()))
    assert [name for name, _ in found] == ["4000000", "4000005", "4000009"]
    assert all(isinstance(crystal, Crystal | CrystalError) for _, crystal in found)
    assert isinstance(found[0][1], Crystal)
