"""The command line: every command has words, options count wherever they stand, and what goes wrong is one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lake.settings import MIRROR_KEY
from lake.sources import NAMES
from pipelines.cli import app
from tests import told_lake
from tests.words import commands

HOUSE = Path(__file__).parents[2]
ASKED = {
    "demo", "mirror", "crawl", "accept", "build", "backfill", "sql", "train", "predict", "screen", "ui", "doctor",
}  # fmt: skip


def call(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    import dagster as dg

    root = tmp_path_factory.mktemp("crawled")
    with dg.DagsterInstance.ephemeral() as instance:
        told_lake.crawl(root, instance, "mp", "oqmd")
    return root


def test_the_commands_are_those_that_were_asked_for():
    assert {command.name for command in commands()} == ASKED


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_every_command_and_every_option_has_words(command):
    assert len(command.help) > 25
    assert all(parameter.help for parameter in command.params if parameter.name != "help"), command.name
    assert call(command.name, "--help").exit_code == 0


def test_help_waits_for_nothing_heavy():
    asked = "import runpy, sys; sys.argv = ['crystal-lake', '--help']"
    code = f"{asked}\ntry: runpy.run_module('pipelines.cli', run_name='__main__')\nexcept SystemExit: pass\n"
    heavy = ("dagster", "torch", "pymatgen", "mlflow", "polars", "duckdb", "numba")
    code += f"print('loaded', [name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert "Commands" in done.stdout and done.stdout.strip().endswith("loaded []"), done.stdout[-300:]


@pytest.mark.parametrize("where", ["before", "after", "joined"])
def test_the_root_counts_wherever_it_stands(crawled, where):
    query, root = ["sql", "select count(*) as n from entries", "--format", "json"], ["--root", crawled]
    words = {"before": root + query, "after": query + root, "joined": [*query, f"--root={crawled}"]}[where]
    done = call(*words)
    assert json.loads(done.stdout) == [{"n": 2 * len(told_lake.SALTS)}], done.output


def test_the_root_may_come_from_the_environment(crawled, monkeypatch):
    monkeypatch.setenv("CRYSTAL_LAKE_ROOT", str(crawled))
    assert call("sql", "select 1 as one", "--format", "csv").stdout == "one\n1\n"


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_rows_with_lists_and_nothings_can_be_printed(crawled, format):
    done = call("--root", crawled, "sql", "select [1, 2] as numbers, null as nothing, 0.5 as half", "--format", format)
    assert done.exit_code == 0 and "0.5" in done.stdout, done.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["backfill", "band_gab"], "band_gap"),
        (["sql", "drop table entries"], "error:"),
        (["sql", "select nothing from nowhere"], "nowhere"),
        (["predict", HOUSE / "pyproject.toml"], "holds no crystal"),
    ],
    ids=["an unknown property", "a query that writes", "a table that is not there", "a file without a crystal"],
)
def test_what_is_asked_wrongly_is_one_clear_line(crawled, words, says):
    done = call("--root", crawled, *words)
    assert done.exit_code == 1 and says in done.stderr and "Traceback" not in done.output
    assert not done.stdout


@pytest.mark.parametrize("command", ["build", "train", "screen"])
def test_a_root_without_a_lake_is_one_clear_line(tmp_path, command):
    done = call("--root", tmp_path / "nowhere", command)
    assert done.exit_code == 1 and "no lake at" in done.stderr and "crystal-lake demo" in done.stderr


def test_an_unknown_source_is_named_beside_the_known_ones(tmp_path):
    done = call("--root", tmp_path, "crawl", "icsd")
    assert done.exit_code == 2 and "icsd" in done.stderr and "oqmd" in done.stderr


def test_a_source_that_is_down_is_reported_and_the_others_go_on(tmp_path, monkeypatch):
    with told_lake.told(tmp_path) as settings:
        for name, value in ui_environment(tmp_path, settings).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CRYSTAL_LAKE_COD_URL", "http://127.0.0.1:9")
        done = call("--root", tmp_path, "crawl", "cod", "oqmd")
    assert done.exit_code == 1
    assert sum(line.startswith("error: crawl cod") for line in done.stderr.splitlines()) == 1
    query = "select source, count(*) as n from entries group by 1"
    counted = call("--root", tmp_path, "sql", query, "--format", "json")
    assert json.loads(counted.stdout) == [{"source": "oqmd", "n": len(told_lake.SALTS)}]


def ui_environment(root: Path, settings) -> dict[str, str]:
    from pipelines.ui import environment

    return {k: v for k, v in environment(root, settings).items() if k.startswith(("CRYSTAL_LAKE_", "MP_"))}


def test_a_missing_key_is_one_clear_line(tmp_path, monkeypatch):
    with told_lake.told(tmp_path) as settings:
        monkeypatch.delenv("MP_API_KEY", raising=False)
        monkeypatch.setenv("CRYSTAL_LAKE_MP_URL", settings.mp_url)
        done = call("--root", tmp_path, "crawl", "mp")
    assert done.exit_code == 1 and "MP_API_KEY" in done.stderr and "Traceback" not in done.output


def test_quiet_says_nothing_but_results(crawled, monkeypatch):
    monkeypatch.setenv("CRYSTAL_LAKE_QUIET", "")
    done = call("--root", crawled, "--quiet", "backfill", "band_gap")
    assert done.exit_code == 0 and done.output == "", done.output


def test_a_bug_keeps_its_trace():
    broken = typer.Typer(cls=type(typer.main.get_command(app)))

    @broken.callback()
    def whole() -> None: ...

    @broken.command()
    def fall() -> None:
        raise ZeroDivisionError("somebody should see this")

    assert isinstance(CliRunner().invoke(broken, ["fall"]).exception, ZeroDivisionError)


@pytest.fixture
def asking(monkeypatch):
    """The databases that this shell asks: a mirror on loopback that tells the salts."""
    with told_lake.told(Path("nowhere")) as settings:
        for name in NAMES:
            monkeypatch.setenv(f"CRYSTAL_LAKE_{name.upper()}_URL", settings.url(name))
            monkeypatch.setenv(f"CRYSTAL_LAKE_{name.upper()}_RATE", "0")
        monkeypatch.setenv("MP_API_KEY", MIRROR_KEY)
        yield settings


def test_a_dry_run_says_what_a_crawl_would_cost_and_keeps_nothing(asking, tmp_path):
    done = call("--root", tmp_path / "lake", "crawl", "oqmd", "cod", "--dry-run", "--format", "json")
    told = {row["source"]: row for row in json.loads(done.stdout)}
    assert done.exit_code == 0 and set(told) == {"oqmd", "cod"}
    assert all(row["records"] == len(told_lake.SALTS) and row["requests"] > 0 for row in told.values())
    assert not (tmp_path / "lake" / "bronze").exists()


def test_a_part_of_a_database_is_crawled_and_known_to_be_one(asking, tmp_path):
    done = call("--root", tmp_path, "--quiet", "crawl", "oqmd", "--chemsys", "Cl-Na")
    assert done.exit_code == 0, done.output
    rows = call("--root", tmp_path, "sql", "select scope, records from nights", "--format", "json").stdout
    assert json.loads(rows) == [{"scope": "chemsys=Cl-Na", "records": 1}]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["crawl", "oqmd", "--elements", "Mg,Xx"], "found Xx"),
        (["crawl", "icsd"], "no source is called icsd"),
        (["accept", "icsd"], "no source is called icsd"),
    ],
)
def test_a_crawl_that_cannot_be_meant_is_refused_in_a_line(tmp_path, words, says):
    done = call("--root", tmp_path, *words)
    assert done.exit_code == 2 and says in done.output


def test_own_crystals_become_entries_beside_the_databases(tmp_path):
    root, mine = tmp_path / "lake", tmp_path / "mine"
    mine.mkdir()
    poscar = "rock salt\n1.0\n0 2.82 2.82\n2.82 0 2.82\n2.82 2.82 0\nNa Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"
    (mine / "salt.vasp").write_text(poscar)
    done = call("--root", root, "--quiet", "crawl", "folder", "--path", mine)
    assert done.exit_code == 0, done.output
    rows = call("--root", root, "sql", "select source, reduced_formula from entries", "--format", "json").stdout
    assert json.loads(rows) == [{"source": "folder", "reduced_formula": "NaCl"}]


def test_a_held_crawl_is_named_and_accepted(tmp_path):
    root, mine = tmp_path / "lake", tmp_path / "mine"
    mine.mkdir()
    for n in range(40):
        (mine / f"{n}.vasp").write_text(f"x\n1.0\n{4 + n / 99} 0 0\n0 4 0\n0 0 4\nPo\n1\nDirect\n0 0 0\n")
    assert call("--root", root, "--quiet", "crawl", "folder", "--path", mine).exit_code == 0
    for n in range(25):
        (mine / f"{n}.vasp").unlink()
    held = call("--root", root, "--quiet", "crawl", "folder", "--path", mine)
    assert held.exit_code == 1 and "crystal-lake accept folder" in held.output
    count = ["sql", "select count(*) as n from entries", "--format", "json"]
    assert json.loads(call("--root", root, *count).stdout) == [{"n": 40}]
    assert call("--root", root, "--quiet", "accept", "folder").exit_code == 0
    assert json.loads(call("--root", root, *count).stdout) == [{"n": 15}]
