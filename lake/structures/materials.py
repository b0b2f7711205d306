"""The step that writes what identity found: the tables `materials`, `matches`, `material_ids`, `material_changes`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import polars as pl

from lake.contract import Table
from lake.shards import ALL
from lake.store import Lake
from lake.structures.match import find_materials
from lake.tables import ENTRIES, MATCHES, MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS


def write_materials(lake: Lake, shards: Collection[str] = ALL) -> dict[str, int]:
    """Cluster all bulk entries of these shards and replace their partitions of the four tables; returns counts.

    Counts: entries (bulk), materials, shared (materials told by two databases or more), comparisons, matcher_calls.
    """
    entries = lake.scan(ENTRIES).filter(pl.col("shard").is_in(list(shards))).collect()
    materials, matches = find_materials(entries)
    ids = materials.select(
        "material_id", "shard", entry_id="representative", current="material_id",
        first_given=pl.lit(datetime(2024, 1, 1, tzinfo=UTC), MATERIAL_IDS.schema["first_given"]),
    )  # fmt: skip
    for table, frame in (
        (MATERIALS, materials),
        (MATCHES, matches),
        (MATERIAL_IDS, ids),
        (MATERIAL_CHANGES, MATERIAL_CHANGES.empty()),
    ):
        _replace(lake, table, table.checked(frame), shards)
    return {
        "entries": int(materials["members"].list.len().sum()),
        "materials": len(materials),
        "shared": int((materials["n_sources"] > 1).sum()),
        "comparisons": len(matches),
        "matcher_calls": int(matches["decided_by"].str.contains("StructureMatcher").sum()),
    }


def _replace(lake: Lake, table: Table, frame: pl.DataFrame, shards: Collection[str]) -> None:
    if set(shards) == set(ALL):
        lake.replace(table, frame)
        return
    for shard in shards:
        lake.replace(table, frame.filter(shard=shard), shard)
