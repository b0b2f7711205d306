"""A study trains what the lake can teach, once; its models answer; its gains are paired by seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from lake.crystal import Crystal, CrystalError
from lake.store import Lake
from lake.tables import RUNS
from models import study
from models.dataset import TaskError, training_rows
from models.licences import learnt_from
from models.predicting import CannotPredict, predict_crystals, predict_entries
from models.recipe import Recipe
from models.run import runs_frame
from models.study import baseline_plan, joint_recipes, run_study, single_recipes
from models.transfer import UnpairedRuns, gains, summary
from tests.models._made import rock_salt

SIZE = {"width": 8, "gnn_layers": 1, "steps": 30, "batch_size": 16, "learning_rate": 1e-2}
TASKS = ("band_gap", "bulk_modulus")


@pytest.fixture(scope="module")
def recipes() -> list[Recipe]:
    singles = [recipe for task in TASKS for recipe in single_recipes(task, (0, 1), **SIZE)]
    return [*joint_recipes(TASKS, (0, 1), **SIZE), *singles]


@pytest.fixture(scope="module")
def runs(salts: Lake, recipes: list[Recipe]) -> pl.DataFrame:
    frame = runs_frame(run_study(salts, recipes, processes=2))
    salts.replace(RUNS, frame)
    return frame


def test_a_real_budget_walks_a_small_property_so_many_epochs_and_no_more(salts):
    for recipe in baseline_plan(salts, "real", seeds=(0,)).recipes:
        assert recipe.criterion == "last"
        small = recipe.sharing == "single"  # the made lake's properties have some dozens of labels
        assert (recipe.steps, recipe.epochs) == ((None, 100) if small else (4000, 100))


def test_every_run_and_property_has_a_row_and_a_checkpoint(salts: Lake, runs: pl.DataFrame) -> None:
    assert runs.group_by("study").len().sort("study")["len"].to_list() == [4, 4]
    assert all((salts.root / "models" / path).is_file() for path in runs["checkpoint"])


def test_a_finished_recipe_is_not_trained_again(
    salts: Lake, recipes: list[Recipe], runs: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "train_one", lambda *_: pytest.fail("trained again"))
    assert runs_frame(run_study(salts, recipes, processes=1)).equals(runs)


def test_half_a_checkpoint_and_other_rows_are_trained_again(
    salts: Lake, recipes: list[Recipe], runs: pl.DataFrame
) -> None:
    rows = training_rows(salts, recipes[0].tasks)
    told = learnt_from(salts, rows)
    assert study.finished(salts, recipes[0], rows, told) is not None
    assert study.finished(salts, recipes[0], replace(rows, targets=rows.targets + 1), told) is None
    assert study.finished(salts, recipes[0], rows, ("private",)) is None
    path = study.folder(salts) / f"{recipes[0].slug}.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert study.finished(salts, recipes[0], rows, told) is None
    path.write_bytes(whole)


def test_a_plan_leaves_out_what_the_lake_cannot_teach(salts: Lake) -> None:
    plan = baseline_plan(salts, "sample", seeds=(0,))
    assert {recipe.tasks for recipe in plan.recipes} == {TASKS, ("band_gap",), ("bulk_modulus",)}
    assert set(plan.left_out) == {"static_dielectric_constant", "magnetization_per_atom", "thermal_conductivity_agl"}


def test_a_study_with_a_task_without_labels_fails_before_training(salts: Lake, recipes: list[Recipe]) -> None:
    with pytest.raises(TaskError, match="shear_modulus"):
        run_study(salts, [*recipes, *single_recipes("shear_modulus")], processes=1)


def test_predictions_are_the_mean_over_seeds_of_every_entry(salts: Lake, runs: pl.DataFrame) -> None:
    said = predict_entries(salts, runs, processes=1)[0]
    assert len(said) == 96 * 4
    labelled = said.filter(pl.col("split") == "test", pl.col("study") == "single", pl.col("property") == "band_gap")
    error = (labelled["value"] - labelled["label"]).abs().mean()
    errors = runs.filter(pl.col("study") == "single", pl.col("property") == "band_gap")["mae_test"]
    assert error <= errors.mean() + 1e-6
    assert (said["spread"] > 0).all()


def test_a_crystal_from_anywhere_is_answered_as_the_same_entry(salts: Lake, runs: pl.DataFrame) -> None:
    answer = predict_crystals(salts, {"mine": rock_salt(3, 9, 4.2)})
    assert answer["property"].to_list() == list(TASKS)
    wanted = predict_entries(salts, runs, processes=1)[0].filter(
        pl.col("entry_id") == "mp:0", pl.col("study") == "single"
    )
    np.testing.assert_allclose(answer.sort("property")["value"], wanted.sort("property")["value"], rtol=1e-5)
    assert predict_crystals(salts.root / "models" / "checkpoints", {"mine": rock_salt(3, 9, 4.2)}).equals(answer)


def test_what_cannot_be_predicted_is_named(salts: Lake, runs: pl.DataFrame) -> None:
    two = predict_crystals(salts, {"gold": rock_salt(79, 17, 5.5), "mine": rock_salt(3, 9, 4.2)})
    alone = predict_crystals(salts, {"a": rock_salt(3, 9, 4.2)})
    np.testing.assert_allclose(two.filter(name="mine")["value"], alone["value"], rtol=1e-5)
    gold = two.filter(name="gold")
    assert gold["value"].is_null().all() and gold["note"].str.contains("had no Au").all() and len(gold)
    with pytest.raises(CannotPredict, match="shear_modulus"):
        predict_crystals(salts, {"mine": rock_salt(3, 9, 4.2)}, ["shear_modulus"])
    with pytest.raises(CrystalError, match="nothing"):
        predict_crystals(salts, {"nothing": Crystal(np.eye(3), [], [])})


def test_gains_are_paired_by_seed(runs: pl.DataFrame) -> None:
    transfer = gains(runs)
    assert transfer.select("property", "seed").rows() == [(task, seed) for task in TASKS for seed in (0, 1)]
    assert transfer["partners"].to_list() == [["bulk_modulus"]] * 2 + [["band_gap"]] * 2
    by_hand = 1 - transfer["mae_joint"] / transfer["mae_single"]
    np.testing.assert_allclose(transfer["gain"], by_hand, atol=1e-12)
    with pytest.raises(UnpairedRuns):
        gains(pl.concat([runs, runs.with_columns(run=pl.col("run") + "b")]))


def test_the_interval_is_students(runs: pl.DataFrame) -> None:
    three = (
        gains(runs)
        .head(1)
        .drop("gain", "seed")
        .join(pl.DataFrame({"gain": [0.1, 0.2, 0.3], "seed": [0, 1, 2]}), how="cross")
    )
    row = summary(three).row(0, named=True)
    assert row["gain"] == pytest.approx(0.2)
    assert row["high"] - row["gain"] == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-5)
    assert summary(three.head(1))["low"].to_list() == [None]
