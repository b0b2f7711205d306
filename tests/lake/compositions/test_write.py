"""The table of compositions: a row for every formula of the materials, and no other."""

from __future__ import annotations

from lake.compositions import write_compositions
from lake.store import Lake
from lake.tables import COMPOSITIONS, MATERIALS
from tests.small_lake import CRYSTALS, ground


def test_every_formula_of_the_materials_has_a_row(tmp_path):
    lake = ground(tmp_path)
    counts = write_compositions(lake)
    assert lake.read(COMPOSITIONS)["reduced_formula"].to_list() == sorted(c[0] for c in CRYSTALS)
    assert counts == {"formulas": 11, "priced": 10, "hazardous": 4}  # UO2 has no price; Be, As, Sb and U are noted


def test_formulas_that_went_have_no_row_any_more(tmp_path):
    lake = ground(tmp_path)
    lake.replace(MATERIALS, lake.read(MATERIALS).head(2))
    write_compositions(lake)
    assert len(lake.read(COMPOSITIONS)) == 2


def test_two_crystals_of_one_formula_share_a_row(tmp_path):
    lake = ground(tmp_path)
    materials = lake.read(MATERIALS)
    twin = materials.head(1).with_columns(materials["material_id"].head(1) + "-twin")
    lake.append(MATERIALS, twin)
    assert write_compositions(lake)["formulas"] == 11


def test_an_empty_lake_has_no_formulas(tmp_path):
    assert write_compositions(Lake(tmp_path)) == {"formulas": 0, "priced": 0, "hazardous": 0}
