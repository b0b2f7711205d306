"""`crystal-lake transfer`: one command from a table and a folder of crystal files to the map; faults are told."""

import numpy as np
import pytest
from typer.testing import CliRunner

from models.transfer_map.networks.size import Size
from models.transfer_map.plan import Budget
from pipelines.cli import app
from tests.models._made import PAIRS, rock_salt

TINY = Budget(Size(width=4, layers=1, steps=2, batch=8), seeds=2, more=2, claims=0, knowing=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    rows = ["file,length,noise"]
    for at, (cation, anion) in enumerate(PAIRS):
        length = 4.2 + at / 20
        rock_salt(cation, anion, length).to_pymatgen().to(str(folder / f"{at}.vasp"), fmt="poscar")
        rows.append(f"{at}.vasp,{length},{np.sin(at * at):.3f}")
    (folder / "torn.cif").write_text("data_torn\n")
    rows += ["torn.cif,1,2", "lost.cif,1,2"]
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


def call(root, folder, *words):
    asked = ("--labels", folder / "labels.csv", "--structures", folder, "--processes", 1, *words)
    return CliRunner().invoke(app, ["--quiet", "--root", str(root), "transfer", *map(str, asked)])


def test_a_dry_run_says_how_long_and_a_run_prints_the_map_and_names_bad_files(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.maps.OWN", TINY)
    dry = call(tmp_path / "lake", folder, "--dry-run", "--format", "csv")
    assert "claims on fresh seeds" in dry.stdout and dry.stdout.splitlines()[-1].startswith("all,0,")
    done = call(tmp_path / "lake", folder, "--format", "csv")
    assert done.exit_code == 1 and "torn.cif holds no crystal" in done.stderr and "lost.cif" in done.stderr
    assert {line.split(",")[0] for line in done.stdout.splitlines()} == {"target", "length", "noise"}


def test_a_table_without_its_folder_is_refused(folder, tmp_path):
    asked = ["--root", str(tmp_path), "transfer", "--labels", str(folder / "labels.csv")]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 2 and "--structures" in done.stderr
