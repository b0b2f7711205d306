"""Identity on real files: what AFLOW and the Materials Project both hold is recognised, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import gemmi
import numpy as np
import polars as pl
import pytest

from lake.crystal import Crystal
from lake.structures.formulas import find_materials
from tests.lake.small_lake import entries, entry

DATA = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
MP, AFLOW = DATA / "mp2018_multi_property.parquet", DATA / "aflow_ael_agl.parquet"
FORMULAS = 120

pytestmark = pytest.mark.skipif(not (MP.exists() and AFLOW.exists()), reason=f"no real data in {DATA}")


def read(cif: str) -> Crystal:
    """A CIF in P1, as these files are."""
    told = gemmi.make_small_structure_from_block(gemmi.cif.read_string(cif).sole_block())
    sites = told.get_all_unit_cell_sites()
    places = [[site.fract.x, site.fract.y, site.fract.z] for site in sites]
    return Crystal(np.array(told.cell.orth.mat.tolist()).T, places, [site.element.atomic_number for site in sites])


@pytest.fixture(scope="module")
def rows():
    aflow = pl.read_parquet(AFLOW, columns=["formula", "cif"]).with_row_index("id")
    shared = (
        pl.scan_parquet(MP)
        .select("mp_id", "formula", "cif")
        .filter(pl.col("formula").is_in(aflow["formula"].implode()))
    )
    mp = shared.sort("formula", "mp_id").collect()
    some = mp["formula"].unique().sort().gather_every(max(1, mp["formula"].n_unique() // FORMULAS))
    told = [entry(f"mp:{i}", read(cif)) for i, formula, cif in mp.rows() if formula in set(some)]
    return told + [entry(f"aflow:{i}", read(cif)) for i, formula, cif in aflow.rows() if formula in set(some)]


def test_nine_in_ten_of_aflows_crystals_are_found_in_the_materials_project(rows):
    materials, matches, *_ = find_materials(entries(*rows))
    aflow = sum(row["source"] == "aflow" for row in rows)
    members = materials.explode("members")
    found = members.filter(
        pl.col("members").str.starts_with("aflow:") & pl.col("representative").str.starts_with("mp:")
    )
    assert len(members) == len(rows)
    assert len(found) / aflow > 0.85
    joined = matches.filter("same")
    assert joined["volume_ratio"].is_between(1 / 1.12, 1.12).all()
    assert joined["rms"].max() < 0.1
