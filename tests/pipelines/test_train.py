"""`train --sharing` and `multitask`: any way of sharing, errors beside the floor, unknown names listed."""

import json
import shutil

import pytest
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

import models
from lake.store import Lake
from lake.tables import MULTITASK
from models.multitask.plan import Budget
from pipelines.cli import app
from tests.models.conftest import salts  # noqa: F401


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def root(salts, tmp_path_factory):  # noqa: F811
    root = shutil.copytree(salts.root, tmp_path_factory.mktemp("train") / "lake")
    (root / "SAMPLE").touch()
    (root / "bronze").mkdir(exist_ok=True)
    return root


def test_a_way_of_sharing_is_trained_and_its_errors_stand_beside_the_mean_predictors(root):
    words = ("--sharing", "hard", "--tasks", "band_gap, bulk_modulus", "--epochs", 1, "--seed", 3, "--format", "json")
    done = call("--root", root, "--quiet", "train", *words)
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [row["property"] for row in rows] == ["band_gap", "bulk_modulus"]
    assert all(row["mae_test"] > 0 and row["mae_mean_predictor"] > 0 for row in rows)
    (path,) = (root / "models" / "checkpoints").glob("joint-2tasks-s3-*.safetensors")
    assert str(path) in done.stderr
    books = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    experiment = books.get_experiment_by_name("joint").experiment_id
    (run,) = books.search_runs([experiment])
    assert run.data.params["seed"] == "3" and "mae_test.band_gap" in run.data.metrics
    (again, *_) = models.train(Lake(root), "hard", ["bulk_modulus", "band_gap"], processes=1, epochs=1, seed=3)
    assert again.checkpoint.name == path.name and again.scores["band_gap"]["mae_test"] == rows[0]["mae_test"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sharing", "soft", "--tasks", "band_gap"), "adashare"),
        (("--sharing", "hard", "--tasks", "band_gap", "--balance", "fair"), "equal"),
        (("--sharing", "hard", "--tasks", "band_gap", "--encoder", "mlp"), "cgcnn"),
        (("--sharing", "single", "--tasks", "band_gap,bulk_modulus"), "hard"),
        (("--sharing", "hard"), "at least one task"),
        (("--sharing", "hard", "--tasks", "band_gap,shear_modulus"), "shear_modulus"),
    ],
)
def test_what_cannot_be_trained_is_one_clear_line_with_the_names_there_are(root, words, says):
    done = call("--root", root, "train", *words)
    assert done.exit_code == 1 and says in done.stderr and "Traceback" not in done.output


def test_tasks_without_a_way_of_sharing_are_refused(root):
    done = call("--root", root, "train", "--tasks", "band_gap")
    assert done.exit_code == 2 and "--sharing" in done.stderr


def test_the_study_says_what_is_left_and_prints_gains(root, monkeypatch):
    small = {"sample": Budget({"width": 8, "gnn_layers": 1, "steps": 2}, 32, 64, (0, 1), (1e-2,), ())}
    for module in ("plan", "ground"):
        monkeypatch.setattr(f"models.multitask.{module}.BUDGETS", small)
    words = ("--root", root, "--quiet", "multitask", "--method", "hard", "--processes", 1, "--format", "json")
    before = json.loads(call(*words, "--dry-run").stdout)
    assert [(row["method"], row["left"]) for row in before] == [("single", 4), ("hard", 2), ("all", 6)]
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert {(row["method"], row["property"]) for row in json.loads(done.stdout)} == {
        ("hard", name) for name in ("band_gap", "bulk_modulus", "all")
    }
    assert all(row["left"] == 0 for row in json.loads(call(*words, "--dry-run").stdout))
    assert len(Lake(root).read(MULTITASK)) == 8
    wrong = call("--root", root, "multitask", "--method", "harder")
    assert wrong.exit_code == 1 and "harder" in wrong.stderr and "hard" in wrong.stderr
