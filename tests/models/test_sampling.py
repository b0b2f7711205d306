"""Rows are drawn as the temperature says: each label alike at 1, each task alike far above; and a run can go on so."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.batch import batches, drawn
from models.dataset import training_rows
from models.fit import fit
from models.recipe import Recipe, RecipeError
from models.sampling import row_shares
from tests.models.test_fit import Interrupted, Stopping, weights

KNOWN = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=8)).filter(np.any)


def targets(known: np.ndarray) -> np.ndarray:
    return np.where(known, 1.0, np.nan).astype(np.float32)


@settings(max_examples=25)
@given(KNOWN, st.floats(1e-3, 1e6), st.randoms(use_true_random=False))
def test_shares_sum_to_one_and_the_order_of_rows_and_tasks_is_nothing_to_them(known, temperature, random) -> None:
    shares = row_shares(targets(known), temperature)
    assert shares.sum() == pytest.approx(1.0) and (shares >= 0).all()
    rows, tasks = (random.sample(range(side), side) for side in known.shape)
    np.testing.assert_allclose(row_shares(targets(known[rows][:, tasks]), temperature), shares[rows], atol=1e-12)


@settings(max_examples=25)
@given(KNOWN)
def test_at_temperature_one_each_label_counts_alike(known) -> None:
    np.testing.assert_allclose(row_shares(targets(known), 1.0), known.sum(axis=1) / known.sum())


@settings(max_examples=25)
@given(KNOWN)
def test_far_above_one_each_task_counts_alike(known) -> None:
    labels = known.sum(axis=0)
    alike = (known[:, labels > 0] / labels[labels > 0]).mean(axis=1)
    np.testing.assert_allclose(row_shares(targets(known), 1e9), alike, atol=1e-6)


@settings(max_examples=25)
@given(st.integers(1, 500), st.integers(501, 30_000), st.floats(1.0, 100.0))
def test_a_small_task_is_drawn_as_often_as_the_root_of_its_size_says(few, many, temperature) -> None:
    known = np.zeros((few + many, 2), bool)
    known[:few, 0] = known[few:, 1] = True
    shares = row_shares(targets(known), temperature)
    assert shares[:few].sum() / shares[few:].sum() == pytest.approx((few / many) ** (1 / temperature))


def test_what_is_drawn_are_as_many_rows_in_as_many_batches_as_their_shares_say() -> None:
    shares = np.repeat([0.0, 1.0, 3.0], 1000) / 4000
    picked = list(drawn(3000, 64, torch.Generator().manual_seed(0), shares))
    told = np.concatenate(picked)
    assert (len(picked), len(told)) == (batches(3000, 64), 3000)
    found = np.bincount(told // 1000, minlength=3)
    assert found[0] == 0 and found[1] == pytest.approx(750, rel=0.15)


def test_a_run_under_temperature_goes_on_exactly_and_is_not_the_run_without(salts: Lake, tmp_path: Path) -> None:
    size = {"width": 8, "gnn_layers": 1, "batch_size": 32, "epochs": 3}
    recipe = Recipe(("band_gap", "bulk_modulus"), sharing="hard", temperature=3.0, **size)
    rows, store = training_rows(salts, recipe.tasks), GraphStore(salts)
    whole = fit(recipe, rows, store, tmp_path / "whole")
    lives = 0
    for stop in itertools.cycle((2, 5, 12)):
        lives += 1
        try:
            run = fit(recipe, rows, Stopping(store, stop), tmp_path / "stopped", every=0)
            break
        except Interrupted:
            pass
    assert lives > 2
    assert (run.history, run.scores, weights(run)) == (whole.history, whole.scores, weights(whole))
    plain = fit(Recipe(recipe.tasks, sharing="hard", **size), rows, store, tmp_path)
    assert plain.history != run.history
    with pytest.raises(RecipeError, match="temperature must be above 0"):
        Recipe(recipe.tasks, sharing="hard", temperature=0.0)
