"""Parquet: whatever a table holds comes back as it was, by its contract's types."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing.parametric import column, dataframes

from lake.parquet import write
from lake.tables import OBSERVATIONS, TABLES

DTYPES = sorted({column.dtype for table in TABLES.values() for column in table.columns}, key=str)
KINDS = [column(f"c{n}", dtype=dtype, allow_null=True) for n, dtype in enumerate(DTYPES)]


@settings(max_examples=25, deadline=None)
@given(frames=dataframes(KINDS, min_size=1, max_size=5), again=dataframes(KINDS, min_size=1, max_size=5))
def test_frames_of_every_type_come_back_as_they_were(tmp_path_factory, frames, again):
    file = tmp_path_factory.mktemp("files") / "one.parquet"
    write(file, OBSERVATIONS, [frames, again])
    found = pl.read_parquet(file)
    assert found.schema == frames.schema and found.equals(pl.concat([frames, again]))


@pytest.mark.parametrize("words", [["eV", "eV"], ["eV", "GPa"], ["eV", None], [None, None]])
def test_what_is_one_word_throughout_is_text_like_any_other(tmp_path, words):
    frames = [pl.DataFrame({"unit": [word] * 3}, schema={"unit": pl.String}) for word in words]
    write(tmp_path / "one.parquet", OBSERVATIONS, frames)
    found = pl.read_parquet(tmp_path / "one.parquet")
    assert found.schema["unit"] == pl.String and found["unit"].to_list() == [w for word in words for w in [word] * 3]


def test_a_file_is_cut_into_groups_that_a_reader_unpacks_at_once(tmp_path):
    rows = 2 * OBSERVATIONS.rows_per_group + 1
    write(tmp_path / "one.parquet", OBSERVATIONS, [pl.DataFrame({"value": pl.zeros(rows, eager=True)})] * 2)
    from pyarrow.parquet import ParquetFile

    assert ParquetFile(tmp_path / "one.parquet").metadata.num_row_groups == 6
