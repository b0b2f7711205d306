"""Materials: the same crystals join, others do not, and nothing is lost or depends on who came first."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crystal import Crystal
from lake.structures.fingerprint import RADIUS
from lake.structures.match import find_materials, material_id
from tests.lake.small_lake import entries, entry, half_heusler, polytype, rock_salt, wurtzite, zincblende
from tests.lake.structures.test_fingerprint import displaced, moved, recut


def retold(told: Crystal, seed: int) -> Crystal:
    """As another database would tell it: its own cell, origin and order, 1 % larger, relaxed a little differently."""
    rng = np.random.default_rng(seed)
    other = moved(displaced(recut(told, rng), 0.01, rng), rng)
    return Crystal(other.lattice * 1.01, other.positions, other.numbers)


TOLD = {
    "3C": polytype("ABC"), "2H": polytype("AB"), "4H": polytype("ABCB"), "6H": polytype("ABCACB"),
    "right": half_heusler("Ti", "Sn", "Ni", 5.93), "swapped": half_heusler("Ti", "Ni", "Sn", 5.93),
    "MgO": rock_salt("Mg", "O", 4.21), "squeezed": rock_salt("Mg", "O", 3.9),
    "ZnS": zincblende("Zn", "S", 5.41), "wurtzite": wurtzite("Zn", "S", 3.82),
}  # fmt: skip
ROWS = [entry(f"mp:{name}", told) for name, told in TOLD.items()]
ROWS += [entry(f"aflow:{name}", retold(told, seed)) for seed, (name, told) in enumerate(TOLD.items())]
ROWS += [entry(f"oqmd:{name}", retold(told, 100 + seed)) for seed, (name, told) in enumerate(TOLD.items())]


def members(materials: pl.DataFrame) -> set[frozenset[str]]:
    return {frozenset(row) for row in materials["members"].to_list()}


def test_each_crystal_is_one_material_however_three_databases_write_it():
    materials, _ = find_materials(entries(*ROWS))
    truth = {frozenset(f"{source}:{name}" for source in ("mp", "aflow", "oqmd")) for name in TOLD}
    assert members(materials) == truth
    assert materials["n_sources"].to_list() == [3] * len(TOLD)


def test_the_preferred_source_represents_and_gives_the_id_and_the_space_group():
    materials, _ = find_materials(entries(*ROWS))
    diamondlike = materials.row(by_predicate=pl.col("representative") == "mp:3C", named=True)
    assert diamondlike["material_id"] == material_id("mp:3C")
    assert (diamondlike["space_group"], diamondlike["space_group_number"]) == ("F -4 3 m", 216)


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(len(ROWS))))
def test_the_order_of_arrival_changes_nothing(order):
    expected = find_materials(entries(*ROWS))
    found = find_materials(entries(*(ROWS[place] for place in order)))
    assert all(one.equals(other) for one, other in zip(expected, found, strict=True))


def test_every_decision_is_a_row_and_every_joined_entry_has_one_that_says_same():
    materials, matches = find_materials(entries(*ROWS))
    joined = {
        (row["representative"], member)
        for row in materials.iter_rows(named=True)
        for member in row["members"]
        if member != row["representative"]
    }
    assert set(matches.filter("same").select("entry_a", "entry_b").rows()) == joined
    assert matches.filter(pl.col("same") & pl.col("displacement").is_null()).is_empty()
    assert matches["method"].str.contains("k=24.*superposition").all()


def test_obvious_strangers_are_never_superposed():
    _, matches = find_materials(entries(*ROWS))
    far = matches.filter(pl.col("fingerprint_distance") > RADIUS)
    assert len(far) > 0
    assert far["displacement"].is_null().all()
    assert (far["decided_by"] == "fingerprint").all()


def test_two_processes_find_what_one_finds():
    alone, together = find_materials(entries(*ROWS)), find_materials(entries(*ROWS), processes=2)
    assert all(one.equals(other) for one, other in zip(alone, together, strict=True))


def test_slabs_are_no_materials():
    slab = entry("ocp:1", TOLD["MgO"], kind="slab+adsorbate")
    materials, matches = find_materials(entries(slab))
    assert materials.is_empty()
    assert matches.is_empty()


def broken(place: int) -> Crystal:
    """Structures that a check upstream ought to have stopped."""
    flat = Crystal(np.zeros((3, 3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [12, 8])
    nowhere = Crystal(np.eye(3) * 4, [[0, 0, 0], [np.nan, 0, 0]], [12, 8])
    overlapping = Crystal(np.eye(3) * 3, [[0, 0, 0], [0, 0, 0]], [12, 8])
    return (flat, nowhere, overlapping)[place]


@settings(max_examples=10, deadline=None)
@given(places=st.lists(st.integers(0, 2), min_size=1, max_size=4))
def test_a_broken_structure_stays_a_material_of_its_own_and_loses_nobody(places):
    rows = [entry(f"cod:{n}", broken(place)) for n, place in enumerate(places)]
    rows += [entry("mp:good", TOLD["MgO"]), entry("oqmd:good", retold(TOLD["MgO"], 1))]
    materials, _ = find_materials(entries(*rows))
    everybody = [member for row in materials["members"].to_list() for member in row]
    assert sorted(everybody) == sorted(row["entry_id"] for row in rows)
    assert frozenset({"mp:good", "oqmd:good"}) in members(materials)
    assert not any(len(group) > 1 and "mp:good" in group and "cod:0" in group for group in members(materials))
