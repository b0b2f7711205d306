"""`crystal-lake predict`: answers on standard output, a reason per bad file on standard error, and a status."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from lake.crystal import SYMBOLS, Crystal
from lake.store import Lake
from lake.tables import CALIBRATION, RUNS
from models.predicting import predict_entries
from models.run import runs_frame
from models.study import run_study, single_recipes
from pipelines.cli import app
from tests.models._made import PAIRS, entry, filled, material, observation, rock_salt, split

RECIPE = {"width": 8, "gnn_layers": 1, "steps": 20, "batch_size": 16, "learning_rate": 1e-2}


def call(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    entries, observations, materials, splits = [], [], [], []
    for at, (cation, anion) in enumerate(PAIRS * 3):
        name, length = f"mp:mp-{at}", 4.2 + 2.4 * (at * 37 % 144) / 144
        entries.append(entry(name, rock_salt(cation, anion, length)) | {"reduced_formula": f"X{at}"})
        materials.append(material(f"m{at}", [name], f"X{at}"))
        splits.append(split(f"m{at}", ("train", "validation", "train", "test")[(at + at // 48) % 4], f"X{at}"))
        observations.append(observation(name, "band_gap", 12.0 - 1.5 * length))
    entries.append(entry("ocp:slab", rock_salt(3, 9, 4.2), "slab+adsorbate"))
    lake = filled(tmp_path_factory.mktemp("asked"), entries, observations, materials, splits)
    (lake.root / "bronze").mkdir(exist_ok=True)
    lake.replace(RUNS, runs_frame(run_study(lake, single_recipes("band_gap", (0,), **RECIPE), processes=1)))
    lake.replace(CALIBRATION, predict_entries(lake, processes=1)[1])
    return lake.root


def cif(crystal: Crystal, occupancy: str = "1", element: str | None = None) -> str:
    structure = crystal.to_pymatgen()
    cell = zip(("a", "b", "c"), structure.lattice.abc, strict=True)
    angles = zip(("alpha", "beta", "gamma"), structure.lattice.angles, strict=True)
    lines = [
        "data_made",
        "_symmetry_space_group_name_H-M 'P 1'",
        *(f"_cell_length_{n} {v}" for n, v in cell),
        *(f"_cell_angle_{n} {v}" for n, v in angles),
    ]
    lines += ["loop_", "_atom_site_label", "_atom_site_type_symbol", "_atom_site_fract_x", "_atom_site_fract_y"]
    lines += ["_atom_site_fract_z", "_atom_site_occupancy"]
    for at, (number, where) in enumerate(zip(crystal.numbers, crystal.positions, strict=True)):
        symbol = element if element and at == 0 else SYMBOLS[number]
        lines.append(f"{symbol}{at} {symbol} {' '.join(map(str, where))} {occupancy if at == 0 else 1}")
    return "\n".join(lines) + "\n"


def bad(folder: Path) -> set[Path]:
    """Ten files that hold no crystal, each for a reason of its own."""
    salt = rock_salt(11, 17, 5.6)
    flat = Crystal([[4, 0, 0], [0, 4, 0], [2, 2, 1e-9]], salt.positions, salt.numbers)
    crowded = Crystal(salt.lattice, [[0, 0, 0], [0.001, 0, 0]], salt.numbers)
    texts = {
        "element.cif": cif(salt, element="Qq"), "disorder.cif": cif(salt, occupancy="0.5"), "flat.cif": cif(flat),
        "crowded.cif": cif(crowded), "empty.cif": "", "prose.cif": "Dear all,\nno crystal is here.\n",
        "POSCAR_unnamed": "salt\n1.0\n4 0 0\n0 4 0\n0 0 4\n1 1\nDirect\n0 0 0\n.5 .5 .5\n", "notes.txt": "buy milk\n",
        "cut.vasp": "salt\n1.0\n4 0 0\n0 4 0\n",
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "binary.cif").write_bytes(bytes(range(256)) * 8)
    return {folder / name for name in (*texts, "binary.cif")}


def test_of_a_thousand_files_with_ten_bad_ones_the_others_are_answered_and_the_ten_are_named(root, tmp_path):
    wrong = bad(tmp_path)
    texts = [cif(rock_salt(*pair, 4.8)) for pair in PAIRS]
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for at in range(990):
        (tmp_path / ("deep/er" if at % 9 == 0 else ".") / f"{at}.cif").write_text(texts[at % len(texts)])
    (tmp_path / ".hidden").write_text("no file that was asked for")
    done = call("--root", root, "predict", tmp_path, "--format", "csv")
    assert done.exit_code == 1, done.output
    answers = pl.read_csv(done.stdout.encode())
    assert len(answers) == answers["name"].n_unique() == 990 and answers["value"].null_count() == 0
    reasons = done.stderr.splitlines()
    assert len(reasons) == len(wrong) == 10
    assert {path for path in wrong if sum(str(path) in reason for reason in reasons) == 1} == wrong


def test_one_crystal_has_one_answer_however_it_is_asked_for(root, tmp_path):
    crystal = rock_salt(*PAIRS[0], 4.2)
    structure = crystal.to_pymatgen()
    (tmp_path / "one.cif").write_text(cif(crystal))
    for name in ("POSCAR", "CONTCAR.relaxed", "salt.vasp", "salt.poscar"):
        structure.to(tmp_path / name, fmt="poscar")
    asked = [tmp_path, "mp:mp-0", "mp-0"]
    done = call("--root", root, "predict", *asked, "--format", "json")
    assert done.exit_code == 0 and not done.stderr, done.output
    rows = json.loads(done.stdout)
    assert [Path(row["name"]).name for row in rows[-3:]] == ["salt.vasp", "mp:mp-0", "mp-0"] and len(rows) == 7
    assert max(row["value"] for row in rows) == pytest.approx(min(row["value"] for row in rows), rel=1e-3)
    assert {(row["unit"], row["label"]) for row in rows} == {("eV", "Band gap (computed, DFT); PBE or PBE+U")}


def test_far_and_foreign_crystals_are_answered_with_a_note_and_no_interval(root, tmp_path):
    for name, crystal in {"far": rock_salt(3, 9, 14.0), "gold": rock_salt(79, 17, 5.5)}.items():
        (tmp_path / f"{name}.cif").write_text(cif(crystal))
    done = call("--root", root, "predict", tmp_path, "--format", "json")
    far, gold = json.loads(done.stdout)
    assert done.exit_code == 0 and far["far"] and gold["far"] and far["low"] is gold["high"] is gold["value"] is None
    assert "far from everything trained on" in far["note"] and "had no Au" in gold["note"]
    table = call("--root", root, "predict", tmp_path).stdout
    assert len(table.splitlines()) == 3 and table.splitlines()[0].split()[:5] == [
        "name",
        "property",
        "value",
        "low",
        "high",
    ]


@pytest.mark.parametrize(
    ("asked", "says"),
    [("mp:mp-777777", "no such file, and no entry"), ("ocp:slab", "ordered bulk crystals"), (".", "without files")],
)
def test_what_holds_no_crystal_is_one_line_and_no_answer(root, tmp_path, monkeypatch, asked, says):
    monkeypatch.chdir(tmp_path)
    done = call("--root", root, "predict", asked, "--format", "json")
    assert done.exit_code == 1 and says in done.stderr and len(done.stderr.splitlines()) == 1
    assert json.loads(done.stdout) == []


def test_without_models_or_without_a_path_the_status_is_two(root, tmp_path):
    (tmp_path / "bronze").mkdir()
    untrained = call("--root", Lake(tmp_path).root, "predict", root)
    assert untrained.exit_code == 2 and "train first" in untrained.stderr and not untrained.stdout
    nowhere = call("--root", tmp_path / "nowhere", "predict", root)
    assert nowhere.exit_code == 2 and "no lake at" in nowhere.stderr
    assert call("--root", root, "predict").exit_code == 2
    assert "Exit status" in call("predict", "--help").stdout


def test_large_batches_are_cut_and_nothing_is_lost(root, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.predictions.ATOMS", 7)
    for at in range(8):
        (tmp_path / f"{at}.cif").write_text(cif(rock_salt(*PAIRS[at], 4.8)))
    done = call("--root", root, "predict", tmp_path, "--format", "csv")
    lines = done.stdout.splitlines()
    assert len(lines) == 9 and [Path(line.split(",")[0]).stem for line in lines[1:]] == list("01234567")
