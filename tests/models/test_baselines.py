"""Baselines: they see what a crystal is and not how it is written down, and nothing of validation or test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lake.crystal import Crystal
from lake.graphs.gathered import GatheredGraphs
from lake.store import Lake
from models.baselines import BASELINES, baseline_named
from models.baselines.composition import composition_features, element_properties
from models.baselines.crystals import tidy
from models.baselines.structure import structure_features
from models.baselines.trial import Trial, predictions, tried
from models.dataset import TrainingRows, training_rows

PEROVSKITE = Crystal(
    np.diag([4.0, 4.1, 4.2]), [[0, 0, 0], [0.5, 0.5, 0.52], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    [56, 22, 8, 8, 8],
)  # fmt: skip


def doubled(crystal: Crystal) -> Crystal:
    cell = crystal.lattice * [[2], [1], [1]]
    positions = np.concatenate([(crystal.positions + np.eye(3)[0] * shift) / [2, 1, 1] for shift in (0, 1)])
    return Crystal(cell, positions, np.tile(crystal.numbers, 2))


def reordered(crystal: Crystal) -> Crystal:
    order = np.random.default_rng(0).permutation(len(crystal))
    return Crystal(crystal.lattice, crystal.positions[order], crystal.numbers[order])


def turned(crystal: Crystal) -> Crystal:
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    return Crystal(crystal.lattice @ rotation, crystal.positions, crystal.numbers)


def described(crystals: list[Crystal]) -> np.ndarray:
    graphs = GatheredGraphs(crystals)
    batch = graphs.whole(graphs.rows([c.structure_hash for c in crystals]))
    volumes = np.array([c.volume for c in crystals])
    return np.hstack([composition_features(batch.numbers, batch.counts), structure_features(batch, volumes)])


@pytest.fixture(scope="module")
def rows(salts: Lake) -> TrainingRows:
    return training_rows(salts, ("bulk_modulus",))


@pytest.fixture(scope="module")
def features(salts: Lake, rows: TrainingRows) -> dict[str, np.ndarray]:
    return {name: baseline_named(name).features(salts, rows.frame["structure_hash"]) for name in BASELINES}


@pytest.mark.parametrize("written", [doubled, reordered, turned])
def test_features_do_not_depend_on_how_a_crystal_is_written(written):
    one, other = described([PEROVSKITE, written(PEROVSKITE)])
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert np.isfinite(one).all() and one.std() > 0


def test_structure_tells_apart_what_composition_cannot():
    wide = Crystal(PEROVSKITE.lattice * 1.1, PEROVSKITE.positions, PEROVSKITE.numbers)
    one, other = described([PEROVSKITE, wide])
    of_formula = composition_features(PEROVSKITE.numbers, np.array([5])).shape[1]
    np.testing.assert_array_equal(one[:of_formula], other[:of_formula])
    assert not np.allclose(one[of_formula:], other[of_formula:])


def test_tidy_keeps_five_digits_of_any_size():
    told = tidy(np.array([[123456.7, -0.00123456789, 0.0, 1 / 3]]))
    np.testing.assert_allclose(told, [[123460, -0.0012346, 0.0, 0.33333]], rtol=1e-6)


def test_statistics_of_a_formula_are_those_by_hand():
    mass = element_properties()[:, 2]
    found = composition_features(np.array([14, 8, 8]), np.array([3]))[0]
    width = element_properties().shape[1]
    mean = (mass[14] + 2 * mass[8]) / 3
    assert found[2] == pytest.approx(mean)
    assert found[width + 2] == pytest.approx((abs(mass[14] - mean) + 2 * abs(mass[8] - mean)) / 3)
    assert found[4 * width + 2] == pytest.approx(mass[14] - mass[8])  # range
    assert found[5 * width + 2] == pytest.approx(mass[8])  # of the most abundant


@pytest.mark.parametrize("name", BASELINES)
def test_the_order_of_rows_changes_no_prediction(name, rows, features):
    order = np.random.default_rng(0).permutation(len(rows))
    mixed = replace(rows, frame=rows.frame[order], targets=rows.targets[order])
    trial = Trial(name, "bulk_modulus", trees=5)
    one, other = predictions(trial, rows, features[name]), predictions(trial, mixed, features[name][order])
    np.testing.assert_allclose(one[order], other, rtol=1e-9)


@pytest.mark.parametrize("name", BASELINES)
def test_labels_of_validation_and_test_reach_no_model(name, rows, features):
    trial = Trial(name, "bulk_modulus", trees=5)
    held = np.concatenate([rows.of("validation"), rows.of("test")])
    targets = rows.targets.copy()
    targets[held] += 1000
    found = predictions(trial, rows, features[name])
    np.testing.assert_array_equal(found, predictions(trial, replace(rows, targets=targets), features[name]))
    assert np.isnan(found[rows.of("train")]).all() and np.isfinite(found[held]).all()


def test_a_seed_gives_one_forest_and_another_seed_another(rows, features):
    one, again, other = (
        predictions(Trial("structure", "bulk_modulus", seed, 5), rows, features["structure"]) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other, equal_nan=True)


def test_the_mean_baseline_is_the_mean_predictor(rows, features):
    run, _ = tried(Trial("mean", "bulk_modulus"), rows, features["mean"])
    scores = run.scores["bulk_modulus"]
    assert scores["mae_test"] == pytest.approx(scores["mae_mean_predictor"], rel=1e-6)
    structure, _ = tried(Trial("structure", "bulk_modulus", trees=10), rows, features["structure"])
    assert structure.scores["bulk_modulus"]["mae_test"] < scores["mae_test"] / 2


def test_rows_without_features_are_refused(rows, features):
    holes = features["structure"].copy()
    holes[0, 0] = np.nan
    with pytest.raises(ValueError, match="found 1 of"):
        tried(Trial("structure", "bulk_modulus"), rows, holes)


def test_an_unknown_baseline_lists_those_that_there_are():
    with pytest.raises(KeyError, match="composition"):
        baseline_named("magic")


def test_trials_that_differ_have_other_digests():
    trials = [Trial("mean", "band_gap"), Trial("mean", "band_gap", 1), Trial("median", "band_gap")]
    assert len({trial.digest for trial in trials}) == 3
