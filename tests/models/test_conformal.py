"""Intervals hold what they promise on crystals like those they were counted on, and claim nothing elsewhere."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.conformal import FEWEST, LEVEL, band, calibrate, covered, quantile, with_intervals


def said(n: int, rng: np.random.Generator, name: str = "band_gap", **columns: object) -> pl.DataFrame:
    """n labelled crystals, half validation, half test; errors grow with what the networks tell of themselves."""
    told = rng.uniform(0.05, 2.0, n)
    value = rng.uniform(5.0, 20.0, n)
    frame = pl.DataFrame({
        "entry_id": [f"mp:{i}" for i in range(n)], "reduced_formula": [f"F{i}" for i in range(n)],
        "property": name, "study": "single", "models": "m", "split": ["validation", "test"] * (n // 2),
        "value": value, "label": value + rng.laplace(0.0, told), "told": told, "apart": 0.0, "floor": None,
        "far": False,
    }, schema_overrides={"floor": pl.Float64})  # fmt: skip
    return frame.with_columns(**columns)


@given(st.lists(st.floats(0, 1e6), min_size=FEWEST, max_size=300))
def test_the_quantile_is_a_score_with_the_level_of_a_further_one_below_it(scores):
    found = quantile(np.array(scores))
    assert found in scores and np.sum(np.array(scores) <= found) >= LEVEL * (len(scores) + 1)


def test_too_few_scores_have_no_quantile():
    assert quantile(np.ones(FEWEST - 1)) is None and quantile(np.ones(FEWEST)) == 1.0


@pytest.mark.parametrize("told", [pl.col("told"), pl.lit(None, pl.Float64)], ids=["told", "constant"])
def test_the_coverage_on_test_lies_in_the_binomial_band(told):
    rows = said(6000, np.random.default_rng(1)).with_columns(told=told)
    (row,) = calibrate(rows).iter_rows(named=True)
    assert (row["n"], row["n_test"]) == (3000, 3000)
    assert row["band_low"] <= row["coverage"] <= row["band_high"]
    assert (row["band_low"], row["band_high"]) == band(3000) and 0.88 < row["band_low"] < 0.9 < row["band_high"] < 0.92


def test_a_told_scale_makes_sure_crystals_intervals_short():
    rows = said(4000, np.random.default_rng(2))
    length = with_intervals(rows, calibrate(rows)).with_columns(length=pl.col("high") - pl.col("low"))
    sure, unsure = (length.filter(where)["length"].max() for where in (pl.col("told") < 0.1, pl.col("told") > 1.9))
    assert sure < unsure / 10
    constant = rows.with_columns(told=pl.lit(None, pl.Float64))
    assert calibrate(rows)["width"].item() < calibrate(constant)["width"].item()


def test_intervals_of_logarithms_are_factors_and_cover_as_many():
    rng = np.random.default_rng(3)
    rows = said(4000, rng, "bulk_modulus", floor=1.0, told=0.2)
    rows = rows.with_columns(label=pl.col("value") * pl.Series(np.exp(rng.laplace(0.0, 0.2, 4000))))
    found = calibrate(rows)
    told = with_intervals(rows, found)
    inside = told.filter(pl.col("low") > 0)
    ratio = (inside["high"] / inside["value"]) / (inside["value"] / inside["low"])
    np.testing.assert_allclose(ratio, 1.0, rtol=1e-9)
    assert found["band_low"].item() <= found["coverage"].item() <= found["band_high"].item()
    assert (told["low"] >= 0).all(), "the range of the catalog holds"


def test_one_crystal_of_each_formula_counts():
    rows = said(400, np.random.default_rng(4))
    twins = pl.concat([rows, rows.with_columns(pl.col("entry_id") + "b", label=pl.col("value") + 100)])
    assert calibrate(twins)["n"].item() == 200
    assert calibrate(twins.sample(fraction=1.0, shuffle=True, seed=1)).equals(calibrate(twins))


def test_where_nothing_is_claimed_the_reason_is_told():
    rows = said(1000, np.random.default_rng(5))
    found = calibrate(rows)
    four = rows.head(4).with_columns(
        far=pl.Series([True, False, False, None]),
        models=pl.Series(["m", "other", "m", "m"]),
        value=pl.Series([1.0, 1.0, None, 1.0]),
    )
    told = with_intervals(four, found)
    assert told["low"].is_null().to_list() == told["high"].is_null().to_list() == [True, True, True, False]
    assert "far from everything" in told["why"][0] and "other models" in told["why"][1]
    few = rows.head(2 * FEWEST - 2)
    assert calibrate(few)["quantile"].to_list() == calibrate(few)["coverage"].to_list() == [None]
    assert with_intervals(few, calibrate(few))["why"].str.contains("19 calibration crystals, 20 are needed").all()
    assert with_intervals(few, found.clear())["why"].str.contains("not calibrated").all()


def test_far_crystals_count_neither_in_calibration_nor_on_test():
    rows = said(1000, np.random.default_rng(6))
    far = rows.with_columns(pl.col("entry_id") + "f", pl.col("reduced_formula") + "f", label=1e3, far=True)
    both, near = calibrate(pl.concat([rows, far])), calibrate(rows)
    assert both["far"].item() == 0.5 and both.drop("far").equals(near.drop("far"))


def test_the_value_is_inside_its_interval_and_labels_on_the_edge_are_covered():
    rows = said(1000, np.random.default_rng(7)).with_columns(pl.col("value") - 6, pl.col("label") - 6)
    told = with_intervals(rows, calibrate(rows))
    assert told.select((pl.col("low") <= pl.col("value")) & (pl.col("value") <= pl.col("high"))).to_series().all()
    assert told.with_columns(label="high").select(covered()).to_series().all()
