"""Runs summed up: validation chooses, test reports; an interval across zero claims nothing."""

from __future__ import annotations

import json

import polars as pl
import pytest

from lake.store import Lake
from lake.tables import RUNS, TRANSFER
from models.results import best_study, errors, gains
from tests.small_lake import learnt


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    return learnt(tmp_path_factory.mktemp("lake"))


def test_the_error_is_the_mean_over_seeds(lake):
    row = errors(lake).row(by_predicate=(pl.col("property") == "band_gap") & (pl.col("study") == "single"), named=True)
    assert row["mae_test"] == pytest.approx(0.43) and row["seeds"] == 3


def test_the_recipe_is_chosen_by_validation_not_by_test(lake, tmp_path):
    runs = lake.read(RUNS).filter(pl.col("study") == "single")
    lucky = runs.with_columns(
        pl.col("run") + "-lucky",
        recipe=pl.lit(json.dumps({"layers": 9, "seed": 0})),
        mae_validation=pl.col("mae_validation") + 1,
        mae_test=pl.lit(0.0),
    )
    other = Lake(tmp_path)
    other.replace(RUNS, pl.concat([runs, lucky]))
    assert errors(other)["mae_test"].min() > 0.4


def test_the_best_study_is_the_one_that_validated_best(lake):
    assert best_study(lake, "band_gap") == "single"
    assert best_study(lake, "bulk_modulus") is None


def test_a_verdict_needs_an_interval_that_keeps_off_zero(lake):
    told = {row["property"]: row for row in gains(lake).iter_rows(named=True)}
    assert told["bulk_modulus"]["verdict"] == "helps"
    assert told["band_gap"]["verdict"] == "hurts"
    assert told["magnetization_per_atom"]["verdict"] == "no claim"
    # three seeds, standard deviation 0.01: t(0.975, 2) = 4.303
    assert told["bulk_modulus"]["low"] == pytest.approx(0.11 - 4.3027 * 0.01 / 3**0.5, abs=1e-5)


def test_one_seed_makes_no_claim(lake, tmp_path):
    alone = Lake(tmp_path)
    alone.replace(TRANSFER, lake.read(TRANSFER).filter(pl.col("seed") == 0))
    assert set(gains(alone)["verdict"]) == {"no claim"}
    assert gains(alone)["low"].null_count() == 3
