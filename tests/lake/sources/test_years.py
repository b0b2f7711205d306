"""Years of publication: who tells one, and who does not. A year that is none hinders no entry."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import date
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.cif import cif_text, publication_year
from lake.crystal import CrystalError
from lake.settings import Settings
from lake.sources import source_named
from lake.sources.aflow.rows import rows_of
from lake.sources.page import Unusable
from lake.sources.reading import FIRST_YEAR, year_of

SHAPES = Path(__file__).parents[2] / "recorded"
WIRE = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire"
real = pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded answers of the real services are not at {WIRE}")
DIAMOND = (SHAPES / "cod" / "9008564.cif").read_text()


def year(name: str, **payload: object) -> int | None:
    return source_named(name, Settings()).read(orjson.dumps(payload).decode()).year


def dated(said: str) -> str:
    """Diamond, with that said of the journal's year."""
    return DIAMOND.replace("_cell_length_a", f"_journal_year {said}\n_cell_length_a", 1)


@given(told=st.integers(-(10**6), 10**6))
def test_a_year_is_one_from_1900_to_the_next_one_however_it_is_written(told):
    expected = told if FIRST_YEAR <= told <= date.today().year + 1 else None
    assert year_of(told) == year_of(str(told)) == year_of(f" {told}\n") == expected


@given(told=st.text() | st.none() | st.floats() | st.booleans() | st.lists(st.integers()))
def test_what_is_no_year_is_none_and_no_error(told):
    assert year_of(told) is None or str(told).strip() == str(year_of(told))


@pytest.mark.parametrize("said", ["?", "'in press'", "1899", "99", "20011", "'1991-1992'", "2999", "'٢٠٠١'"])
@pytest.mark.parametrize("name", ["cod", "pcod"])
def test_an_entry_with_a_year_that_is_none_is_an_entry_without_a_year(name, said):
    assert year(name, row={"file": "9008564", "year": said.strip("'")}, cif=dated(said)) is None
    assert year("folder", file="mine.cif", format="cif", text=dated(said)) is None


@pytest.mark.parametrize("name", ["cod", "pcod"])
def test_the_row_tells_the_year_else_the_cif_does(name):
    assert year(name, row={"file": "9008564", "year": "1963"}, cif=DIAMOND) == 1963
    assert year(name, row={"file": "9008564", "year": None}, cif=dated("1963")) == 1963
    assert year(name, row={"file": "9008564", "year": "no year"}, cif=dated("1963")) == 1963
    assert year(name, row={"file": "9008564"}, cif=DIAMOND) is None


def test_a_cif_of_ones_own_tells_its_year_and_other_formats_have_none():
    assert year("folder", file="mine.cif", format="cif", text=dated("1963")) == 1963
    frame = '1\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 year=1963\nPo 0 0 0\n'
    assert year("folder", file="mine.xyz", format="extxyz", text=frame) is None


def test_a_year_in_the_words_of_another_block_counts():
    text = f"data_global\n_journal_year 1963\n{DIAMOND}"
    assert year("folder", file="mine.cif", format="cif", text=text) == 1963


@pytest.mark.parametrize("file", ["complete_entry.json", "muted.json", "unmuted.json"])
def test_aflows_date_of_processing_is_no_year(file):
    rows = rows_of((SHAPES / "aflow" / file).read_bytes()).rows
    dates = [row["aflowlib_date"] for row in rows if row.get("aflowlib_date")]
    assert dates and {year("aflow", **row) for row in rows} == {None}


def test_a_release_of_materials_project_is_no_year():
    document = json.loads((SHAPES / "mp" / "summary.json").read_text())["data"][0]
    assert year("mp", **document) is None


def told_by_cif(file: Path) -> tuple[int | None, bool]:
    """The year that a recorded CIF tells, and whether the CIF is read as an entry."""
    text = cif_text(file.read_bytes())
    row = {"file": "1000000", "year": None}
    try:
        return year("cod", row=row, cif=text), True
    except (CrystalError, Unusable):
        pass
    try:
        return year_of(publication_year(text)), False
    except CrystalError:
        return None, False


@real
def test_recorded_cifs_tell_the_year_that_stands_in_them():
    told = Counter()
    for file in sorted([*(WIRE / "cod" / "cif").glob("*.cif"), WIRE / "cod" / "9008393.cif"]):
        found, read = told_by_cif(file)
        words = [line.split() for line in file.read_bytes().decode("latin-1").splitlines()]
        written = {line[1] for line in words if len(line) == 2 and line[0] == "_journal_year"}
        told["told"] += found is not None
        told["read and told"] += read and found is not None
        told["read"] += read
        if read:
            assert written == ({str(found)} if found else set())
    print(dict(told))
    assert told["read and told"] >= 0.9 * told["read"] > 0


@real
def test_a_recorded_row_tells_its_year():
    (row,) = json.loads((WIRE / "cod" / "result_json_shape.json").read_text())
    assert year("cod", row=row, cif=DIAMOND) == int(row["year"])
