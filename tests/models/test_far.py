"""Far is what is farther from training than all but a few validation crystals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.checkpoint import read
from models.dataset import training_rows
from models.far import NEAREST, SAMPLE, Reference, reference
from models.fit import fit
from models.recipe import Recipe
from tests.models._made import rock_salt

RECIPE = Recipe(("band_gap",), width=8, gnn_layers=1, steps=20, batch_size=16)


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 2**31))
def test_distances_are_those_to_the_nearest_by_brute_force(n, width, seed):
    rng = np.random.default_rng(seed)
    training, asked = rng.normal(size=(n, width)).astype(np.float32), rng.normal(size=(9, width)).astype(np.float32)
    held = Reference.of(training, asked)
    apart = np.linalg.norm(((asked - held.centre) / held.scale)[:, None] - held.vectors.astype(np.float32), axis=-1)
    by_hand = np.sort(apart, axis=1)[:, :NEAREST].mean(axis=1) / held.reach
    np.testing.assert_allclose(held.distances(asked), by_hand, atol=2e-3)


def test_one_in_a_hundred_like_the_training_crystals_is_far_and_all_that_are_elsewhere():
    rng = np.random.default_rng(0)
    training, validation, test = (rng.normal(size=(n, 6)).astype(np.float32) for n in (SAMPLE, 1000, 5000))
    held = Reference.of(training, validation)
    assert 0.002 < (held.distances(test) > 1).mean() < 0.03
    assert (held.distances(test + 20) > 1).all()
    assert not (Reference.of(training, validation[:0]).distances(test + 20) > 1).any(), "nobody says what is usual"


def test_a_checkpoint_keeps_what_tells_far_beside_weights_that_still_load(salts: Lake, tmp_path):
    rows = training_rows(salts, RECIPE.tasks)
    run = fit(RECIPE, rows, GraphStore(salts), tmp_path)
    checkpoint = read(run.checkpoint)
    held, net = checkpoint.reference(), checkpoint.network()
    assert len(held.vectors) == len(rows.of("train")) and held.vectors.dtype == np.float16
    store = GraphStore(salts)
    at = store.rows(rows.frame["structure_hash"])
    again = reference(net, store, at[rows.of("train")], at[rows.of("validation")])
    np.testing.assert_array_equal(again.vectors, held.vectors)
    assert again.reach == pytest.approx(held.reach)


def test_a_stretched_crystal_is_far(salts: Lake, tmp_path):
    from lake.graphs.build import build
    from models.network import vectors

    checkpoint = read(fit(RECIPE, training_rows(salts, RECIPE.tasks), GraphStore(salts), tmp_path).checkpoint)
    graphs = build([rock_salt(3, 9, length) for length in (5.0, 12.0)])
    known, stretched = checkpoint.reference().distances(vectors(checkpoint.network(), graphs, np.arange(2)))
    assert known < stretched and stretched > 1
