"""A new column is a projection of kept records: one asset by hand, no crawl, and nothing else is written."""

import dagster as dg
import polars as pl

from lake.matrix import matrix_of
from lake.store import Lake
from lake.tables import OBSERVATIONS, PROPERTY_MATRIX, RECORDS
from pipelines.definitions import build
from tests import told_lake

MATRIX = ["property_matrix", "matrix_provenance"]


def columns(lake: Lake) -> set[str]:
    return set(lake.read(PROPERTY_MATRIX).columns) - set(PROPERTY_MATRIX.schema)


def with_values(lake: Lake) -> set[str]:
    matrix = matrix_of(lake)
    return {name for name in columns(lake) if matrix[name].count()}


def test_one_observation_by_hand_adds_that_column_to_the_matrix(root, instance):
    lake = Lake(root)
    before = lake.version(RECORDS)
    assert told_lake.run(root, "backfill_property", instance, only=["observations/band_gap", *MATRIX]).success
    assert with_values(lake) == {"band_gap"}
    assert matrix_of(lake)["band_gap"].count() == len(told_lake.SALTS)
    only = ["observations/magnetization_per_atom", *MATRIX]
    assert told_lake.run(root, "backfill_property", instance, only=only).success
    assert lake.version(RECORDS) == before
    written = set(lake.scan(OBSERVATIONS).select("property").collect()["property"])
    assert written <= {"band_gap", "magnetization_per_atom"}


def test_matrix_and_views_follow_a_column_made_by_hand_and_nothing_else_does(root, instance):
    defs = build(root)
    following = {dg.AssetKey(name) for name in ("property_matrix", "matrix_provenance", "lake_duckdb", "snapshots")}
    told_lake.run(root, "backfill_property", instance)
    quiet = dg.evaluate_automation_conditions(defs, instance)
    assert quiet.total_requested == 0, "what a job has made itself is not made again"
    told_lake.run(root, "backfill_property", instance, only=["observations/band_gap"])
    after = dg.evaluate_automation_conditions(defs, instance, cursor=quiet.cursor)
    assert {key for key in defs.resolve_asset_graph().get_all_asset_keys() if after.get_num_requested(key)} == following


def test_an_observation_reports_rows_unit_and_spread(root, instance):
    assert told_lake.run(root, "backfill_property", instance, only=["observations/band_gap"]).success
    said = told_lake.metadata(instance, "observations/band_gap")
    assert said["dagster/partition_row_count"] == 3 * len(told_lake.SALTS)
    assert (said["unit"], said["lowest"], said["highest"]) == ("eV", 0.8, 8.7)


def test_writing_one_property_leaves_the_others_files_alone(root, instance):
    lake = Lake(root)
    told_lake.run(root, "backfill_property", instance, only=["observations/band_gap"])
    before = {file for file in lake.files(OBSERVATIONS) if "property=band_gap" in file}
    told_lake.run(root, "backfill_property", instance, only=["observations/magnetization_per_atom"])
    assert before and before <= set(lake.files(OBSERVATIONS))
    assert len(lake.read(OBSERVATIONS).filter(pl.col("property") == "band_gap")) == 3 * len(told_lake.SALTS)
