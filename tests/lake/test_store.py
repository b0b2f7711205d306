"""The store: commits are whole, partitions are replaced alone, old versions stay readable."""

import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.contract import ContractError
from lake.store import Lake
from lake.tables import MATCHES, OBSERVATIONS
from tests import observed


def observation(name: str, value: float, entry: str = "mp:1") -> dict:
    return observed.observation(entry, name, value)


def values(lake: Lake) -> dict[tuple[str, str], float]:
    frame = lake.read(OBSERVATIONS)
    return {(e, p): v for e, p, v in frame.select("entry_id", "property", "value").iter_rows()}


def test_a_table_never_written_reads_as_empty_in_contract_order(tmp_path):
    lake = Lake(tmp_path)
    assert lake.read(MATCHES).schema == MATCHES.schema
    assert lake.version(MATCHES) is None and lake.files(MATCHES) == [] and not lake.exists(MATCHES)


NAMES = ["band_gap", "it's", "a b", "x%2Fy"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.lists(st.floats(-9, 9), max_size=3)), max_size=6))
def test_replacing_a_partition_touches_that_partition_only(tmp_path_factory, writes):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    expected: dict[str, list[float]] = {}
    for name, numbers in writes:
        rows = [observation(name, v, f"mp:{i}") for i, v in enumerate(numbers)]
        lake.replace(OBSERVATIONS, OBSERVATIONS.frame(rows), partition=name)
        expected[name] = numbers
    assert values(lake) == {(f"mp:{i}", n): v for n, vs in expected.items() for i, v in enumerate(vs)}


def test_rows_of_another_partition_are_refused(tmp_path):
    with pytest.raises(ContractError, match="must say so"):
        Lake(tmp_path).replace(OBSERVATIONS, OBSERVATIONS.frame([observation("a", 1.0)]), partition="b")


@settings(max_examples=15, deadline=None)
@given(
    replaced=st.sets(st.sampled_from(NAMES), min_size=1),
    numbers=st.dictionaries(st.sampled_from(NAMES), st.floats(-9, 9)),
)
def test_several_partitions_are_replaced_in_one_commit_and_the_others_stay(tmp_path_factory, replaced, numbers):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.append(OBSERVATIONS, OBSERVATIONS.frame([observation(name, 99.0) for name in NAMES]))
    new = {name: value for name, value in numbers.items() if name in replaced}
    rows = [observation(name, value) for name, value in new.items()]
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame(rows), replaced, marks={"run": 7})
    assert values(lake) == {
        ("mp:1", name): new.get(name, 99.0) for name in NAMES if name in new or name not in replaced
    }
    assert lake.version(OBSERVATIONS) == 1
    mark = lake.marks(OBSERVATIONS)
    assert (mark("run"), mark("other"), lake.marks(MATCHES)("run")) == (7, 0, 0)


def test_several_partitions_of_which_none_is_named_are_refused(tmp_path):
    with pytest.raises(ContractError, match="name the partitions"):
        Lake(tmp_path).replace(OBSERVATIONS, OBSERVATIONS.empty(), [])


def test_a_first_write_that_was_killed_leaves_no_table(tmp_path):
    lake = Lake(tmp_path)
    (lake.path(OBSERVATIONS) / "_delta_log").mkdir(parents=True)
    assert not lake.exists(OBSERVATIONS) and lake.version(OBSERVATIONS) is None and values(lake) == {}
    lake.append(OBSERVATIONS, OBSERVATIONS.frame([observation("a", 1.0)]))
    assert values(lake) == {("mp:1", "a"): 1.0}


def test_vacuum_takes_what_killed_writers_left_a_week_ago_and_nothing_that_is_read(tmp_path):
    lake = Lake(tmp_path)
    lake.append(OBSERVATIONS, OBSERVATIONS.frame([observation("a", 1.0)]))
    (there,) = map(Path, lake.files(OBSERVATIONS))
    week = time.time() - 8 * 24 * 3600
    left = {
        name: there.with_name(f"part-00000-{name}") for name in ("old.parquet", "half.parquet#1", "young.parquet#1")
    }
    for name, file in left.items():
        shutil.copy(there, file)
        os.utime(file, None if "young" in name else (week, week))
    os.utime(there, (week, week))
    freed = lake.vacuum(OBSERVATIONS)
    assert [Path(name).name for name in freed.files] == ["part-00000-old.parquet", "part-00000-half.parquet#1"]
    assert freed.size == 2 * there.stat().st_size
    assert sorted(there.parent.iterdir()) == sorted([there, left["young.parquet#1"]])
    assert values(lake) == {("mp:1", "a"): 1.0}


def test_rows_of_several_values_are_removed_in_one_commit(tmp_path):
    lake = Lake(tmp_path)
    lake.append(OBSERVATIONS, OBSERVATIONS.frame([observation(name, 1.0) for name in ("it's", "b", "c")]))
    lake.remove(OBSERVATIONS, {"source": "mp", "property": ["it's", "c"]})
    assert values(lake) == {("mp:1", "b"): 1.0} and lake.version(OBSERVATIONS) == 1


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.sampled_from(NAMES), st.floats(-9, 9)), max_size=4), max_size=4),
    st.sampled_from([None, NAMES]),
)
def test_several_frames_are_written_as_one_would_be(tmp_path_factory, parts, partitions):
    lake, number, frames = Lake(tmp_path_factory.mktemp("lake")), itertools.count(), []
    for part in parts:
        frames.append(OBSERVATIONS.frame([observation(name, v, f"mp:{next(number)}") for name, v in part]))
    for _ in range(2):  # the first time there is nothing to take away
        lake.replace(OBSERVATIONS, frames, partitions)
        found = lake.read(OBSERVATIONS)
        assert found.sort("entry_id").equals(pl.concat([OBSERVATIONS.empty(), *frames]).sort("entry_id"))


def test_what_a_partition_was_before_is_known_whoever_wrote_it(tmp_path):
    lake = Lake(tmp_path)
    for value, name in enumerate(("a", "it's", "a", "it's")):
        lake.replace(OBSERVATIONS, OBSERVATIONS.frame([observation(name, float(value))]), partition=name)
    assert [lake.version_before(OBSERVATIONS, name) for name in ("a", "it's")] == [1, 2]
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame([observation("a", 9.0)]))
    assert [lake.version_before(OBSERVATIONS, name) for name in ("a", "it's")] == [3, 3]


def test_vacuum_leaves_what_a_partition_of_any_name_was_replaced_with(tmp_path):
    lake = Lake(tmp_path)
    for value in (1.0, 2.0):
        for name in NAMES:
            lake.replace(OBSERVATIONS, OBSERVATIONS.frame([observation(name, value)]), partition=name)
    lake.vacuum(OBSERVATIONS, keep_hours=0)
    assert sorted(map(str, lake.path(OBSERVATIONS).rglob("*.parquet"))) == lake.files(OBSERVATIONS)
    assert values(lake) == {("mp:1", name): 2.0 for name in NAMES}


def test_earlier_versions_stay_readable(tmp_path):
    lake = Lake(tmp_path)
    for value in (1.0, 2.0):
        lake.replace(OBSERVATIONS, OBSERVATIONS.frame([observation("a", value)]), partition="a")
    assert lake.read(OBSERVATIONS, at=0)["value"].to_list() == [1.0]
    assert lake.read(OBSERVATIONS)["value"].to_list() == [2.0]


def test_the_files_named_are_the_whole_snapshot(tmp_path):
    lake = Lake(tmp_path)
    for name in ("a", "b", "a"):
        lake.replace(OBSERVATIONS, OBSERVATIONS.frame([observation(name, 1.0)]), partition=name)
    read = pl.read_parquet(lake.files(OBSERVATIONS), hive_partitioning=True)
    assert len(read) == len(lake.read(OBSERVATIONS)) == 2


@pytest.mark.parametrize("name", ["a b", "Kristallsee ü", "50% ice", "it's"])
def test_a_root_of_any_name_keeps_its_tables(tmp_path, name):
    lake = Lake(tmp_path / name)
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame([observation("a b", 1.0)]), partition="a b")
    assert values(Lake(tmp_path / name)) == {("mp:1", "a b"): 1.0}


def test_a_root_that_reads_as_an_escape_is_refused(tmp_path):
    with pytest.raises(ValueError, match="escape"):
        Lake(tmp_path / "a%20b")


WRITER = """
import sys
sys.path.insert(0, {here!r})
from tests.lake.test_store import observation
from lake.store import Lake
from lake.tables import OBSERVATIONS
for turn in range(5):
    Lake(sys.argv[1]).replace(
        OBSERVATIONS, OBSERVATIONS.frame([observation(sys.argv[2], float(turn))]), partition=sys.argv[2])
"""


def test_two_processes_writing_different_partitions_at_once_lose_nothing(tmp_path):
    code = WRITER.format(here=str(Path(__file__).parents[2]))
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "abc"]
    assert [p.wait(120) for p in running] == [0, 0, 0]
    assert values(Lake(tmp_path)) == {("mp:1", name): 4.0 for name in "abc"}


WHOLE = """
import sys
sys.path.insert(0, {here!r})
from tests.lake.test_store import observation
from lake.store import Lake
from lake.tables import OBSERVATIONS
for turn in range(6):
    for partition in (None, "a"):  # a whole table now and then leaves that partition without any file
        name = partition or "b"
        rows = OBSERVATIONS.frame([observation(name, float(turn), sys.argv[2])])
        Lake(sys.argv[1]).replace(OBSERVATIONS, rows, partition=partition)
"""


def test_processes_that_replace_the_same_rows_at_once_never_leave_those_of_two(tmp_path):
    code = WHOLE.format(here=str(Path(__file__).parents[2]))
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), f"mp:{n}"]) for n in range(3)]
    assert [p.wait(120) for p in running] == [0, 0, 0]
    lake = Lake(tmp_path)
    assert lake.version(OBSERVATIONS) == 3 * 2 * 6 - 1
    for version in range(lake.version(OBSERVATIONS) + 1):
        rows = lake.read(OBSERVATIONS, at=version)
        assert rows["property"].is_unique().all()
