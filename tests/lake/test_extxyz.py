"""Extended XYZ: frames are cut and read as ase reads them, and what is no periodic crystal is refused by name."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lake.crystal import CrystalError
from lake.extxyz import crystal_from_extxyz, extxyz_fields, frames

WIRE = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire/oc20"

lengths = st.floats(2, 30, allow_nan=False)
cells = st.tuples(arrays(float, (3, 3), elements=st.floats(-1, 1)), st.tuples(lengths, lengths, lengths)).map(
    lambda told: np.triu(told[0], 1) + np.diag(told[1])
)


@st.composite
def boxes(draw) -> Atoms:
    """Atoms somewhere in a periodic box, with an energy, and with columns that say nothing of the crystal."""
    n = draw(st.integers(1, 9))
    symbols = draw(st.lists(st.sampled_from(["H", "O", "Mg", "Au", "U"]), min_size=n, max_size=n))
    cartesian = draw(arrays(float, (n, 3), elements=st.floats(-40, 40)))
    atoms = Atoms(symbols, positions=cartesian, cell=draw(cells), pbc=True)
    atoms.info["energy"] = draw(st.floats(-1e3, 1e3))
    atoms.info["note"] = draw(st.sampled_from(["plain", "two words", 'say "x=1"', "a=b", ""]))
    if draw(st.booleans()):
        atoms.set_array("forces", cartesian * 2)
    if draw(st.booleans()):
        atoms.set_array("move_mask", np.array([i % 2 == 0 for i in range(n)]))
    return atoms


def text_of(*atoms: Atoms) -> str:
    file = io.StringIO()
    write(file, list(atoms), format="extxyz")
    return file.getvalue()


def same(text: str) -> None:
    """The frame reads as ase reads it."""
    referee, crystal = read(io.StringIO(text), format="extxyz"), crystal_from_extxyz(text)
    assert np.array_equal(referee.cell.array, crystal.lattice)
    assert np.array_equal(referee.numbers, crystal.numbers)
    assert np.abs(referee.get_scaled_positions(wrap=False) - crystal.positions).max() < 1e-10


@given(st.lists(boxes(), min_size=1, max_size=4))
def test_frames_are_cut_verbatim_and_read_as_ase_reads_them(told):
    text = text_of(*told)
    cut = ["".join(frame) for frame in frames(text.splitlines(keepends=True))]
    assert "".join(cut) == text and len(cut) == len(told)
    for frame, atoms in zip(cut, told, strict=True):
        same(frame)
        assert extxyz_fields(frame)["energy"] == pytest.approx(atoms.info["energy"], abs=1e-8)


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded relaxations are not at {WIRE}")
def test_recorded_relaxations_read_as_ase_reads_them():
    texts = ["".join(frame) for path in WIRE.glob("*.extxyz") for frame in frames(path.open())]
    assert len(texts) == 16
    for text in texts:
        same(text)


CELL = 'Lattice="4 0 0 0 4 0 0 0 4"'


@pytest.mark.parametrize(
    "frame, why",
    [
        ('1\npbc="F F F"\nO 0 0 0\n', "no Lattice"),
        (f'1\n{CELL} pbc="T T F"\nO 0 0 0\n', "pbc=.T T F"),
        ('1\nLattice="4 0 0 0 4"\nO 0 0 0\n', "nine numbers"),
        ('1\nLattice="4 0 0 4 0 0 0 0 4"\nO 0 0 0\n', "span a volume"),
        (f"2\n{CELL}\nO 0 0 0\nO 1 1\n", "must be 8 words, found 7"),
        (f"1\n{CELL}\nQq 0 0 0\n", "Qq"),
        (f"1\n{CELL}\nO 0 x 0\n", "x"),
        (f"1\n{CELL} Properties=pos:R:3\n0 0 0\n", "name species and pos"),
    ],
)
def test_what_is_no_periodic_frame_is_refused_by_name(frame, why):
    with pytest.raises(CrystalError, match=why):
        crystal_from_extxyz(frame)


@pytest.mark.parametrize(
    "text, why", [("3\nx\nO 0 0 0\n", "must have 5 lines"), ("x\n", "begin with"), ("99999999\n", "begin")]
)
def test_a_frame_that_breaks_off_is_refused_by_name(text, why):
    with pytest.raises(CrystalError, match=why):
        list(frames(text.splitlines(keepends=True)))


def test_a_comment_line_tells_numbers_flags_lists_and_text():
    frame = f"1\n{CELL} energy=-1.5 done=T stress=\"1 2 3\" name='a b' config=x=y alone\nO 0 0 0\n"
    told = extxyz_fields(frame)
    assert (told["energy"], told["done"], told["stress"], told["name"], told["config"]) == (
        -1.5, True, [1, 2, 3], "a b", "x=y",
    )  # fmt: skip
    assert "alone" not in told
