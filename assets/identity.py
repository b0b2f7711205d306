"""Identity: which crystals are the same, shard by shard, and the splits that keep the same ones together."""

from collections.abc import Iterator

import dagster as dg

from assets.automation import FOLLOWS
from assets.conventions import shown_as
from assets.described import contract, described
from assets.partitions import SHARDS
from lake.store import Lake
from lake.tables import MATCHES, MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS, SPLITS

IDENTITY = ("canonical", "compare", "definition", "fingerprint", "match", "materials", "primitive")
CODE = ("lake.shards", *(f"lake.structures.{name}" for name in IDENTITY))
JOINED = (MATERIALS, MATCHES, MATERIAL_IDS, MATERIAL_CHANGES)
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
    for table in JOINED:
        yield described(lake, table, context.partition_keys, **counts)


@dg.asset(
    **shown_as(SPLITS, ("lake.structures.split",)),
    check_specs=[contract(SPLITS)],
    deps=["materials"],
    automation_condition=FOLLOWS,
)
def splits(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Where each material stands: train, validation or test."""
    from lake.structures.split import write_splits

    return described(lake, SPLITS, **write_splits(lake))
