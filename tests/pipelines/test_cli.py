"""The command line: every command has words, options count wherever they stand, and what goes wrong is one line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from lake.labels import import_labels
from lake.settings import MIRROR_KEY
from lake.shards import shard_of
from lake.sources import NAMES
from lake.store import Lake
from lake.structures.materials import write_materials
from lake.tables import LABELS, MATERIAL_IDS, MATERIALS, OBSERVATIONS, REJECTS
from pipelines.adding import add
from pipelines.cli import app
from tests import told_lake
from tests.known_lake import known_lake
from tests.lake.small_lake import NOW, fill, rock_salt
from tests.words import commands

HOUSE = Path(__file__).parents[2]
ASKED = {
    "demo", "mirror", "crawl", "accept", "build", "backfill", "sql", "train", "predict", "screen", "ui", "doctor",
    "same", "duplicates", "add", "export", "dictionary", "show", "find", "shell", "snapshots", "vacuum",
    "grid", "multitask", "transfer",
    "features",
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
    assert "Compare crystals" in done.stdout and done.stdout.strip().endswith("loaded []"), done.stdout[-300:]


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
    ],
    ids=["an unknown property", "a query that writes", "a table that is not there"],
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
        (["grid", "--property", "colour"], "no property 'colour'"),
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


SALT = "rock salt\n{}\n0 2.82 2.82\n2.82 0 2.82\n2.82 2.82 0\nNa Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"
HALITE = """data_halite
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na1 0.5 0.5 0.5
Cl1 0 0 0
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder to stand in: one crystal as CIF and as POSCAR, the same too large, another crystal, and no crystal."""
    monkeypatch.chdir(tmp_path)
    Path("halite.cif").write_text(HALITE)
    Path("POSCAR").write_text(SALT.format("1.01"))
    Path("large.vasp").write_text(SALT.format("1.08"))
    Path("other.vasp").write_text(SALT.format("1.08").replace("Cl", "Br"))
    Path("broken.cif").write_text("no crystal at all")
    return tmp_path


@pytest.mark.parametrize(
    ("other", "status", "says"),
    [
        ("POSCAR", 0, "no more than the definition tolerates"),
        ("halite.cif", 0, "no more than the definition tolerates"),
        ("large.vasp", 1, "volume per atom"),
        ("other.vasp", 1, "NaCl and NaBr are different compositions"),
    ],
)
def test_two_files_are_the_same_crystal_or_not_without_a_lake(files, other, status, says):
    done = call("same", "halite.cif", other)
    assert done.exit_code == status, done.output
    assert done.stdout.splitlines()[0] == ("different" if status else "same")
    assert says in done.stdout and "docs/identity.md" in done.stdout and not done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["halite.cif", "broken.cif"], ["broken.cif holds no crystal"]),
        (["halite.cif", "mp:1"], ["mp:1 is no file", "no lake at"]),
        (["missing.cif", "broken.cif"], ["missing.cif is no file", "broken.cif holds no crystal"]),
        (["halite.cif"], ["Missing argument"]),
    ],
)
def test_what_cannot_be_compared_is_an_error_and_no_verdict(files, words, says):
    done = call("same", *words)
    assert done.exit_code == 2 and not done.stdout
    assert all(words in done.stderr for words in says) and "Traceback" not in done.output


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A lake in which three databases tell one crystal, one of them twice, and an old id finds it."""
    lake = Lake(tmp_path_factory.mktemp("built"))
    salt, small = rock_salt("Na", "Cl", 5.64), rock_salt("Na", "Cl", 5.62)
    fill(lake, {"mp:mp-1": (salt, {}), "mp:mp-30": (rock_salt("Mg", "O", 4.2), {})})
    fill(lake, {"oqmd:100": (salt, {}), "oqmd:20": (small, {})})
    fill(lake, {"ocp:slab": (salt, {})}, kind="slab+adsorbate")
    write_materials(lake)
    now = lake.read(MATERIALS).filter(representative="mp:mp-1")["material_id"].item()
    told = {"shard": shard_of("NaCl"), "first_given": NOW}
    old = {"material_id": "m-old", "entry_id": "oqmd:20", "current": now}
    gone = {"material_id": "m-gone", "entry_id": "aflow:1", "current": None}
    lake.replace(MATERIAL_IDS, MATERIAL_IDS.frame([old | told, gone | told]))
    return lake.root


@pytest.mark.parametrize(
    ("a", "b", "status", "says"),
    [
        ("mp:mp-1", "oqmd:20", 0, "In the lake both belong to m-"),
        ("oqmd:20", "mp:mp-1", 0, "3 entries of mp, oqmd"),
        ("m-old", "mp:mp-1", 0, "A  mp:mp-1"),
        ("mp:mp-1", "mp:mp-30", 1, "B to m-"),
        ("halite.cif", "mp:mp-1", 0, "B belongs to m-"),
        ("ocp:slab", "mp:mp-1", 0, "B belongs to m-"),
        ("m-gone", "mp:mp-1", 2, "m-gone was a material of aflow:1"),
        ("mp:mp-2", "mp:mp-1", 2, "mp:mp-2 is no id of this lake"),
    ],
)
def test_entries_and_materials_of_the_lake_are_compared_by_their_ids(files, built, a, b, status, says):
    done = call("--root", built, "same", a, b)
    assert done.exit_code == status and says in done.output, done.output
    assert done.stdout.splitlines()[:1] == [["same"], ["different"], []][status]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], 1),
        (["ClNa"], 1),
        (["MgO"], 0),
        (["--source", "mp"], 1),
        (["--source", "cod"], 0),
        (["--within", "oqmd"], 1),
        (["--within", "mp"], 0),
    ],
)
def test_duplicates_are_listed_with_what_each_database_calls_them(built, words, told):
    done = call("--root", built, "duplicates", *words, "--format", "json")
    rows = json.loads(done.stdout)
    assert done.exit_code == 0 and len(rows) == told
    for row in rows:
        assert (row["reduced_formula"], row["entries"], row["space_group"]) == ("NaCl", 3, "F m -3 m")
        assert (row["mp"], row["oqmd"]) == (["mp-1"], ["20", "100"]) and "aflow" not in row


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["Xx2"], 1, "a formula is written like"),
        (["silica"], 1, "a formula is written like"),
        (["--within", "icsd"], 2, "icsd"),
    ],
)
def test_duplicates_of_nothing_that_there_is_are_refused_in_a_line(built, words, status, says):
    done = call("--root", built, "duplicates", *words)
    assert done.exit_code == status and says in done.stderr and "Traceback" not in done.output


MGO = SALT.format("1.0").replace("Na Cl", "Mg O").replace("2.82", "2.10")


@pytest.fixture
def labelled(built, tmp_path, monkeypatch):
    """A copy of the lake, and a folder with values of one's own and the crystals beside them."""
    root = Path(shutil.copytree(built, tmp_path / "lake"))
    mine = tmp_path / "mine"
    (mine / "crystals").mkdir(parents=True)
    (mine / "crystals" / "salt.cif").write_text(HALITE)
    (mine / "crystals" / "periclase.vasp").write_text(MGO)
    (mine / "crystals" / "large.vasp").write_text(SALT.format("1.08"))
    monkeypatch.chdir(tmp_path)
    return root, mine / "labels.csv"


def values_of(root: Path, *columns: str) -> list[tuple]:
    return sorted(Lake(root).read(LABELS).select(columns).rows())


def test_own_values_are_joined_by_id_old_id_material_and_structure_and_the_rest_is_refused_in_a_line_each(labelled):
    root, file = labelled
    file.write_text(
        "entry_id,structure,property,value,unit,reference\n"
        "oqmd:100,,band_gap_measured,8500,meV,by id\n"
        "m-old,,band_gap_measured,8.6,eV,by an old id\n"
        ",crystals/salt.cif,band_gap_measured,8.7(1),eV,by structure\n"
        ",crystals/periclase.vasp,bulk_modulus_measured,160,GPa,\n"
        "mp:none,,band_gap_measured,1,eV,\n"
        ",crystals/large.vasp,band_gap_measured,1,eV,\n"
        ",crystals/missing.cif,band_gap_measured,1,eV,\n"
        ",,band_gap_measured,1,eV,\n"
        ",crystals/salt.cif,magnetization_measured,1,muB/cell,\n"
        "oqmd:100,,band_gap_measured,8.5,parsnip,\n"
        "oqmd:100,,band_gap_measured,9,eV,by id\n"
    )
    words = ["--root", root, "--quiet", "add", file, "--licence", "private", "--level-of-theory", "experiment"]
    done = call(*words, "--temperature", 300)
    assert done.exit_code == 1 and "2 joined by id, 2 by structure, 7 refused" in done.stdout, done.output
    told = [line for line in done.stderr.splitlines() if line.startswith("error: labels.csv, value ")]
    says = ["mp:none is no id", "must be the same crystal as an entry, found none among 1 of NaCl", "missing.cif",
            "found neither", "a value per cell needs the entry", "parsnip", "given twice"]  # fmt: skip
    assert len(told) == 7 and all(words in line for words, line in zip(says, told, strict=True)), told
    assert values_of(root, "entry_id", "value", "reference", "joined_by", "temperature", "licence") == [
        ("mp:mp-1", 8.6, "by an old id", "id", 300.0, "private"),
        ("mp:mp-1", 8.7, "by structure", "structure", 300.0, "private"),
        ("mp:mp-30", 160.0, "labels.csv", "structure", 300.0, "private"),
        ("oqmd:100", 8500.0, "by id", "id", 300.0, "private"),
    ]
    lake = Lake(root)
    assert len(lake.read(REJECTS).filter(stage="labels")) == 3, "of an entry, of an id that is none, and of the file"
    observed = lake.read(OBSERVATIONS).sort("reading").select("reading", "source", "value", "licence").rows()
    assert observed[1:] == [
        ("labels:by id", "labels", 8.5, "private"), ("labels:by structure", "labels", 8.7, "private"),
        ("labels:labels.csv", "labels", 160.0, "private"),
    ]  # fmt: skip


def test_a_file_added_again_changes_nothing_and_another_of_its_name_replaces_it(labelled):
    root, file = labelled
    lake, other = Lake(root), file.with_name("other.csv")

    def added(file: Path) -> tuple[set[str], int, list[pl.DataFrame]]:
        done = add(lake, file, {"licence": "private"})
        import_labels(lake)
        files = pl.DataFrame({"file": sorted(found.name for found in (root / "labels").iterdir())})
        tables = [files, lake.read(LABELS).sort(LABELS.key), lake.read(REJECTS).sort(REJECTS.key)]
        return done.properties, len(done.refused), tables

    other.write_text("entry_id,property,value,unit\noqmd:20,band_gap_measured,8.4,eV\n")
    file.write_text("entry_id,property,value,unit,licence\nmp:mp-1,band_gap_measured,8.5,eV,CC0\nmp:x,band_gap,1,eV,\n")
    added(other)
    *first, before = added(file)
    written = (root / "labels" / "labels.csv").read_bytes()
    *second, after = added(file)
    assert first == second == [{"band_gap_measured"}, 1] and all(map(pl.DataFrame.equals, before, after))
    assert written == (root / "labels" / "labels.csv").read_bytes()
    assert values_of(root, "entry_id", "licence") == [("mp:mp-1", "CC0"), ("oqmd:20", "private")]

    file.write_text("entry_id,property,value,unit\nmp:mp-30,bulk_modulus_measured,160,GPa\n")
    properties, refused, _ = added(file)
    assert (properties, refused) == ({"band_gap_measured", "bulk_modulus_measured"}, 0), "old and new columns are stale"
    rows = [("mp:mp-30", "bulk_modulus_measured", 160.0), ("oqmd:20", "band_gap_measured", 8.4)]
    assert values_of(root, "entry_id", "property", "value") == rows
    assert lake.read(REJECTS).filter(stage="labels").is_empty()


@pytest.mark.parametrize(
    ("text", "words", "status", "says"),
    [
        ("entry_id,property,value,unit\n", [], 2, "--licence"),
        ("id,value\n1,2\n", ["--licence", "CC0"], 1, "missing property, unit"),
        ("", ["--licence", "CC0"], 1, "cannot be used"),
    ],
)
def test_a_file_that_cannot_be_added_is_an_error_and_adds_nothing(labelled, text, words, status, says):
    root, file = labelled
    file.write_text(text)
    done = call("--root", root, "--quiet", "add", file, *words)
    assert done.exit_code == status and says in done.output and "Traceback" not in done.output
    assert not (root / "labels").exists()


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return known_lake(tmp_path_factory.mktemp("known")).root


def test_one_material_is_shown_with_every_source_value_and_disagreement_and_what_is_predicted_apart(known):
    done = call("--root", known, "show", "mp-804")
    assert done.exit_code == 0, done.output
    before, after = done.stdout.split("Predicted by the models")
    for words in ("GaN", "P 6_3 m c (186)", "told by aflow, mp, oqmd", "oqmd:100", "labels:handbook", "9.4 %", "300"):
        assert words in before, words
    assert "168" in after and "cost_per_kg  120" in after and "168" not in before


def test_one_material_is_told_to_programs_whole(known):
    told = json.loads(call("--root", known, "show", "oqmd:300", "--format", "json").stdout)
    assert (told["reduced_formula"], len(told["entries"]), told["composition"]["cost_per_kg"]) == ("NaCl", 2, 0.2)
    assert [row["flag"] for row in told["values"] if row["value"] == -665] == ["out_of_range"]
    rows = call("--root", known, "show", "oqmd:300", "--format", "csv").stdout.splitlines()
    assert len(rows) == 1 + len(told["values"]) and rows[0].startswith("property,value,unit,source,origin")


def test_an_entry_that_belongs_to_no_material_is_shown_as_one(built):
    done = call("--root", built, "show", "ocp:slab")
    assert done.exit_code == 0 and "belongs to no material" in done.stdout and "Nothing is known" in done.stdout


@pytest.mark.parametrize("text", ["GaN", "NGa", "Ga-N", "Ga,N"])
def test_materials_are_found_by_formula_by_system_and_by_elements(known, text):
    (row,) = json.loads(call("--root", known, "find", text, "--format", "json").stdout)
    assert (row["reduced_formula"], row["sources"], row["band_gap"]) == ("GaN", ["aflow", "mp", "oqmd"], 1.73)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "100"], "ask for one of them"),
        (["show", "mp-0"], "no id of this lake"),
        (["find", "Ga*"], "a formula is written like"),
        (["find", "mp-149"], "ask `show`"),
    ],
)
def test_what_is_not_found_is_one_clear_line(known, words, says):
    done = call("--root", known, *words)
    assert done.exit_code == 1 and says in done.stderr and not done.stdout and "Traceback" not in done.output


def typed(root: Path, text: str, *words: str):
    return CliRunner().invoke(app, ["--root", str(root), "shell", "--format", "csv", *words], input=text)


def test_the_shell_answers_statements_over_many_lines_and_the_last_one_without_a_semicolon(known):
    done = typed(known, "select 1 as a; select ';' as b;\n\nselect -- one; two\n  count(*) as n\nfrom\nentries")
    assert (done.exit_code, done.stdout) == (0, "a\n1\nb\n;\nn\n11\n"), done.output


def test_errors_do_not_end_the_shell_and_a_program_learns_of_them(known):
    done = typed(known, "select nothing;\ncopy (select 1) to 'x.csv';\n.nonsense\n.describe x\nselect 2 as two;\n")
    assert done.exit_code == 1 and done.stdout == "two\n2\n"
    for words in ("nothing", "one SELECT and nothing else", ".help lists them", "no table or view is called 'x'"):
        assert words in done.stderr, words
    assert "Traceback" not in done.output and not Path("x.csv").exists()


def test_the_shells_commands_say_what_there_is_and_quit_leaves(known):
    done = typed(known, ".tables\n.describe known\n.help\n.quit\nselect 41567;\n")
    assert done.exit_code == 0 and "41567" not in done.stdout
    assert "label_overlap," in done.stdout and "chosen,VARCHAR," in done.stdout and "Ctrl-D" in done.stdout


@pytest.mark.parametrize("command", [["show", "mp-1"], ["find", "GaN"], ["shell"]])
def test_looking_needs_a_lake(tmp_path, command):
    done = call("--root", tmp_path / "nowhere", *command)
    assert done.exit_code == 1 and "no lake at" in done.stderr
