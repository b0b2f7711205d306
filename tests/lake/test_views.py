"""The views for common questions: what is flagged stays out, and an entry with several readings counts once."""

from __future__ import annotations

import polars as pl
import pytest

from lake.sql import publish, query
from lake.tables import OBSERVATIONS
from lake.views import VIEWS
from tests.known_lake import known_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return known_lake(tmp_path_factory.mktemp("views"))


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_view_has_words_for_itself_and_for_each_column(lake, view):
    columns = query(lake, f"select * from {view.name} limit 0").columns
    told = query(lake, f"select column_name, comment from duckdb_columns() where table_name = '{view.name}'")
    assert told["column_name"].to_list() == columns and all(told["comment"])
    assert set(view.columns) <= set(columns), "words for a column that is not there"
    assert len(view.about) > 20


def test_labels_are_counted_by_values_by_entries_and_by_materials_and_flagged_ones_apart(lake):
    told = query(lake, "select * from labels_per_property where property = 'bulk_modulus'").row(0, named=True)
    counts = {name: told[name] for name in ("observations", "flagged", "entries", "materials")}
    assert counts == {"observations": 5, "flagged": 1, "entries": 4, "materials": 4}  # one entry has two readings
    assert (told["sources"], told["levels"]) == (["mp", "oqmd"], ["PBE"])
    assert (told["smallest"], told["median"], told["largest"]) == (24.0, 170.0, 434.0)


def test_overlap_counts_a_material_once_however_many_entries_and_readings_it_has(lake):
    found = query(lake, "select * from label_overlap where property_a = 'band_gap' and property_b = 'bulk_modulus'")
    known = {"GaN": (1.81, 171.0), "C": (4.15, 434.0), "MgO": (4.5, 151.0), "NaCl": (5.05, 24.0)}
    gaps, moduli = zip(*known.values(), strict=True)
    assert found["materials"].item() == len(known)
    assert found["correlation"].item() == pytest.approx(
        pl.select(pl.corr(pl.Series(gaps), pl.Series(moduli))).item()
    )  # fmt: skip
    assert found["same_quantity"].to_list() == [False]


def test_every_pair_of_properties_is_told_once_and_few_materials_have_no_correlation(lake):
    pairs = query(lake, "select * from label_overlap")
    assert (pairs["property_a"] < pairs["property_b"]).all()
    assert pairs.select("property_a", "property_b").is_unique().all()
    assert pairs.filter(pl.col("materials") < 3)["correlation"].null_count() == len(
        pairs.filter(pl.col("materials") < 3)
    )
    assert pairs["correlation"].is_nan().sum() == 0


def test_what_is_known_is_every_observation_of_a_material_with_the_default_policys_choice(lake):
    known = query(lake, "select * from known")
    assert len(known) == len(lake.read(OBSERVATIONS))
    chosen = known.filter(pl.col("chosen").is_not_null())
    cells = query(lake, "select * from matrix_provenance where policy = 'default'")
    keys = ["material_id", "property", "entry_id", "reading", "chosen"]
    assert sorted(chosen.select(keys).rows()) == sorted(cells.select(keys).rows())


def test_what_is_flagged_stands_beside_what_is_physical(lake):
    row = query(lake, "select * from flagged").row(0, named=True)
    assert (row["entry_id"], row["value"], row["flag"], row["reduced_formula"]) == (
        "mp:mp-22862", -665.0, "out_of_range", "NaCl",
    )  # fmt: skip
    assert row["value"] < row["physical_low"] < row["physical_high"]


def test_databases_disagree_by_their_sound_values_alone_and_name_readings_and_corrections(lake):
    found = query(lake, "select * from disagreements")
    assert found.filter(pl.col("value_a").eq(-665) | pl.col("value_b").eq(-665)).is_empty()
    gan = found.filter(reduced_formula="GaN", property="band_gap").select("entry_a", "reading_a", "entry_b")
    assert set(gan.rows()) == {
        ("mp:mp-804", "mp:band_gap", "oqmd:100"),
        ("aflow:aflow:0001", "aflow:band_gap", "mp:mp-804"),
        ("aflow:aflow:0001", "aflow:band_gap", "oqmd:100"),
    }
    assert {"correction_a", "correction_b", "reading_b"} <= set(found.columns)


def test_views_of_a_lake_without_rows_are_empty_and_none_fails(tmp_path, lake):
    bare = type(lake)(tmp_path)
    publish(bare)
    assert [len(query(bare, f"select * from {view.name}")) for view in VIEWS] == [0] * len(VIEWS)
