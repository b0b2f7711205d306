"""Training learns, repeats itself, sees only what it may see, and comes back from its file."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from benchmarks import resume
from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.batch import Batch
from models.checkpoint import CheckpointError, read
from models.dataset import TaskError, training_rows
from models.evaluate import score
from models.fit import fit
from models.losses import masked_loss
from models.network import network, outputs
from models.recipe import ORIGINAL, Recipe, RecipeError
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


def test_under_the_criterion_last_validation_labels_change_no_weight(
    salts: Lake, recipe: Recipe, tmp_path: Path
) -> None:
    """Under `joint` they do: the second half of them is made so wrong that the best epoch is another."""
    rows, store = training_rows(salts, recipe.tasks), GraphStore(salts)
    wrong = rows.targets.copy()
    wrong[rows.of("validation")] = rows.targets[rows.of("train")].max() * 10

    def weights(criterion: str, targets: np.ndarray, folder: str) -> dict[str, torch.Tensor]:
        told = fit(replace(recipe, criterion=criterion), replace(rows, targets=targets), store, tmp_path / folder)
        return read(told.checkpoint).weights()

    last, again = weights("last", rows.targets, "a"), weights("last", wrong, "b")
    assert all(torch.equal(last[name], again[name]) for name in last)
    joint, other = weights("joint", rows.targets, "c"), weights("joint", wrong, "d")
    assert not all(torch.equal(joint[name], other[name]) for name in joint)
    with pytest.raises(RecipeError, match=r"last.*patience"):
        replace(recipe, criterion="last", schedule="steps", patience=3)


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


class Interrupted(Exception):
    """What a run meets that is stopped."""


@dataclass
class Stopping:
    """Graphs that stop whoever reads them after so many batches."""

    store: GraphStore
    batches: int

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    def batch(self, rows: np.ndarray) -> object:
        self.batches -= 1
        if self.batches < 0:
            raise Interrupted
        return self.store.batch(rows)


def weights(run) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in load_file(run.checkpoint).items()}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tasks": ("band_gap", "bulk_modulus"), "sharing": "hard", "loss": "laplace"},
        {"optimiser": "sgd", "schedule": "steps", "patience": 2},
    ],
)
def test_a_run_that_is_stopped_anywhere_goes_on_as_if_it_had_not_been(
    salts: Lake, recipe: Recipe, tmp_path: Path, fields: dict
) -> None:
    recipe = replace(recipe, steps=24, **fields)
    rows, store = training_rows(salts, recipe.tasks), GraphStore(salts)
    whole = fit(recipe, rows, store, tmp_path / "whole")
    lives = 0
    for batches in itertools.cycle((1, 4, 7, 2, 9)):  # an epoch reads four to learn, and one to validate
        lives += 1
        try:
            run = fit(recipe, rows, Stopping(store, batches), tmp_path / "stopped", every=0)
            break
        except Interrupted:
            assert [file.suffix for file in (tmp_path / "stopped").iterdir()] == [".state"]
    assert lives > 3
    assert (run.history, run.scores) == (whole.history, whole.scores)
    assert weights(run) == weights(whole)
    assert [file.suffix for file in (tmp_path / "stopped").iterdir()] == [".safetensors"]


def test_a_state_of_other_rows_or_of_half_a_file_is_not_used(run, salts: Lake, recipe: Recipe, tmp_path: Path) -> None:
    rows, store = training_rows(salts, recipe.tasks), GraphStore(salts)
    other = replace(rows, targets=rows.targets + 1)
    with pytest.raises(Interrupted):
        fit(recipe, other, Stopping(store, 20), tmp_path, every=0)
    state = tmp_path / f"{recipe.slug}.state"
    told = state.read_bytes()
    assert weights(fit(recipe, rows, store, tmp_path)) == weights(run)
    state.write_bytes(told[: len(told) // 2])
    assert weights(fit(recipe, rows, store, tmp_path)) == weights(run)
    assert not state.exists()


def test_a_run_that_is_killed_goes_on_as_if_it_had_not_been() -> None:
    recipe = Recipe(("band_gap",), **SMALL | {"steps": 80})
    told = resume.killed(resume.salts(), recipe, 2, resume.when_kept, every=0.02)
    assert None not in [kill.epochs for kill in told.kills]
    assert told.differing == []


def test_patience_ends_training_and_says_what_it_cannot_do(salts: Lake, recipe: Recipe, tmp_path: Path) -> None:
    rows, store = training_rows(salts, recipe.tasks), GraphStore(salts)
    patient = replace(recipe, steps=None, epochs=200, schedule="steps", patience=3)
    history = fit(patient, rows, store, tmp_path).history
    losses = [epoch["loss_validation"] for epoch in history]
    assert len(losses) < 200
    assert losses.index(min(losses)) == len(losses) - 4
    with pytest.raises(RecipeError, match=r"onecycle.*steps"):
        replace(recipe, patience=3)
    with pytest.raises(RecipeError, match="patience needs validation rows"):
        fit(patient, rows.without("validation"), store, tmp_path)


def test_the_published_recipe_learns(salts: Lake, tmp_path: Path) -> None:
    small = {**ORIGINAL, "width": 12, "gnn_layers": 1, "batch_size": 16}
    rows = training_rows(salts, ["band_gap"])
    run = fit(Recipe(("band_gap",), **small), rows, GraphStore(salts), tmp_path)
    scores = run.scores["band_gap"]
    assert {epoch["learning_rate"] for epoch in run.history} == {0.01}
    assert scores["mae_test"] < scores["mae_mean_predictor"]


def test_whoever_looks_on_may_end_training(salts: Lake, recipe: Recipe, tmp_path: Path) -> None:
    rows, store = training_rows(salts, recipe.tasks), GraphStore(salts)
    asked = []
    run = fit(recipe, rows, store, tmp_path, after_epoch=lambda epoch, loss: bool(asked.append(loss)) or epoch == 4)
    assert [epoch["loss_validation"] for epoch in run.history] == asked
    assert len(asked) == 4


def test_in_half_precision_a_network_says_nearly_the_same_and_learns(salts: Lake) -> None:
    """On a CPU, where the products are the same as those of a GPU."""
    net, store = network(Recipe(("band_gap",), width=12, gnn_layers=2)), GraphStore(salts)
    batch = Batch.of(store.batch(np.arange(32)))
    with torch.autocast("cpu", torch.bfloat16):
        told = net(batch).float()
    torch.testing.assert_close(told, net(batch), atol=0.1, rtol=0)
    masked_loss(told, torch.ones(32, 1)).backward()
    assert all(weight.grad.isfinite().all() and weight.dtype == torch.float32 for weight in net.parameters())


def test_without_validation_rows_the_last_state_stays(salts: Lake, recipe: Recipe, tmp_path: Path) -> None:
    rows = training_rows(salts, recipe.tasks)
    moved = rows.frame.with_columns(pl.col("split").replace("validation", "test"))
    run = fit(recipe, replace(rows, frame=moved), GraphStore(salts), tmp_path)
    assert run.scores["band_gap"]["mae_validation"] is None
    assert run.scores["band_gap"]["n_test"] == 32


@pytest.mark.parametrize(("field", "value"), [("optimiser", "magic"), ("schedule", "magic"), ("loss", "magic")])
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
