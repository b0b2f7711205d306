"""Materials in the lake: however entries came, and whoever was killed, the tables are those of all at once."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.shards import shard_of
from lake.store import Lake
from lake.structures.formulas import find_materials, groups
from lake.structures.material_id import find_material, material_id
from lake.structures.materials import write_materials
from lake.tables import ENTRIES, MATCHES, MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS, REJECTS
from tests.lake.small_lake import entries, entry, half_heusler, rock_salt, wurtzite, zincblende
from tests.lake.structures.test_fingerprint import moved

# Edges in steps of 2 %: neighbours are the same crystal, and strangers from the next one on
SALTS = [rock_salt("Mg", "O", 4.0 * 1.02**n) for n in range(4)]
OTHERS = [zincblende("Zn", "S", 5.41), wurtzite("Zn", "S", 3.82), half_heusler("Ti", "Sn", "Ni", 5.93)]
OTHERS += [half_heusler("Ti", "Ni", "Sn", 5.93)]
CRYSTALS = [*SALTS, *OTHERS]
NAMES = ("mp:2", "mp:10", "aflow:1", "oqmd:1", "oqmd:7", "mine:a")
# Cells in which each entry tells each crystal: their volumes are as above
TOLD = {
    (name, place): moved(crystal, np.random.default_rng(seed))
    for seed, name in enumerate(NAMES)
    for place, crystal in enumerate(CRYSTALS)
}

told = st.dictionaries(st.sampled_from(NAMES), st.integers(0, len(CRYSTALS) - 1), max_size=len(NAMES))


def tell(lake: Lake, world: dict[str, int]) -> None:
    """The entries are now these: entry id -> place among the crystals; each entry tells its own cell."""
    rows = [entry(name, TOLD[name, place]) for name, place in world.items()]
    for source in ("mp", "aflow", "oqmd", "mine"):
        lake.replace(ENTRIES, entries(*(row for row in rows if row["source"] == source)), source)


def state(lake: Lake) -> tuple[pl.DataFrame, ...]:
    """What hangs on the entries alone."""
    return (
        lake.read(MATERIALS).sort("material_id"),
        lake.read(MATCHES).sort("entry_a", "entry_b"),
        lake.read(REJECTS).sort("entry_id"),
    )


def same(one: tuple[pl.DataFrame, ...], other: tuple[pl.DataFrame, ...]) -> bool:
    return all(a.equals(b) for a, b in zip(one, other, strict=True))


def holders(lake: Lake) -> dict[str, str]:
    """Entry -> the material that holds it; every entry once."""
    rows = lake.read(MATERIALS).select("material_id", pl.col("members")).explode("members").rows()
    assert len(rows) == len({member for _, member in rows})
    return {member: name for name, member in rows}


@settings(max_examples=8, deadline=None)
@given(story=st.lists(told, min_size=1, max_size=3))
def test_entries_in_any_batches_give_what_all_at_once_gives_and_every_id_ever_shown_finds_its_material(
    tmp_path_factory, story
):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    shown: set[str] = set()
    for world in story:
        tell(lake, world)
        write_materials(lake)
        shown |= set(lake.read(MATERIALS)["material_id"])
        holder = holders(lake)
        assert set(holder) == set(world)
        given_by = {material_id(name): name for name in NAMES}
        ids = lake.read(MATERIAL_IDS)
        assert set(ids["material_id"]) == shown and len(ids) == len(shown)
        assert dict(ids.select("material_id", "current").rows()) == {n: holder.get(given_by[n]) for n in shown}
        assert all(find_material(lake, name) == holder.get(given_by[name]) for name in shown)
    at_once = Lake(tmp_path_factory.mktemp("lake"))
    tell(at_once, story[-1])
    write_materials(at_once)
    assert same(state(lake), state(at_once))


@settings(max_examples=6, deadline=None)
@given(world=told, late=st.sampled_from(["mp", "aflow", "oqmd", "mine"]), shuffled=st.randoms(use_true_random=False))
def test_a_source_that_is_added_later_and_rows_in_another_order_change_nothing(tmp_path_factory, world, late, shuffled):
    lake, at_once = Lake(tmp_path_factory.mktemp("lake")), Lake(tmp_path_factory.mktemp("lake"))
    tell(lake, {name: place for name, place in world.items() if not name.startswith(late)})
    write_materials(lake)
    order = list(world)
    shuffled.shuffle(order)
    tell(lake, {name: world[name] for name in order})
    write_materials(lake)
    tell(at_once, world)
    write_materials(at_once)
    assert same(state(lake), state(at_once))


def test_a_bucket_that_did_not_change_is_not_compared_again_and_a_quiet_run_commits_nothing(tmp_path):
    lake = Lake(tmp_path)
    world = {"mp:2": 0, "aflow:1": 1, "oqmd:1": 4}
    tell(lake, world)
    first = write_materials(lake)
    assert first == {
        "entries": 3, "materials": 2, "disordered": 0, "shared": 1, "comparisons": 1, "matcher_calls": 1,
        "buckets": 2, "buckets_unchanged": 0,
    }  # fmt: skip
    versions = [lake.version(table) for table in (MATERIALS, MATCHES, MATERIAL_IDS, MATERIAL_CHANGES, REJECTS)]
    assert write_materials(lake) == first | {"matcher_calls": 0, "buckets_unchanged": 2}
    assert [lake.version(t) for t in (MATERIALS, MATCHES, MATERIAL_IDS, MATERIAL_CHANGES, REJECTS)] == versions
    tell(lake, world | {"oqmd:7": 5})
    assert write_materials(lake) == {
        "entries": 4, "materials": 3, "disordered": 0, "shared": 1, "comparisons": 1, "matcher_calls": 0,
        "buckets": 2, "buckets_unchanged": 1,
    } | {"comparisons": len(lake.read(MATCHES)), "matcher_calls": len(lake.read(MATCHES)) - 1}  # fmt: skip
    assert write_materials(lake, shards=[shard_of("MgO")])["buckets"] == 1


def test_a_decision_that_is_known_is_not_made_again_when_its_bucket_changes(tmp_path):
    lake = Lake(tmp_path)
    tell(lake, {"mp:2": 0, "aflow:1": 1})
    assert write_materials(lake)["matcher_calls"] == 1
    tell(lake, {"mp:2": 0, "aflow:1": 1, "oqmd:1": 3})
    assert write_materials(lake)["matcher_calls"] == len(lake.read(MATCHES)) - 1


def test_all_shards_are_written_in_one_commit_of_each_table(tmp_path):
    lake = Lake(tmp_path)
    tell(lake, dict(zip(NAMES, (0, 4, 6, 1, 5, 7), strict=True)))
    write_materials(lake)
    assert lake.read(MATERIALS)["shard"].n_unique() > 1
    assert [lake.version(table) for table in (MATERIALS, MATCHES, MATERIAL_IDS)] == [0, 0, 0]


def change(lake: Lake) -> tuple[str, list[str], list[str]]:
    """The latest."""
    row = lake.read(MATERIAL_CHANGES).sort("at").row(-1, named=True)
    return row["change"], row["old_ids"], row["new_ids"]


def test_merges_splits_renamings_and_endings_are_told_with_the_old_ids(tmp_path):
    lake = Lake(tmp_path)
    mp, aflow, oqmd = (material_id(name) for name in ("mp:2", "aflow:1", "oqmd:1"))
    for world, told_change in (
        ({"aflow:1": 0, "oqmd:1": 2}, None),
        ({"aflow:1": 0, "oqmd:1": 2, "mp:2": 1}, ("merged", sorted([aflow, oqmd]), [mp])),  # it equals both
        ({"aflow:1": 0, "oqmd:1": 2}, ("split", [mp], sorted([aflow, oqmd]))),
        ({"aflow:1": 0, "oqmd:1": 1}, ("merged", sorted([aflow, oqmd]), [aflow])),  # its structure was corrected
        ({"oqmd:1": 1}, ("renamed", [aflow], [oqmd])),
        ({}, ("gone", [oqmd], [])),
    ):
        tell(lake, world)
        write_materials(lake)
        if told_change is None:
            assert lake.read(MATERIAL_CHANGES).is_empty()
        else:
            assert change(lake) == told_change
    assert len(lake.read(MATERIAL_CHANGES)) == 5


def test_an_entry_whose_formula_changes_takes_its_id_along_whichever_shard_is_written_first(tmp_path):
    assert shard_of("MgO") != shard_of("ZnS")
    for n, order in enumerate((("MgO", "ZnS"), ("ZnS", "MgO"))):
        lake = Lake(tmp_path / str(n))
        tell(lake, {"mp:10": 0, "aflow:1": 4})
        write_materials(lake)
        tell(lake, {"mp:2": 4, "mp:10": 4, "aflow:1": 4})
        for formula in order:
            write_materials(lake, [shard_of(formula)])
        ids = {row["material_id"]: row for row in lake.read(MATERIAL_IDS).iter_rows(named=True)}
        assert len(ids) == len(lake.read(MATERIAL_IDS))
        assert ids[material_id("mp:10")]["current"] == find_material(lake, "mp:10") == material_id("mp:2")
        assert ids[material_id("mp:10")]["shard"] == shard_of("ZnS")


class Killed(Exception):
    """The run ends here."""


class Mortal(Lake):
    """A lake whose writer is killed before its n-th commit."""

    def __init__(self, root, commits: int) -> None:
        super().__init__(root)
        self.left = commits

    def replace(self, *what, **how) -> None:
        if not self.left:
            raise Killed
        self.left -= 1
        super().replace(*what, **how)


BEFORE = {"mp:10": 0, "oqmd:1": 2, "mine:a": 4, "oqmd:7": 6}
AFTER = {"mp:2": 1, "mp:10": 0, "oqmd:1": 2, "mine:a": 5, "aflow:1": 4}


@pytest.mark.parametrize("commits", range(6))
@pytest.mark.parametrize("then", [AFTER, BEFORE], ids=["it runs again", "its entries are taken back"])
def test_a_run_that_is_killed_between_any_two_commits_is_made_good_by_the_next(tmp_path, commits, then):
    killed, whole = Lake(tmp_path / "killed"), Lake(tmp_path / "whole")
    for lake in (killed, whole):
        tell(lake, BEFORE)
        write_materials(lake)
    tell(killed, AFTER)
    before = killed.read(MATERIALS)
    try:
        write_materials(Mortal(killed.root, commits))
    except Killed:
        assert killed.read(MATERIALS).equals(before)
    done = not killed.read(MATERIALS).equals(before)
    for lake in (killed, whole):
        tell(lake, then)
        write_materials(lake)
    assert same(state(killed), state(whole))
    if not done:
        columns = ["reduced_formula", "change", "old_ids", "new_ids"]
        events = (lake.read(MATERIAL_CHANGES).select(columns).sort(columns[0], "old_ids") for lake in (killed, whole))
        assert next(events).equals(next(events))
    assert write_materials(killed)["buckets_unchanged"] == write_materials(killed)["buckets"]


def test_what_cannot_be_compared_is_rejected_by_its_own_shard_until_it_is_mended(tmp_path):
    lake = Lake(tmp_path)
    flat = entry("mp:2", rock_salt("Mg", "O", 4.2)) | {"lattice": [0.0] * 9, "structure_hash": "flat"}
    flat_too = entry("mp:3", OTHERS[0]) | {"lattice": [0.0] * 9, "structure_hash": "flat"}
    lake.replace(ENTRIES, entries(flat, flat_too), "mp")
    write_materials(lake)
    assert sorted(lake.read(REJECTS).select("entry_id", "stage").rows()) == [
        ("mp:2", f"identity.{shard_of('MgO')}"), ("mp:3", f"identity.{shard_of('ZnS')}"),
    ]  # fmt: skip
    assert lake.read(REJECTS)["payload_sha256"].to_list() == [flat["payload_sha256"]] * 2
    lake.replace(ENTRIES, entries(entry("mp:2", SALTS[0]), flat_too), "mp")
    write_materials(lake)
    assert lake.read(REJECTS)["entry_id"].to_list() == ["mp:3"]
    assert len(lake.read(MATERIALS)) == 2


def test_slabs_are_no_materials(tmp_path):
    lake = Lake(tmp_path)
    lake.replace(ENTRIES, entries(entry("ocp:1", SALTS[0], kind="slab+adsorbate")), "ocp")
    assert write_materials(lake)["entries"] == 0
    assert find_materials(lake.read(ENTRIES)).materials.is_empty()


def test_two_processes_find_what_one_finds(tmp_path):
    alone, together = Lake(tmp_path / "alone"), Lake(tmp_path / "together")
    for lake, processes in ((alone, 1), (together, 2)):
        tell(lake, dict(zip(NAMES, (0, 0, 1, 2, 5, 7), strict=True)))
        write_materials(lake, processes=processes)
    assert same(state(alone), state(together))


@given(sizes=st.lists(st.integers(1, 50), max_size=30), count=st.integers(1, 8))
def test_groups_hold_every_formula_once_and_none_is_much_larger_than_its_share(sizes, count):
    formulas = pl.DataFrame(
        {"reduced_formula": [f"X{n}" for n in range(len(sizes))], "n": sizes},
        schema={"reduced_formula": pl.String, "n": pl.Int64},
    )
    shared = groups(formulas, count)
    assert sorted(formula for some in shared for formula in some) == sorted(formulas["reduced_formula"])
    assert len(shared) <= count
    loads = [sum(sizes[int(formula[1:])] for formula in some) for some in shared]
    assert max(loads, default=0) <= sum(sizes) / count + max(sizes, default=0)
