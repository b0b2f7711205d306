"""The screen: what ranks, and what only stands beside."""

from __future__ import annotations

import polars as pl
import pytest

from lake.store import Lake
from lake.tables import CANDIDATES, COMPOSITIONS, PREDICTIONS, PROPERTY_MATRIX
from models.figures.bargains import unbeaten
from models.screen import GAP_FLOOR, candidates
from tests.small_lake import ground, learnt


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    return learnt(tmp_path_factory.mktemp("lake"))


def by_formula(frame: pl.DataFrame) -> dict[str, dict]:
    return {row["reduced_formula"]: row for row in frame.iter_rows(named=True)}


def test_measured_conductivity_never_enters_the_ranking(lake, tmp_path):
    found = candidates(lake)
    without = ground(tmp_path)
    matrix = without.read(PROPERTY_MATRIX)
    without.replace(PROPERTY_MATRIX, matrix.with_columns(pl.col("thermal_conductivity_measured") * 1000))
    without.replace(PREDICTIONS, lake.read(PREDICTIONS))
    assert candidates(without)["reduced_formula"].to_list() == found["reduced_formula"].to_list()
    assert "MgO" not in by_formula(found), "a material with a measured value alone is not on the scale"


def test_every_ranking_value_is_computed_or_predicted_and_equal_to_its_table(lake):
    matrix = by_formula(lake.read(PROPERTY_MATRIX))
    predicted = {row["entry_id"].split(":")[1]: row["value"] for row in _told(lake, "thermal_conductivity_agl")}
    for formula, row in by_formula(candidates(lake)).items():
        computed = matrix[formula]["thermal_conductivity_agl"]
        if computed is not None:
            assert (row["thermal_conductivity_origin"], row["thermal_conductivity"]) == ("computed", computed)
        else:
            expected = ("predicted", predicted[formula])
            assert (row["thermal_conductivity_origin"], row["thermal_conductivity"]) == expected


def test_the_gap_is_measured_else_computed_else_predicted(lake):
    found = by_formula(candidates(lake))
    assert (found["C"]["band_gap"], found["C"]["band_gap_origin"]) == (5.47, "measured")
    assert (found["BeO"]["band_gap"], found["BeO"]["band_gap_origin"]) == (7.5, "computed")
    assert (found["AlN"]["band_gap"], found["AlN"]["band_gap_origin"]) == (4.0, "predicted")


def test_no_candidate_lies_below_the_insulator_threshold(lake):
    found = candidates(lake)
    assert found["band_gap"].min() >= GAP_FLOOR
    assert "Cu" not in by_formula(found), "a metal"
    assert "GaSb" not in by_formula(found), "the measured gap decides, also where a computed one is larger"


def test_ranks_count_from_one_and_conductivity_falls(lake):
    found = candidates(lake)
    assert found["rank"].to_list() == list(range(1, len(found) + 1))
    assert found["thermal_conductivity"].is_sorted(descending=True)


def test_a_lake_without_models_ranks_by_computed_values_alone(tmp_path):
    found = candidates(ground(tmp_path))
    assert found["reduced_formula"].to_list() == ["C", "BN", "SiC", "BeO", "NaCl"]
    assert set(found["thermal_conductivity_origin"]) == {"computed"}


def test_an_empty_lake_has_no_candidates(tmp_path):
    assert candidates(Lake(tmp_path)).equals(CANDIDATES.empty())


def test_what_follows_from_the_formula_stands_beside_each_candidate(lake):
    rows = by_formula(lake.read(COMPOSITIONS))
    for formula, row in by_formula(candidates(lake)).items():
        told = rows[formula]
        assert row["cost"] == told["cost_per_kg"]
        assert all(row[name] == told[name] for name in ("abundance", "hhi_production", "hazard"))


def test_an_element_without_a_price_makes_the_cost_unknown(lake):
    assert by_formula(candidates(lake))["UO2"]["cost"] is None


def test_a_lake_without_compositions_ranks_the_same(lake, tmp_path):
    without = ground(tmp_path)
    without.replace(PREDICTIONS, lake.read(PREDICTIONS))
    without.replace(COMPOSITIONS, COMPOSITIONS.empty())
    found = candidates(without)
    assert found["reduced_formula"].to_list() == candidates(lake)["reduced_formula"].to_list()
    assert not found["cost"].count()


def test_nothing_as_cheap_or_cheaper_outdoes_the_unbeaten(lake):
    priced = candidates(lake).drop_nulls("cost")
    front = set(unbeaten(priced)["reduced_formula"])
    for row in priced.iter_rows(named=True):
        rivals = priced.filter(pl.col("cost") <= row["cost"], pl.col("material_id") != row["material_id"])
        beaten = (rivals["thermal_conductivity"] >= row["thermal_conductivity"]).any()
        assert (row["reduced_formula"] in front) == (not beaten)


def _told(lake: Lake, name: str) -> list[dict]:
    return lake.read(PREDICTIONS).filter(pl.col("property") == name).to_dicts()
