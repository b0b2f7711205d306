"""Splits of the sample, whose truth is known: what a scheme forbids does not cross, whatever identity made of it."""

from __future__ import annotations

import polars as pl
import pytest

from lake.sample.databases import same_crystal, tellings
from lake.store import Lake
from lake.structures.materials import write_materials
from lake.structures.splits.crossing import crossing
from lake.structures.splits.write import write_splits
from lake.tables import ENTRIES, MATERIALS, SPLITS
from tests.lake.small_lake import entries, entry

FORBIDDEN = [
    ("crystal", "reduced_formula"), ("crystal", "chemical_system"), ("crystal", "material"), ("crystal", "time"),
    ("reduced_formula", "reduced_formula"), ("reduced_formula", "chemical_system"), ("elements", "chemical_system"),
]  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("sample"))
    bulk = [telling for telling in tellings() if telling.source != "ocp"]
    named = [(f"{telling.source}:{telling.source_id}", telling) for telling in bulk]
    lake.append(ENTRIES, entries(*(entry(name, t.crystal) | {"year": t.facts.get("year")} for name, t in named)))
    write_materials(lake)
    write_splits(lake)
    return lake


@pytest.fixture(scope="module")
def told(lake):
    """Every entry with the crystal that it truly tells, its elements, its year, and its part by every scheme."""
    truth = {f"{source}:{i}": name for (source, i), name in same_crystal().items()}
    members = lake.read(MATERIALS).select("material_id", entry_id="members").explode("entry_id")
    elements = pl.col("numbers").list.unique().list.sort()
    facts = lake.read(ENTRIES).select("entry_id", "year", elements=elements)
    crystals = members.with_columns(crystal=pl.col("entry_id").replace_strict(truth))
    return crystals.join(facts, on="entry_id").join(lake.read(SPLITS), on="material_id")


@pytest.mark.parametrize(("group", "scheme"), FORBIDDEN)
def test_nothing_that_a_scheme_forbids_crosses(told, group, scheme):
    parts = told.filter(scheme=scheme).group_by(group).agg(pl.col("split").unique())
    assert len(parts) > 50
    assert parts.filter(pl.col("split").list.len() > 1).is_empty()


def test_by_time_all_that_teaches_is_older_than_all_that_is_tested(told):
    earliest = told.filter(scheme="time").group_by("material_id", "split").agg(pl.col("year").min())
    train, validation, test = (earliest.filter(split=part)["year"] for part in ("train", "validation", "test"))
    assert train.max() < validation.min() <= validation.max() < test.min()


def test_shares_are_about_80_10_10_where_a_hash_draws(lake):
    for scheme in ("reduced_formula", "chemical_system", "material"):
        shares = dict(lake.read(SPLITS).filter(scheme=scheme)["split"].value_counts(normalize=True).iter_rows())
        assert 0.7 < shares["train"] < 0.9
        assert shares["validation"] > 0.04 and shares["test"] > 0.04


def test_writing_again_counts_the_same_and_changes_no_row(lake):
    before = lake.read(SPLITS)
    counts = write_splits(lake)
    assert lake.read(SPLITS).sort("scheme", "material_id").equals(before.sort("scheme", "material_id"))
    assert counts["material train"] + counts["material validation"] + counts["material test"] == len(
        lake.read(MATERIALS)
    )
    assert not any(crossing(before).values())
