"""Training learns, repeats itself, sees only what it may see, and comes back from its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.checkpoint import CheckpointError, read
from models.dataset import TaskError, training_rows
from models.evaluate import score
from models.fit import fit
from models.network import network, outputs
from models.recipe import Recipe, RecipeError
from models.scale import Scaler

SMALL = {"width": 12, "gnn_layers": 1, "steps": 60, "batch_size": 16, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe(("band_gap",), **SMALL)


@pytest.fixture(scope="module")
def run(salts: Lake, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory):
    rows = training_rows(salts, recipe.tasks)
    return fit(recipe, rows, GraphStore(salts), tmp_path_factory.mktemp("run"))


def test_training_beats_the_mean_predictor_on_an_easy_task(run) -> None:
    scores = run.scores["band_gap"]
    assert scores["mae_test"] < 0.5 * scores["mae_mean_predictor"]
    assert (scores["n_train"], scores["n_validation"], scores["n_test"]) == (64, 16, 16)


def test_the_best_validation_state_is_kept(run, salts: Lake) -> None:
    best = min(epoch["loss_validation"] for epoch in run.history)
    deviation = read(run.checkpoint).scaler.deviation[0]
    assert run.scores["band_gap"]["mae_validation"] == pytest.approx(best * deviation, rel=1e-4)


def test_steps_set_the_epochs(run) -> None:
    assert len(run.history) == 15  # 60 steps of four batches


def test_the_same_seed_is_the_same_run_and_another_is_not(run, salts: Lake, recipe: Recipe, tmp_path: Path) -> None:
    rows, store = training_rows(salts, recipe.tasks), GraphStore(salts)
    torch.manual_seed(123)  # what happened before cannot matter
    again = fit(recipe, rows, store, tmp_path)
    assert again.history == run.history
    assert again.scores == run.scores
    assert fit(replace(recipe, seed=1), rows, store, tmp_path).scores != run.scores


def test_a_run_comes_back_from_its_file_with_equal_answers(run, salts: Lake, recipe: Recipe) -> None:
    found, store = read(run.checkpoint), GraphStore(salts)
    assert (found.recipe, found.run) == (recipe, run)
    rows = training_rows(salts, recipe.tasks)
    test = rows.of("test")
    at = store.rows(rows.frame["structure_hash"])[test]
    error = np.abs(found.scaler.inverse(outputs(found.network(), store, at)[..., 0]) - rows.targets[test]).mean()
    assert error == pytest.approx(run.scores["band_gap"]["mae_test"], abs=1e-6)


def test_a_run_without_a_look_at_the_test_set_is_the_same_and_scored_later(
    run, salts: Lake, recipe: Recipe, tmp_path: Path
) -> None:
    rows, store = training_rows(salts, recipe.tasks), GraphStore(salts)
    blind = fit(recipe, rows.without("test"), store, tmp_path)
    scores = blind.scores["band_gap"]
    assert (scores["n_test"], scores["mae_test"], scores["mae_mean_predictor"]) == (0, None, None)
    assert blind.history == run.history
    assert load_file(blind.checkpoint).keys() == load_file(run.checkpoint).keys()
    assert all(torch.equal(load_file(blind.checkpoint)[n], t) for n, t in load_file(run.checkpoint).items())
    for split in ("validation", "test"):
        assert score(read(blind.checkpoint), rows, store, split) == {"band_gap": run.scores["band_gap"][f"mae_{split}"]}
    with pytest.raises(RecipeError, match="bulk_modulus"):
        score(read(blind.checkpoint), training_rows(salts, ["bulk_modulus"]), store, "test")


def test_hard_sharing_of_one_task_is_single_task_training(run, salts: Lake, recipe: Recipe, tmp_path: Path) -> None:
    rows = training_rows(salts, recipe.tasks)
    assert fit(replace(recipe, sharing="hard"), rows, GraphStore(salts), tmp_path).scores == run.scores


def test_a_task_added_leaves_the_first_weights_of_the_others_alone() -> None:
    one = network(Recipe(("bulk_modulus",), **SMALL)).state_dict()
    two = network(Recipe(("band_gap", "bulk_modulus"), sharing="hard", **SMALL)).state_dict()
    assert all(torch.equal(two[name], tensor) for name, tensor in one.items())


def test_the_scaler_sees_training_rows_only(run, salts: Lake, recipe: Recipe, tmp_path: Path) -> None:
    rows = training_rows(salts, recipe.tasks)
    shifted = rows.targets.copy()
    shifted[rows.of("test")] += 1000.0
    other = fit(recipe, replace(rows, targets=shifted), GraphStore(salts), tmp_path)
    assert read(other.checkpoint).scaler == read(run.checkpoint).scaler
    assert read(run.checkpoint).scaler == Scaler.fit(rows.tasks, rows.targets[rows.of("train")])


def test_without_validation_rows_the_last_state_stays(salts: Lake, recipe: Recipe, tmp_path: Path) -> None:
    rows = training_rows(salts, recipe.tasks)
    moved = rows.frame.with_columns(pl.col("split").replace("validation", "test"))
    run = fit(recipe, replace(rows, frame=moved), GraphStore(salts), tmp_path)
    assert run.scores["band_gap"]["mae_validation"] is None
    assert run.scores["band_gap"]["n_test"] == 32


@pytest.mark.parametrize(("field", "value"), [("optimiser", "magic"), ("loss", "magic")])
def test_an_unknown_name_is_refused_before_training(
    salts: Lake, recipe: Recipe, tmp_path: Path, field: str, value: str
) -> None:
    with pytest.raises(RecipeError, match=f"{field}.*magic"):
        fit(replace(recipe, **{field: value}), training_rows(salts, recipe.tasks), GraphStore(salts), tmp_path)
    for field in ("encoder", "sharing"):
        with pytest.raises(KeyError, match="magic"):
            network(replace(recipe, **{field: "magic"}))


def test_a_task_without_labels_or_other_tasks_are_refused(salts: Lake, recipe: Recipe, tmp_path: Path) -> None:
    store = GraphStore(salts)
    with pytest.raises(TaskError, match="shear_modulus"):
        fit(Recipe(("shear_modulus",)), training_rows(salts, ["shear_modulus"]), store, tmp_path)
    with pytest.raises(RecipeError, match="tasks"):
        fit(recipe, training_rows(salts, ["bulk_modulus"]), store, tmp_path)


def test_a_file_that_is_no_checkpoint_is_named(run, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(run.checkpoint.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="broken"):
        read(broken)
    with pytest.raises(CheckpointError, match="not there"):
        read(tmp_path / "not there")
    with pytest.raises(CheckpointError, match="other-graphs"):
        read(run.checkpoint, graphs="other-graphs")
