"""Checks: they hold on a sound lake, and each one sees the harm it is there for."""

import dagster as dg
import polars as pl
import pytest

from assets import checks
from assets.described import described
from lake.store import Lake
from lake.tables import CRAWLS, ENTRIES, GRAPHS, MATERIAL_IDS, MATERIALS, SPLITS
from tests import told_lake


def asked(check: dg.AssetChecksDefinition, root) -> dg.AssetCheckResult:
    """A check as a plain call, over all sources."""
    name = check.check_key.name
    return (
        checks.nothing_lost(dg.build_asset_check_context(), lake=Lake(root))
        if name == "nothing_lost"
        else check(lake=Lake(root))
    )


SOUND = [
    checks.nothing_lost,
    checks.no_formula_crosses,
    checks.every_entry_is_in_one_material,
    checks.members_have_one_formula,
    checks.every_id_finds_its_material,
]


@pytest.mark.parametrize("check", SOUND, ids=lambda check: check.check_key.name)
def test_a_sound_lake_passes(root, check):
    assert asked(check, root).passed


def test_an_entry_that_vanished_is_seen(root):
    lake = Lake(root)
    rows = lake.read(ENTRIES).filter(pl.col("source") == "mp")
    lake.replace(ENTRIES, rows[1:], "mp")
    assert not asked(checks.nothing_lost, root).passed


def test_a_formula_in_two_splits_is_seen(root):
    lake = Lake(root)
    splits = lake.read(SPLITS)
    row = splits.filter(pl.col("scheme") == "reduced_formula")[:1].with_columns(
        material_id=pl.lit("another"), split=pl.lit("elsewhere")
    )
    lake.replace(SPLITS, pl.concat([splits, row]))
    assert not asked(checks.no_formula_crosses, root).passed


def changed(root, harm: pl.Expr) -> Lake:
    """The lake, with a column of its first material changed."""
    lake = Lake(root)
    rows = lake.read(MATERIALS)
    lake.replace(MATERIALS, pl.concat([rows[:1].with_columns(harm), rows[1:]]))
    return lake


def test_an_entry_without_a_material_is_seen(root):
    changed(root, pl.col("members").list.slice(1))
    assert asked(checks.every_entry_is_in_one_material, root).metadata["lost"].value == 1


def test_an_entry_in_two_materials_is_seen(root):
    second = Lake(root).read(MATERIALS)["members"][1]
    changed(root, pl.col("members").list.concat(second[:1]))
    found = asked(checks.every_entry_is_in_one_material, root)
    assert not found.passed and found.metadata["twice"].value == 2 and found.metadata["lost"].value == 0


def test_a_member_of_another_formula_is_seen(root):
    second = Lake(root).read(MATERIALS)["members"][1]
    changed(root, pl.col("members").list.concat(second[:1]))
    assert asked(checks.members_have_one_formula, root).metadata["differing"].value == 1


def test_an_id_that_finds_another_material_is_seen(root):
    changed(root, pl.lit("m-renamed").alias("material_id"))
    found = asked(checks.every_id_finds_its_material, root)
    assert not found.passed and found.metadata["never given"].value == 1 and found.metadata["astray"].value == 1


def test_an_id_whose_entry_is_gone_is_no_fault(root):
    lake = Lake(root)
    ids = lake.read(MATERIAL_IDS)
    gone = {"material_id": "m-of-old", "entry_id": "mp:gone", "current": None}
    row = ids[:1].with_columns(*(pl.lit(value, pl.String).alias(name) for name, value in gone.items()))
    lake.replace(MATERIAL_IDS, pl.concat([ids, row]))
    assert asked(checks.every_id_finds_its_material, root).passed


def test_a_disordered_entry_with_a_graph_is_seen_and_one_without_is_not_missed(root):
    lake = Lake(root)
    rows = lake.read(ENTRIES).filter(pl.col("source") == "mp")
    without = rows[:1].with_columns(kind=pl.lit("disordered"), structure_hash=pl.lit("of nothing that has a graph"))
    graphs = GRAPHS.frame(
        [
            {"structure_hash": one, "shard": "0", "row": row, "n_atoms": 1, "version": "v"}
            for row, one in enumerate(lake.read(ENTRIES)["structure_hash"].unique())
        ]
    )
    lake.replace(GRAPHS, graphs)
    lake.replace(ENTRIES, pl.concat([without, rows[1:]]), "mp")
    assert asked(checks.every_entry_has_a_graph, root).passed
    lake.replace(ENTRIES, rows.with_columns(kind=pl.lit("disordered")), "mp")
    assert not asked(checks.every_entry_has_a_graph, root).passed


def test_a_source_without_a_closed_crawl_is_named(root):
    lake = Lake(root)
    assert lake.exists(CRAWLS)
    found = asked(checks.sources_are_fresh, root)
    assert not found.passed and "pcod" in found.description and "mp" not in found.description.split(": ")[1].split(", ")
    assert found.severity is dg.AssetCheckSeverity.WARN


def test_a_broken_contract_is_seen_when_the_table_is_read_back(root):
    import deltalake

    lake = Lake(root)
    twice = pl.concat([lake.read(MATERIALS)] * 2)
    deltalake.write_deltalake(str(lake.path(MATERIALS)), twice, mode="overwrite")  # past the store's own check
    found = described(lake, MATERIALS).check_results[0]
    assert not found.passed and "must be unique" in found.description


def test_every_check_of_a_run_is_evaluated(root, instance):
    result = told_lake.run(root, "build", instance, only=told_lake.IDENTITY)
    seen = {e.check_name for e in result.get_asset_check_evaluations()}
    assert {check.check_key.name for check in SOUND[1:]} <= seen
    assert {"contract_holds", "no_formula_crosses", "sources_are_fresh"} <= seen
