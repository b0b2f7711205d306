"""Two processes that backfill at once lose nothing, and whoever reads meanwhile sees whole properties."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks.backfills import BULK, GAP, MOMENT, Expected, fresh, world
from lake.extract import write_observations
from lake.tables import OBSERVATIONS, REJECTS


def test_five_rounds_of_two_writers_and_a_reader_lose_nothing_and_show_nothing_half(tmp_path):
    with world(tmp_path) as here:
        assert set(here.expected.observations) == {GAP, BULK, MOMENT}
        assert {name.removeprefix("observations.") for name in here.expected.rejects} == {GAP, BULK, MOMENT}
        assert {flag for part in here.expected.observations.values() for flag in part["flag"]} == {
            None, "out_of_range", "sentinel",
        }  # fmt: skip
        assert [fault for number in range(5) for fault in here.round(number)] == []
        assert here.seen["reads meanwhile"] > here.seen["writes"] == 30


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    lake = fresh(tmp_path_factory.mktemp("written"))
    return lake, Expected.of(lake)


@pytest.mark.parametrize("harm", ["rows of another run", "a row twice", "a row less", "another value"])
def test_what_is_not_as_a_single_process_writes_it_is_noticed(written, harm):
    lake, expected = written
    frame = lake.read(OBSERVATIONS).filter(pl.col("property") == GAP)
    harmed = {
        "rows of another run": lambda: frame.with_columns(run=pl.concat_str("run", pl.int_range(pl.len()) // 100)),
        "a row twice": lambda: pl.concat([frame, frame[:1].with_columns(reading=pl.lit("again"))]),
        "a row less": lambda: frame[1:],
        "another value": lambda: frame.with_columns(value=pl.col("value") + 1e-9),
    }[harm]()
    lake.replace(OBSERVATIONS, harmed, partition=GAP)
    assert len(expected.faults(lake, OBSERVATIONS)) == 1
    write_observations(lake, GAP, run="again")
    assert expected.faults(lake, OBSERVATIONS) == expected.faults(lake, REJECTS) == []
