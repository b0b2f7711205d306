"""Disordered entries are compared among themselves: the same ones join, and none ever joins an ordered one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crystal import SYMBOLS, Crystal
from lake.disordered import DisorderedCrystal, species_label
from lake.graphs.shards import write_graphs
from lake.store import Lake
from lake.structures.bucket import bucket_of, crystal_to_compare
from lake.structures.formulas import find_materials
from lake.structures.materials import write_materials
from lake.structures.splits.write import write_splits
from lake.tables import ENTRIES, GRAPHS, MATERIALS, SPLITS
from tests.lake.small_lake import entries, entry, polytype, rock_salt, zincblende
from tests.lake.structures.test_fingerprint import displaced, moved, recut

PARENTS = {"salt": rock_salt("Mg", "O", 4.21), "blende": zincblende("Zn", "S", 5.41), "layers": polytype("ABCB")}
shares = st.integers(2, 98)


def mixed(parent: Crystal, share: int, guest: str = "Fe") -> DisorderedCrystal:
    """The parent, its first element's sites shared with a guest that has so many hundredths of them."""
    host = parent.numbers[0]
    label = species_label({SYMBOLS[host]: 1 - share / 100, guest: share / 100})
    species = [label if number == host else SYMBOLS[number] for number in parent.numbers]
    return DisorderedCrystal(parent.lattice, parent.positions, species)


def retold(told: DisorderedCrystal, seed: int) -> DisorderedCrystal:
    """Another cell, origin and order of sites, 1 % larger, refined a little differently."""
    rng = np.random.default_rng(seed)
    other = moved(displaced(recut(told.coded(), rng), 0.01, rng), rng)
    labels = list(told.proportions)
    return DisorderedCrystal(other.lattice * 1.01, other.positions, [labels[code - 1] for code in other.numbers])


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(PARENTS)), shares, st.integers(0, 999))
def test_two_tellings_of_one_disordered_crystal_join_and_stay_apart_from_the_ordered_one(parent, share, seed):
    ordered, disordered = PARENTS[parent], mixed(PARENTS[parent], share)
    rows = [entry("cod:1", disordered), entry("folder:1", retold(disordered, seed)), entry("mp:1", ordered)]
    materials = find_materials(entries(*rows)).materials
    assert {frozenset(row) for row in materials["members"]} == {frozenset({"cod:1", "folder:1"}), frozenset({"mp:1"})}
    assert dict(materials.select("representative", "kind").rows()) == {"mp:1": "bulk", "cod:1": "disordered"}


@given(st.sampled_from(sorted(PARENTS)), shares, shares, st.sampled_from(["Fe", "Co"]))
def test_a_bucket_holds_equal_labels_in_equal_proportions_alone(parent, one, other, guest):
    rows = [entry("cod:1", mixed(PARENTS[parent], one)), entry("cod:2", mixed(PARENTS[parent], other, guest))]
    assert (bucket_of(rows[0]) == bucket_of(rows[1])) == ((one, "Fe") == (other, guest))


def test_half_and_three_fifths_are_two_materials():
    rows = [entry(f"cod:{share}", mixed(PARENTS["salt"], share)) for share in (50, 60)]
    found = find_materials(entries(*rows))
    assert len(found.materials) == 2
    assert found.matches.is_empty()


def test_an_ordered_crystal_of_the_same_formula_and_majority_is_another_bucket():
    """MgAl2O4 in which one Mg and one Al change places now and then has the spinel's formula and elements."""
    places = np.arange(21).reshape(7, 3) / 21
    ordered = Crystal(np.eye(3) * 6, places, [12, 13, 13, 8, 8, 8, 8])
    inverse = ["Mg0.8Al0.2", "Mg0.1Al0.9", "Mg0.1Al0.9", "O", "O", "O", "O"]
    rows = [entry("mp:1", ordered), entry("cod:1", DisorderedCrystal(np.eye(3) * 6, places, inverse))]
    assert {row["reduced_formula"] for row in rows} == {"MgAl2O4"}
    assert rows[0]["numbers"] == rows[1]["numbers"]
    found = find_materials(entries(*rows))
    assert (len(found.materials), len(found.matches)) == (2, 0)


@given(st.permutations(range(8)), st.sampled_from(sorted(PARENTS)))
def test_the_stand_in_does_not_depend_on_the_order_of_sites(order, parent):
    told = mixed(PARENTS[parent], 30)
    order = np.array(order)[: len(told)] if len(told) == 8 else np.arange(len(told))[::-1]
    other = DisorderedCrystal(told.lattice, told.positions[order], [told.species[site] for site in order])
    one, two = (crystal_to_compare(entry("cod:1", each)) for each in (told, other))
    assert bucket_of(entry("cod:1", told)) == bucket_of(entry("cod:2", other))
    assert np.array_equal(one.numbers[order], two.numbers)


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path)
    rows = [entry("cod:1", mixed(PARENTS["salt"], 50)), entry("cod:2", PARENTS["salt"])]
    lake.replace(ENTRIES, entries(*rows), "cod")
    return lake


def test_disordered_materials_have_no_split_and_are_counted(lake):
    counts = write_materials(lake)
    assert (counts["entries"], counts["materials"], counts["disordered"]) == (2, 2, 1)
    write_splits(lake)
    ordered = lake.read(MATERIALS).filter(pl.col("kind") == "bulk")
    assert set(lake.read(SPLITS)["material_id"]) == set(ordered["material_id"])


def test_disordered_entries_have_no_graph_and_are_no_rejects(lake):
    assert write_graphs(lake) == {"graphs": 1, "held": 0, "rejects": 0}
    assert lake.read(GRAPHS)["structure_hash"].to_list() == [PARENTS["salt"].structure_hash]
