"""Splits: by formula, for ever, about 80/10/10."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from lake.structures.split import part, splits
from lake.tables import MATERIALS


def materials(formulas: list[str]) -> pl.DataFrame:
    row = {"kind": "bulk", "representative": "mp:1", "members": [], "sources": [], "n_sources": 1, "n_atoms": 1}
    row |= {"shard": "00", "bucket": "b"}
    return MATERIALS.frame([row | {"material_id": f"m-{n}", "reduced_formula": f} for n, f in enumerate(formulas)])


@given(formulas=st.lists(st.sampled_from(["SiC", "C", "MgO", "GaAs", "SiO2", "TiNiSn"]), max_size=20))
def test_no_formula_crosses_and_every_material_has_its_part(formulas):
    drawn = splits(materials(formulas))
    assert drawn["material_id"].to_list() == [f"m-{n}" for n in range(len(formulas))]
    assert drawn.select("reduced_formula", "split").n_unique() == len(set(formulas))


@given(old=st.lists(st.text("CHNO", min_size=1), max_size=20), new=st.lists(st.text("CHNO", min_size=1), max_size=20))
def test_new_materials_never_move_old_ones(old, new):
    before, after = splits(materials(old)), splits(materials(old + new))
    assert after.head(len(before)).equals(before)


def test_the_parts_are_eighty_ten_ten():
    parts = [part(f"A{n}B{m}") for n in range(100) for m in range(100)]
    assert abs(parts.count("train") / len(parts) - 0.8) < 0.015
    assert abs(parts.count("validation") / len(parts) - 0.1) < 0.015


def test_the_draw_never_changes():
    assert {formula: part(formula) for formula in DRAWN} == DRAWN


DRAWN = {"C": "train", "Si": "train", "AlN": "validation", "BeO": "test", "KCl": "validation", "BaTiO3": "test"}
