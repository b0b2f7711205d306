"""The commands that share: what may not go ends with status 1 and the reason, what may go is written."""

import json

import pytest
from typer.testing import CliRunner

from lake.store import Lake
from lake.tables import OBSERVATIONS
from pipelines.cli import app
from tests.observed import observation


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("shared"))
    (lake.root / "bronze").mkdir()
    theirs = observation("aflow:1", "band_gap", 2.0, licence="see aflow.org (unverified)")
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame([observation("mp:1", "band_gap", 1.0), theirs]))
    return lake.root


def call(root, *words):
    return CliRunner().invoke(app, ["--root", str(root), *map(str, words)])


def test_an_export_that_may_not_go_ends_with_status_1_and_says_why_and_what_to_do(root, tmp_path):
    done = call(root, "export", tmp_path / "out", "--what", "observations")
    assert done.exit_code == 1 and done.stdout == ""
    assert "1 of 2 rows may not be passed on" in done.stderr
    assert "1 row of aflow may not go: see aflow.org (unverified): AFLOW's API states no licence" in done.stderr
    assert "--leave-out" in done.stderr and not (tmp_path / "out").exists()


def test_what_may_go_is_written_and_what_was_left_out_is_counted(root, tmp_path):
    asked = ("--what", "observations", "--format", "csv", "--licence", "cc-by-nc-4.0", "--property", "band_gap")
    done = call(root, "export", tmp_path / "out", *asked, "--leave-out")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("1 rows under CC BY-NC 4.0") and "1 rows left out" in done.stdout
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "observations.csv", "columns.csv", "README.md", "LICENCE.txt", "CITATION.bib",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--licence", "private"), "CC BY 4.0"), (("--property", "band_gpa"), "nearest: band_gap"),
     (("--format", "matminer"), "holds crystals")],
)  # fmt: skip
def test_what_cannot_be_exported_is_one_line(root, tmp_path, words, says):
    done = call(root, "export", tmp_path / "out", "--what", "observations", *words)
    assert done.exit_code == 1 and says in done.stderr and "Traceback" not in done.output


def test_the_dictionary_is_printed_as_a_page_and_as_json():
    page, data = (CliRunner().invoke(app, ["dictionary", *words]) for words in ((), ("--format", "json")))
    assert page.stdout.startswith("# Data dictionary") and "### `band_gap`" in page.stdout
    assert {"tables", "properties"} == set(json.loads(data.stdout))
