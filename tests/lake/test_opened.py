"""Tables are read anew where their log has grown or is another one, and only there."""

import shutil

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from lake import opened as module
from lake.opened import opened


def rows(folder, version=None) -> int:
    table = opened(folder, version)
    return pl.read_parquet(table.file_uris()).height if table.file_uris() else 0


@settings(max_examples=15)
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_what_is_opened_is_what_delta_lake_would_open(tmp_path_factory, sizes):
    folder = tmp_path_factory.mktemp("delta") / "table"
    for at, size in enumerate(sizes):
        write_deltalake(str(folder), pl.DataFrame({"x": [at] * size}), mode="append")
        assert opened(folder).version() == DeltaTable(folder).version() == at
        assert rows(folder) == sum(sizes[: at + 1])
        for version in range(at + 1):
            assert rows(folder, version) == sum(sizes[: version + 1])


def test_a_table_that_stands_still_is_read_once_and_one_that_is_made_again_anew(tmp_path, monkeypatch):
    folder, reads = tmp_path / "table", []
    write_deltalake(str(folder), pl.DataFrame({"x": [1, 2, 3]}))

    def counted(*told, **how):
        reads.append(told)
        return DeltaTable(*told, **how)

    monkeypatch.setattr(module, "DeltaTable", counted)
    assert [rows(folder) for _ in range(5)] == [3] * 5 and len(reads) == 1
    assert [rows(folder, 0) for _ in range(5)] == [3] * 5 and len(reads) == 2
    shutil.rmtree(folder)
    with pytest.raises(Exception, match=r"No such file|not a Delta table|files in log"):
        opened(folder)
    write_deltalake(str(folder), pl.DataFrame({"x": [7]}))
    assert rows(folder) == rows(folder, 0) == 1


def test_a_commit_that_the_log_no_longer_has_is_not_remembered(tmp_path):
    folder = tmp_path / "table"
    for _ in range(3):
        write_deltalake(str(folder), pl.DataFrame({"x": [1]}), mode="append")
    DeltaTable(folder).create_checkpoint()
    assert rows(folder) == 3
    (folder / "_delta_log" / f"{2:020d}.json").unlink()
    assert rows(folder) == 3
    assert str(folder) not in {key for key, _ in module._seen}


def test_no_more_are_remembered_than_said(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    for at in range(4):
        write_deltalake(str(tmp_path / str(at)), pl.DataFrame({"x": [at]}))
        opened(tmp_path / str(at))
    assert len(module._seen) == 2
