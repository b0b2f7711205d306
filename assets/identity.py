"""Identity: which crystals are the same, shard by shard, and the splits that keep the same ones together."""

import base64
from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets.automation import FOLLOWS
from assets.conventions import shown_as
from assets.described import contract, described, described_together
from assets.partitions import SHARDS
from lake.store import Lake
from lake.tables import MATCHES, MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS, SPLITS

IDENTITY = (
    "bucket", "canonical", "cell", "cluster", "compare", "definition", "fingerprint", "formulas", "material_id",
    "materials", "near", "partners", "primitive", "superpose",
)  # fmt: skip
CODE = ("lake.shards", *(f"lake.structures.{name}" for name in IDENTITY))
JOINED = (MATERIALS, MATCHES, MATERIAL_IDS, MATERIAL_CHANGES)
SMALL = 72  # dots per inch
TOLD = dg.AssetDep("entries", partition_mapping=dg.AllPartitionMapping())  # every source may tell of every formula


@dg.multi_asset(
    specs=[dg.AssetSpec(**shown_as(table, CODE), deps=[TOLD]) for table in JOINED],
    check_specs=[contract(table) for table in JOINED],
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def identity(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator[dg.MaterializeResult]:
    """Bulk entries that are the same crystal become one material. One shard or all of them: one run."""
    from lake.structures.materials import write_materials

    counts = write_materials(lake, context.partition_keys)
    context.add_asset_metadata(_overlap(lake), MATERIALS.name, context.partition_keys[-1])
    for table in JOINED:
        yield described_together(context, lake, table, **counts)


def _overlap(lake: Lake) -> dict[str, Any]:
    """Which databases tell the same materials: a picture small enough for the event log, and its sums.

    One event of a run carries it, the one of its last shard, which the UI shows first.
    """
    from lake.figures import overlap
    from lake.figures.style import png
    from lake.figures.upset import counted

    told = counted(lake)[0].group_by(pl.col("sources").list.len()).agg(pl.col("n").sum()).sort("sources").iter_rows()
    picture = base64.b64encode(png(overlap(lake), SMALL)).decode()
    sums = {f"told by {n} database{'s' * (n > 1)}": count for n, count in told}
    return {"overlap of databases": dg.MetadataValue.md(f"![overlap](data:image/png;base64,{picture})"), **sums}


@dg.asset(
    **shown_as(SPLITS, ("lake.structures.splits",)),
    check_specs=[contract(SPLITS)],
    deps=["materials"],
    automation_condition=FOLLOWS,
)
def splits(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Where each material stands, by each scheme: train, validation or test."""
    from lake.structures.splits.write import write_splits

    return described(lake, SPLITS, **write_splits(lake))
