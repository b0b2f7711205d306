"""The matrix: each cell is one observation, chosen by the written rule, and its provenance names it."""

from __future__ import annotations

import polars as pl
import pytest

from lake.extract import write_observations
from lake.matrix import level_rank, write_matrix
from lake.properties import property_named
from lake.store import Lake
from lake.structures.materials import write_materials
from lake.tables import MATERIALS, MATRIX_PROVENANCE, OBSERVATIONS, PROPERTY_MATRIX, SPLITS
from tests.lake.small_lake import fields_of, fill, rock_salt, zincblende

MGO, GAAS = rock_salt("Mg", "O", 4.2), zincblende("Ga", "As", 5.65)


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {
        "mp:2": (MGO, {"band_gap": 4.6}), "mp:10": (MGO, {"band_gap": 4.5, "bulk_modulus": {"vrh": 152}}),
        "mp:3": (GAAS, {}),
    })  # fmt: skip
    fill(lake, {"aflow:1": (MGO, {"Egap": 4.4, "ael_bulk_modulus_vrh": 150.0})}, level="LDA")
    fill(lake, {"oqmd:1": (GAAS, {"_oqmd_band_gap": 0.2})}, level="LDA")
    write_materials(lake)
    return lake


def test_writing_materials_counts_and_splits_every_one(lake):
    assert write_materials(lake) == {
        "entries": 5, "materials": 2, "disordered": 0, "shared": 2, "comparisons": 3, "matcher_calls": 3,
    }  # fmt: skip
    assert sorted(lake.read(SPLITS)["material_id"]) == sorted(lake.read(MATERIALS)["material_id"])


def test_the_better_level_wins_then_the_preferred_source_then_the_smaller_id(lake):
    write_observations(lake, "band_gap", fields_of)
    assert write_matrix(lake) == {"materials": 2, "properties": 1, "cells": 2}
    chosen = {row["entry_id"]: row for row in lake.read(MATRIX_PROVENANCE).rows(named=True)}
    assert set(chosen) == {"mp:10", "oqmd:1"}
    assert (chosen["mp:10"]["n_observations"], chosen["mp:10"]["level_of_theory"]) == (3, "PBE")


def test_every_cell_equals_the_observation_that_its_provenance_names(lake):
    for name in ("band_gap", "bulk_modulus"):
        write_observations(lake, name, fields_of)
    write_matrix(lake)
    matrix, observations = lake.read(PROPERTY_MATRIX), lake.read(OBSERVATIONS)
    long = matrix.unpivot(["band_gap", "bulk_modulus"], index="material_id", variable_name="property").drop_nulls()
    named = long.join(lake.read(MATRIX_PROVENANCE), on=["material_id", "property"])
    told = named.join(observations, on=["entry_id", "property"], suffix="_told")
    assert len(long) == len(told) == 3
    assert (told["value"] == told["value_told"]).all()


def test_materialising_one_property_adds_that_column_and_every_material_has_a_row(lake):
    write_matrix(lake)
    assert lake.read(PROPERTY_MATRIX).columns == ["material_id", "reduced_formula", "n_sources"]
    write_observations(lake, "bulk_modulus", fields_of)
    write_matrix(lake)
    matrix = lake.read(PROPERTY_MATRIX)
    assert matrix.columns[3:] == ["bulk_modulus"]
    assert matrix.sort("reduced_formula")["bulk_modulus"].to_list() == [None, 152.0]


def test_a_property_taken_back_takes_its_column_along(lake):
    write_observations(lake, "band_gap", fields_of)
    write_matrix(lake)
    lake.replace(OBSERVATIONS, OBSERVATIONS.empty(), "band_gap")
    write_matrix(lake)
    assert "band_gap" not in lake.read(PROPERTY_MATRIX).columns


def test_the_order_of_levels_is_the_propertys_own():
    gap = property_named("band_gap")
    assert [level_rank(gap, level) for level in ("PBE", "PBE+U", "anything")] == [0, 1, 2]


def test_an_empty_lake_has_an_empty_matrix(tmp_path):
    assert write_matrix(Lake(tmp_path)) == {"materials": 0, "properties": 0, "cells": 0}
    assert lake_is_empty(tmp_path)


def lake_is_empty(root) -> bool:
    return Lake(root).scan(PROPERTY_MATRIX).select(pl.len()).collect().item() == 0
