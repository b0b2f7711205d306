"""Snapshots and vacuum on the command line: taken by name, listed, read with --at, and refused in a line."""

import json

import pytest
from typer.testing import CliRunner

from benchmarks.snapshots import write
from lake.sql import publish
from lake.store import Lake
from lake.tables import RECORDS
from pipelines.cli import app
from tests.words import commands


def call(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    lake.replace(RECORDS, RECORDS.empty())
    write(lake, 1)
    return lake


def test_a_kept_snapshot_is_listed_and_read_after_the_lake_went_on(lake):
    done = call("--root", lake.root, "snapshots", "--keep", "paper", "--note", "figure 2")
    assert (done.exit_code, done.stdout) == (0, "paper\n"), done.output
    assert "paper" in call("--root", lake.root, "sql", "select distinct snapshot from snapshots").stdout
    write(lake, 2)
    publish(lake)
    row = json.loads(call("--root", lake.root, "snapshots", "--format", "json").stdout)[-1]
    assert (row["snapshot"], row["kept"], row["note"]) == ("paper", True, "figure 2")
    asked = ["sql", "select distinct band_gap from property_matrix", "--format", "csv"]
    assert call("--root", lake.root, *asked).stdout == "band_gap\n2.0\n"
    assert call("--root", lake.root, *asked, "--at", "paper").stdout == "band_gap\n1.0\n"
    assert call("--root", lake.root, "duplicates", "--at", "paper").exit_code == 0
    assert call("--root", lake.root, "screen", "--at", "paper").exit_code == 0


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["sql", "select 1", "--at", "nothing"], 1, "no snapshot nothing"),
        (["same", "mp:0", "mp:1", "--at", "nothing"], 1, "no snapshot nothing"),
        (["snapshots", "--keep", "a b"], 1, "letters, digits"),
        (["snapshots", "--note", "what for"], 2, "--keep"),
    ],
)
def test_a_snapshot_that_cannot_be_is_refused_in_a_line(lake, words, status, says):
    done = call("--root", lake.root, *words)
    assert done.exit_code == status and says in done.stderr and "Traceback" not in done.output


def test_vacuum_says_what_it_freed(lake):
    done = call("--root", lake.root, "vacuum")
    assert done.exit_code == 0 and done.stdout == "0 kB freed, 0 files\n", done.output


def test_every_command_that_reads_the_lake_reads_a_snapshot_too():
    reading = {"sql", "same", "duplicates", "predict", "screen"}
    told = {command.name for command in commands() if any(p.name == "at" for p in command.params)}
    assert reading <= told
