"""Tasks that cannot be learnt are refused before the first batch, and those that are merely odd are learnt."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lake.graphs.shards import GraphStore
from lake.properties import UnknownProperty
from lake.store import Lake
from models.balance import BALANCES
from models.dataset import TaskError, TrainingRows, training_rows
from models.fit import fit
from models.recipe import Recipe, RecipeError
from tests.models.test_fit import Stopping

TASKS = ("band_gap", "bulk_modulus")
RECIPE = Recipe(TASKS, sharing="hard", width=4, gnn_layers=1, batch_size=64, epochs=1)


@pytest.fixture(scope="module")
def rows(salts: Lake) -> TrainingRows:
    return training_rows(salts, TASKS)


def told(rows: TrainingRows, *labels: float) -> TrainingRows:
    """The same rows, the second task having these training labels only."""
    targets = rows.targets.copy()
    targets[:, 1] = np.nan
    targets[rows.of("train")[: len(labels)], 1] = labels
    return replace(rows, targets=targets)


def refused(recipe: Recipe, rows: TrainingRows, salts: Lake, folder: Path) -> str:
    """What is said before any graph is read or any file is written."""
    with pytest.raises((TaskError, RecipeError)) as error:
        fit(recipe, rows, Stopping(GraphStore(salts), 0), folder)
    assert not list(folder.iterdir())
    return str(error.value)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ((), "needs two labelled training rows or more, found 0"),
        ((100.0,), "needs two labelled training rows or more, found 1"),
        ((100.0, 100.0, 100.0), "all its 3 training labels are 100"),
        ((100.0, np.inf), "labels must be finite, NaN where missing; found infinity 1 times in bulk_modulus"),
        ((100.0, -np.inf, np.inf), "found infinity 2 times in bulk_modulus"),
    ],
)
def test_a_task_that_cannot_be_learnt_is_refused_by_name(
    labels: tuple[float, ...], words: str, rows: TrainingRows, salts: Lake, tmp_path: Path
) -> None:
    said = refused(RECIPE, told(rows, *labels), salts, tmp_path)
    assert words in said
    assert "bulk_modulus" in said
    assert "infinity" in said or "leave it out" in said


def test_an_infinite_label_is_refused_wherever_it_stands(rows: TrainingRows, salts: Lake, tmp_path: Path) -> None:
    for split in ("validation", "test"):
        odd = replace(rows, targets=rows.targets.copy())
        odd.targets[rows.of(split)[0], 0] = np.inf
        assert "found infinity 1 times in band_gap" in refused(RECIPE, odd, salts, tmp_path)


@pytest.mark.parametrize("field", ["encoder", "sharing", "balance", "optimiser", "schedule", "loss", "transform"])
def test_an_unknown_name_is_refused_with_those_there_are(
    field: str, rows: TrainingRows, salts: Lake, tmp_path: Path
) -> None:
    said = refused(replace(RECIPE, **{field: "magic"}), rows, salts, tmp_path)
    assert said.startswith(f"{field} must be one of ")
    assert getattr(RECIPE, field) in said
    assert said.endswith("found 'magic'")


def test_an_option_that_the_scheme_has_not_is_refused(rows: TrainingRows, salts: Lake, tmp_path: Path) -> None:
    said = refused(replace(RECIPE, options=(("speed", 1),)), rows, salts, tmp_path)
    assert said == "sharing 'hard' has the options none; found speed"


def test_an_unknown_task_and_rows_of_other_tasks_are_refused(salts: Lake, tmp_path: Path) -> None:
    with pytest.raises(UnknownProperty, match="bulk_modulus"):
        Recipe(("band_gap", "bulk_moduli"), sharing="hard")
    said = refused(RECIPE, training_rows(salts, ["band_gap"]), salts, tmp_path)
    assert said == (
        "rows must be of the recipe's tasks, band_gap, bulk_modulus; found band_gap: ask training_rows for the same"
    )


@pytest.mark.parametrize("balance", ["uw", "dwa", "famo"])
def test_a_balance_that_a_loss_has_no_sense_for_is_refused(
    balance: str, rows: TrainingRows, salts: Lake, tmp_path: Path
) -> None:
    said = refused(replace(RECIPE, balance=balance, loss="laplace"), rows, salts, tmp_path)
    assert said == (
        f"balance '{balance}' needs losses of 0 or more, found the loss 'laplace', which may be negative: "
        "try 'equal' or 'upgrad'"
    )


@pytest.mark.parametrize(("balance", "temperature"), itertools.product(BALANCES, (None, 5.0)))
def test_tasks_without_a_crystal_in_common_are_learnt_together(
    balance: str, temperature: float | None, rows: TrainingRows, salts: Lake, tmp_path: Path
) -> None:
    targets = rows.targets.copy()
    targets[np.isfinite(targets[:, 1]), 0] = np.nan
    apart = replace(rows, targets=targets)
    assert (np.isfinite(apart.targets).sum(axis=1) == 1).all()
    recipe = replace(RECIPE, balance=balance, temperature=temperature)
    run = fit(recipe, apart, GraphStore(salts), tmp_path)
    assert all(np.isfinite(run.scores[task]["mae_test"]) for task in TASKS)


def test_a_task_with_two_labels_beside_a_full_one_is_learnt_and_says_what_was_not_measured(
    rows: TrainingRows, salts: Lake, tmp_path: Path
) -> None:
    run = fit(replace(RECIPE, criterion="each"), told(rows, 50.0, 60.0), GraphStore(salts), tmp_path)
    assert run.scores["bulk_modulus"]["mae_validation"] is None
    assert run.scores["band_gap"]["mae_validation"] > 0
