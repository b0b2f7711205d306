"""Ways of sharing against training alone: equal budgets, one look at test, gains by seed, gone on from the books."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lake.store import Lake
from lake.tables import LEARNT_STRUCTURE, MULTITASK, RUNS
from models.dataset import TaskError, limited, training_rows
from models.multitask import full
from models.multitask.books import Books
from models.multitask.full import How, left, train
from models.multitask.gains import ALL, gains, low_data, worst
from models.multitask.ground import Ground
from models.multitask.plan import BUDGETS, LOW, TASKS, TUNED, Budget, methods
from models.multitask.study import Study
from models.multitask.table import write_multitask
from models.recipe import Recipe, RecipeError
from models.results import without_seed
from models.run import Run
from models.sampling import row_shares
from models.sharing.hard import Hard
from models.sharing.structure import Structure
from models.stages import stages

SIZE = {"width": 8, "gnn_layers": 1, "steps": 8, "loss": "huber"}


@pytest.fixture(scope="module", autouse=True)
def small():
    """A budget of seconds, and hard sharing that tells a structure."""
    patch = pytest.MonkeyPatch()
    patch.setattr("models.multitask.plan.BUDGETS", {"test": Budget(SIZE, 16, 32, (0, 1), (5e-3, 1e-2), (10,))})
    patch.setattr("models.multitask.ground.BUDGETS", {"test": Budget(SIZE, 16, 32, (0, 1), (5e-3, 1e-2), (10,))})
    told = Structure(
        "gates", "a made one", ("band_gap", "bulk_modulus"), ("a", "b"), np.array([[1.0, 0.5], [0, np.nan]])
    )
    patch.setattr(Hard, "structures", lambda self: [told])
    yield
    patch.undo()


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    return Books.within(tmp_path_factory.mktemp("books"))


@pytest.fixture(scope="module")
def ground(salts: Lake) -> Ground:
    return Ground(salts.root, "test")


@pytest.fixture(scope="module")
def told(ground: Ground, books: Books) -> list[Run]:
    """The runs of single and hard that the books were told of."""
    heard: list[Run] = []
    assert write_multitask(ground, ["hard"], How(1, tell=lambda run, graphs: heard.append(run)), books)
    return heard


def test_the_real_study_has_eight_tasks_five_seeds_and_four_counts() -> None:
    real = BUDGETS["real"]
    assert len(set(TASKS)) >= 8 and len(real.seeds) >= 5 and real.counts == (50, 100, 300, 1000)
    assert LOW in TASKS and TUNED not in real.seeds and {"single", "hard"} <= set(methods())


def test_all_methods_take_the_same_steps_and_each_task_is_in_nearly_every_one(ground: Ground, books: Books) -> None:
    study = Study(ground, books, ["hard"])
    recipes = [trial.recipe for wave in study.waves() for trial in wave]
    assert {recipe.steps for recipe in recipes} == {SIZE["steps"]}
    (batch,) = {recipe.batch_size for recipe in recipes if recipe.sharing == "single"}
    joint = next(recipe for recipe in recipes if recipe.sharing == "hard")
    rows = ground.rows(joint.tasks)
    targets = rows.targets[rows.of("train")]
    drawn = joint.batch_size * (np.isfinite(targets) * row_shares(targets, joint.temperature)[:, None]).sum(axis=0)
    assert (drawn > 0.9 * batch).all()


def test_rows_and_recipes_tell_tasks_in_one_order(tmp_path: Path, monkeypatch) -> None:
    whole = Ground(tmp_path, "test")
    monkeypatch.setitem(whole.__dict__, "left_out", {})
    assert whole.tasks == Recipe(TASKS, sharing="hard").tasks and set(whole.tasks) == set(TASKS)


def test_every_task_and_seed_has_a_row_with_its_gain_over_the_run_alone(told, salts: Lake) -> None:
    rows = salts.read(MULTITASK).filter(pl.col("labels") == 0)
    assert len(rows) == 2 * 2 * 2 and set(rows["method"]) == {"single", "hard"}
    alone = {key: mae for *key, mae in rows.filter(method="single").select("property", "seed", "mae_test").iter_rows()
             for key in [tuple(key)]}  # fmt: skip
    for line in rows.filter(method="hard").iter_rows(named=True):
        wanted = math.log(alone[line["property"], line["seed"]] / line["mae_test"])
        assert line["gain"] == pytest.approx(wanted) and len(line["partners"]) == 1
    assert rows.filter(method="single")["gain"].is_null().all()


def test_nobody_looks_at_test_rows_but_the_chosen_runs_of_the_seeds_compared(told, books: Books) -> None:
    lines = books.runs.rows()
    assert lines.filter(seed=TUNED)["mae_test"].is_null().all() and lines.filter(seed=TUNED)["n_test"].sum() == 0
    assert lines.filter(pl.col("seed") != TUNED)["mae_test"].null_count() == 0


def test_rates_are_chosen_on_validation_for_each_method_and_single_task(told, ground: Ground, books: Books) -> None:
    study = Study(ground, books, ["hard"])
    tuned = books.runs.rows().filter(seed=TUNED, method="single", property="band_gap").sort("mae_validation")
    assert study.chosen("single", "band_gap") == Recipe.from_json(tuned["fields"][0]).learning_rate
    assert len(tuned) == 2


def test_what_is_in_the_books_is_not_trained_again_even_without_a_checkpoint(
    told, ground: Ground, books: Books, salts: Lake, monkeypatch, tmp_path: Path
) -> None:
    rows = salts.read(MULTITASK).sort(MULTITASK.key)
    monkeypatch.setattr(full, "train_trial", lambda *_: pytest.fail("trained again"))
    ground.folder().rename(tmp_path / "away")
    assert write_multitask(ground.bare(), ["hard"], How(1), books)
    assert salts.read(MULTITASK).sort(MULTITASK.key).equals(rows)
    (tmp_path / "away").rename(ground.folder())


def test_hours_that_are_over_begin_nothing_and_the_forecast_says_what_is_left(ground, tmp_path: Path) -> None:
    books = Books.within(tmp_path)
    assert not train(ground, books, How(1, hours=0.0), ["hard"]) and not len(books.runs.rows())
    said = left(Study(ground, books, ["hard"]), 2)
    assert said["method"].to_list() == ["single", "hard", "all"] and said["done"].sum() == 0
    assert said.filter(method="all")["left"][0] == said["left"][0] + said["left"][1] > 0


def test_few_labels_of_one_task_leave_the_others_whole(ground: Ground, salts: Lake) -> None:
    rows, few = ground.rows(ground.tasks), ground.rows(ground.tasks, 10)
    at = rows.tasks.index(LOW)
    assert few.labels("train")[at] == 10 and few.labels("validation")[at] == 2
    assert (np.delete(few.labels("train"), at) == np.delete(rows.labels("train"), at)).all()
    assert (few.labels("test") == rows.labels("test")).all()
    alone, fewer = ground.rows((LOW,), 10), limited(training_rows(salts, (LOW,)), {"train": 5}, [LOW])
    named = lambda told: set(told.frame["entry_id"][told.of("train")])  # noqa: E731
    known = np.isfinite(few.targets[few.of("train")][:, at])
    assert named(alone) == set(few.frame["entry_id"][few.of("train")].filter(pl.Series(known))) > named(fewer)


def test_the_low_data_curve_ends_with_all_labels(told, salts: Lake) -> None:
    curve = low_data(salts)
    assert set(curve["method"]) == {"hard"} and curve["labels"].to_list()[0] == 10 and len(curve) == 2
    assert curve["low"].null_count() == 0


def test_gains_have_intervals_a_mean_and_a_worst_task(told, salts: Lake) -> None:
    found = gains(salts)
    assert found["property"].to_list() == ["band_gap", "bulk_modulus", ALL] and set(found["seeds"]) == {2}
    assert found["gain"][2] == pytest.approx(found["gain"][:2].mean())
    assert worst(found)["gain"].to_list() == [found["gain"][:2].min()]


def test_what_was_learnt_about_tasks_is_a_table_of_chosen_networks(told, salts: Lake) -> None:
    rows = salts.read(LEARNT_STRUCTURE).filter(method="hard")
    assert len(rows) == 4 * 2 and rows["value"].null_count() == 2
    assert rows.filter(seed=0, row_at=0)["value"].to_list() == [1.0, 0.5]


def test_runs_of_the_lakes_own_studies_stay_as_they_are(told, salts: Lake) -> None:
    assert "8tasks" not in " ".join(salts.read(RUNS)["run"]) and not any(
        "-s100-" in run for run in salts.read(RUNS)["run"]
    )


def test_unknown_methods_and_lakes_without_two_tasks_are_named(ground: Ground, books: Books, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"single, hard.*found harder"):
        write_multitask(ground, ["harder"], How(1), books)


def test_seeds_of_a_recipe_that_began_with_others_fall_together() -> None:
    joint = [Recipe(("band_gap", "bulk_modulus"), sharing="adashare", seed=seed) for seed in (0, 1)]
    drawn = [stages(recipe)[-1][at].to_json() for at, recipe in enumerate(joint)]
    assert drawn[0] != drawn[1] and len(set(map(without_seed, drawn))) == 1
    other = replace(Recipe.from_json(drawn[0]), learning_rate=1e-4).to_json()
    assert without_seed(other) != without_seed(drawn[0])
    assert without_seed(joint[0].to_json()) != without_seed(drawn[0])


def test_a_lake_with_one_task_has_nothing_to_share(tmp_path: Path, monkeypatch) -> None:
    alone = Ground(tmp_path, "test")
    monkeypatch.setitem(alone.__dict__, "left_out", dict.fromkeys(TASKS[1:], "no label"))
    with pytest.raises(TaskError, match="two tasks"):
        alone.tasks  # noqa: B018
