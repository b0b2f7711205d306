"""Snapshots: what a run wrote together is shown together, a snapshot stays as it was, and a kept one stays for good."""

from __future__ import annotations

import os
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.snapshots import PROPERTIES, write
from lake import snapshots
from lake.snapshots import SnapshotError, at, consistent, crawled, listed, needed, take
from lake.sql import publish, query
from lake.store import LASTING, Lake, PinnedLake
from lake.structures.materials import write_materials
from lake.tables import (
    CRAWLS,
    ENTRIES,
    MATERIALS,
    MATRIX_PROVENANCE,
    OBSERVATIONS,
    PROPERTY_MATRIX,
    REJECTS,
    SNAPSHOTS,
    SPLITS,
    TABLES,
)
from lake.vacuum import vacuum
from tests.lake.small_lake import NOW, fill, rock_salt, zincblende

MGO, GAAS = rock_salt("Mg", "O", 4.2), zincblende("Ga", "As", 5.65)


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    write(lake, 1)
    return lake


def whole(lake: Lake) -> bool:
    """Whether each cell, its provenance and its observation are of one generation, and materials of the entries."""
    values = {*lake.read(OBSERVATIONS)["value"]}
    cells = {*lake.read(PROPERTY_MATRIX).select(PROPERTIES).to_numpy().ravel().tolist()}
    built = {*lake.read(PROPERTY_MATRIX)["n_sources"]} == {*lake.read(MATERIALS)["n_sources"]}
    read = {*lake.read(MATERIALS)["n_atoms"]} == {*lake.read(ENTRIES)["n_atoms"]}
    return values == cells == {*lake.read(MATRIX_PROVENANCE)["value"]} and len(values) == 1 and built and read


def dies(monkeypatch, lake: Lake, number: int, commit: int) -> None:
    """Write a generation, stopped before its n-th commit."""
    commits, replace = [], Lake.replace

    def dying(self, *what, **more):
        commits.append(what)
        if len(commits) == commit:
            raise KeyboardInterrupt
        return replace(self, *what, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Lake, "replace", dying)
        write(lake, number)


@pytest.mark.parametrize("commit", (1, 2, 3, 4, 6, 7))
def test_a_run_that_was_killed_before_any_commit_is_not_seen(lake, monkeypatch, commit):
    before = at(lake, take(lake))
    dies(monkeypatch, lake, 2, commit)
    shown = at(lake, take(lake))
    assert whole(shown) and shown.read(OBSERVATIONS).equals(before.read(OBSERVATIONS))
    write(lake, 3)
    assert set(at(lake, take(lake)).read(PROPERTY_MATRIX)["band_gap"]) == {3.0}


@settings(max_examples=4, deadline=None)
@given(st.lists(st.sampled_from(["whole", 2, 3, 4, 6, 7]), max_size=3))
def test_whatever_was_killed_before_what_is_shown_belongs_together(tmp_path_factory, lives):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    write(lake, 1)
    with pytest.MonkeyPatch.context() as patch:
        for number, life in enumerate(lives, start=2):
            if life == "whole":
                write(lake, number)
            else:
                dies(patch, lake, number, life)
            assert whole(Lake(lake.root, consistent(lake)))


def test_two_runs_that_read_the_same_are_told_apart_by_their_numbers(lake):
    marks = lake.read_from(OBSERVATIONS, MATERIALS)
    one, other = lake.read(PROPERTY_MATRIX), lake.read(MATRIX_PROVENANCE)
    lake.replace(MATRIX_PROVENANCE, other, marks=marks | {"run": 1})
    lake.replace(PROPERTY_MATRIX, one, marks=marks | {"run": 1})
    pair = {name: consistent(lake)[name] for name in ("property_matrix", "matrix_provenance")}
    lake.replace(MATRIX_PROVENANCE, other, marks=marks | {"run": 2})
    assert {name: consistent(lake)[name] for name in pair} == pair


def test_what_does_not_say_what_it_was_made_from_is_shown_as_it_is_now(tmp_path):
    lake = Lake(tmp_path)
    lake.replace(MATRIX_PROVENANCE, MATRIX_PROVENANCE.empty())
    lake.replace(PROPERTY_MATRIX, PROPERTY_MATRIX.empty())
    for _ in range(2):
        lake.replace(OBSERVATIONS, OBSERVATIONS.empty())
    assert consistent(lake) == {name: lake.version(t) for name, t in TABLES.items() if lake.exists(t)}
    assert consistent(Lake(tmp_path / "nothing")) == {}


def test_entries_are_shown_as_the_materials_know_them_until_the_next_build(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {"mp:1": (MGO, {})})
    write_materials(lake)
    fill(lake, {"mp:1": (MGO, {}), "mp:2": (GAAS, {})})
    seen = Lake(lake.root, consistent(lake))
    assert set(seen.read(ENTRIES)["entry_id"]) == {"mp:1"} == set(seen.read(MATERIALS)["members"].explode())
    write_materials(lake)
    seen = Lake(lake.root, consistent(lake))
    assert set(seen.read(ENTRIES)["entry_id"]) == {"mp:1", "mp:2"} == set(seen.read(MATERIALS)["members"].explode())


def test_entries_without_a_new_crystal_are_shown_after_a_build_too(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {"mp:1": (MGO, {})})
    write_materials(lake)
    fill(lake, {"ocp:1": (MGO, {})}, kind="slab+adsorbate")
    write_materials(lake)
    assert consistent(lake)["entries"] == lake.version(ENTRIES)
    version = lake.version(MATERIALS)
    write_materials(lake)
    assert lake.version(MATERIALS) == version


def test_splits_of_materials_that_are_not_shown_yet_wait_for_them(lake):
    lake.replace(SPLITS, SPLITS.empty(), marks=lake.read_from(MATERIALS))
    lake.replace(MATERIALS, lake.read(MATERIALS), marks=lake.read_from(ENTRIES))
    lake.replace(SPLITS, SPLITS.empty(), marks=lake.read_from(MATERIALS))
    assert (consistent(lake)["splits"], lake.version(SPLITS)) == (0, 1)


def test_a_snapshot_is_written_once_until_something_changes(lake):
    first = take(lake)
    assert take(lake) == first == take(lake) and snapshots.names(lake) == [first]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z", first)
    lake.replace(REJECTS, REJECTS.empty())
    second = take(lake)
    assert snapshots.names(lake) == [first, second]
    assert take(lake, note="for a figure") not in (first, second)


def test_a_snapshot_lists_itself_and_those_before_it(lake):
    first = take(lake, name="first")
    take(lake, name="second")
    assert snapshots.names(at(lake, first)) == [first]
    assert snapshots.names(at(lake, "second")) == [first, "second"]


def test_a_name_is_given_once_and_is_a_slug(lake):
    assert take(lake, "what for", "paper-1.0_a") == "paper-1.0_a"
    with pytest.raises(SnapshotError, match="choose another name"):
        take(lake, name="paper-1.0_a")
    for bad in ("a b", "../x", "-a", ".hidden", "ü", "a/b", "it's"):
        with pytest.raises(SnapshotError, match="letters, digits"):
            take(lake, name=bad)
    with pytest.raises(SnapshotError, match=r"no snapshot nothing, the last one is paper-1.0_a"):
        at(lake, "nothing")
    row = listed(lake).row(0, named=True)
    assert (row["snapshot"], row["kept"], row["note"]) == ("paper-1.0_a", True, "what for")


def test_a_snapshot_that_was_taken_by_itself_can_be_kept_later(lake):
    first = take(lake)
    write(lake, 2)
    take(lake, name="kept", of=first)
    assert at(lake, "kept").read(OBSERVATIONS).equals(at(lake, first).read(OBSERVATIONS))


def test_a_pinned_lake_reads_its_versions_and_refuses_every_write(lake):
    old = at(lake, take(lake))
    before = {table.name: old.read(table) for table in (OBSERVATIONS, PROPERTY_MATRIX)}
    write(lake, 2)
    lake.replace(REJECTS, REJECTS.empty())
    for name, frame in before.items():
        assert old.read(TABLES[name]).equals(frame) and old.version(TABLES[name]) < lake.version(TABLES[name])
    assert [len(part) for part in old.stream(OBSERVATIONS, "band_gap")] == [before["observations"].height / 3]
    assert not old.exists(REJECTS) and old.read(REJECTS).is_empty() and old.files(REJECTS) == []
    row = old.read(OBSERVATIONS).head(1)
    writes = [
        lambda: old.append(OBSERVATIONS, row),
        lambda: old.append(OBSERVATIONS, OBSERVATIONS.empty()),
        lambda: old.replace(OBSERVATIONS, row),
        lambda: old.replace(OBSERVATIONS, OBSERVATIONS.empty(), "band_gap"),
        lambda: old.remove(OBSERVATIONS, {"source": "mp"}),
        lambda: old.mark(OBSERVATIONS, {"run": 1}),
        lambda: old.compact(OBSERVATIONS, "band_gap"),
        lambda: old.vacuum(OBSERVATIONS),
        lambda: publish(old),
        lambda: take(old, name="a"),
    ]
    for write_to in writes:
        with pytest.raises(PinnedLake, match="only read"):
            write_to()


def test_sql_is_answered_as_it_was_then(lake):
    first = take(lake)
    write(lake, 2)
    publish(lake)
    asked = "select distinct band_gap from property_matrix"
    assert (query(at(lake, first), asked).item(), query(lake, asked).item()) == (1.0, 2.0)
    assert query(at(lake, first), "select count(*) from rejects").item() == 0


def test_a_snapshot_says_what_was_crawled_when(lake):
    def opened(crawl: str, *states: str) -> None:
        told = {"source": "mp", "crawl": crawl, "scope": "", "marker": None, "note": None, "at": NOW}
        lake.append(CRAWLS, CRAWLS.frame([told | {"state": state} for state in states]))

    assert crawled(lake, take(lake, name="before")) == {}
    opened("one", "opened", "closed", "published")
    opened("two", "opened")
    assert crawled(lake, take(lake, name="after")) == {"mp": NOW}
    assert listed(lake).select("snapshot", "crawls").rows() == [("after", "mp 2026-01-01"), ("before", "")]


def test_vacuum_leaves_kept_snapshots_and_open_readers_and_takes_the_rest(lake):
    import duckdb

    take(lake, name="kept")
    write(lake, 2)
    lost = take(lake)
    write(lake, 3)
    path = publish(lake)
    with duckdb.connect(path, read_only=True) as reader:
        write(lake, 4)
        publish(lake)
        assert vacuum(lake).size == 0  # all of it is younger than seven days
        assert lost in snapshots.names(lake)
        assert vacuum(lake, timedelta(seconds=1e-6)).size > 0
        assert lost not in snapshots.names(lake)
        with pytest.raises(duckdb.IOException):
            reader.execute("select sum(value) from observations").fetchone()
    assert set(at(lake, "kept").read(OBSERVATIONS)["value"]) == {1.0}
    assert query(at(lake, "kept"), "select distinct band_gap from property_matrix").item() == 1.0
    assert query(lake, "select distinct band_gap from property_matrix").item() == 4.0
    assert vacuum(lake, timedelta(seconds=1e-6)).size == 0


def test_what_is_published_is_kept_however_old_the_files_are(lake):
    publish(lake)
    shown = at(lake, snapshots.names(lake)[-1])
    write(lake, 2)
    dropped = {file for table in (ENTRIES, OBSERVATIONS) for file in shown.files(table)}
    assert not dropped & {*lake.files(ENTRIES), *lake.files(OBSERVATIONS)}
    for file in lake.root.rglob("*.parquet"):
        os.utime(file, (0, 0))
    vacuum(lake, timedelta(seconds=1e-6))
    assert all(Path(file).exists() for file in dropped)
    assert query(lake, "select distinct band_gap from property_matrix").item() == 1.0


def test_needed_versions_are_those_of_the_snapshots_and_of_the_next_one(lake):
    take(lake, name="kept")
    kept = consistent(lake)
    write(lake, 2)
    found = needed(lake, timedelta(0))
    assert all(found[name] >= {kept[name], version} for name, version in consistent(lake).items())


def test_what_a_killed_publisher_left_is_taken_away(lake):
    left = lake.root / ".lake.duckdb.0123"
    for clears in (vacuum, publish):
        lake.root.mkdir(exist_ok=True)
        left.write_bytes(b"half")
        clears(lake)
        assert not left.exists()


def test_logs_are_kept_for_good_also_of_tables_from_before(tmp_path):
    lake = Lake(tmp_path)
    lake.replace(REJECTS, REJECTS.empty())
    assert LASTING.items() <= DeltaTable(lake.path(REJECTS)).metadata().configuration.items()
    shutil.rmtree(lake.path(REJECTS))
    DeltaTable.create(str(lake.path(REJECTS)), schema=REJECTS.empty().to_arrow().schema, partition_by=["stage"])
    lake.replace(REJECTS, REJECTS.empty(), "entries.mp")
    assert not DeltaTable(lake.path(REJECTS)).metadata().configuration
    take(lake)
    assert LASTING.items() <= DeltaTable(lake.path(REJECTS)).metadata().configuration.items()
    assert len(lake.read(SNAPSHOTS)) == 2
