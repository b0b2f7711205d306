"""Silver: records read as crystals, and what could not be read. Which crystals are the same: identity.py."""

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from assets.observations import observed
from assets.partitions import SOURCES
from lake.settings import Settings
from lake.store import Lake
from lake.tables import ENTRIES, REJECTS

READERS = (
    "materials_project", "aflow", "open_catalyst", "crystallography_open", "oqmd", "optimade", "folder", "reading",
)  # fmt: skip
TEXTS = ("lake.cif", "lake.disordered", "lake.symmetry", "lake.refusal", "lake.extxyz", "lake.poscar")
READING = ("lake.entries", "lake.crystal", "lake.shards", *TEXTS, *(f"lake.sources.{name}" for name in READERS))


@dg.asset(**shown_as(ENTRIES, READING), check_specs=[contract(ENTRIES)], deps=["records"], partitions_def=SOURCES)
def entries(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    """The latest version of each record of one source, as a crystal."""
    from lake.entries import write_entries
    from lake.sources import source_named

    counts = write_entries(lake, source_named(context.partition_key, settings))
    return described(lake, ENTRIES, context.partition_key, **counts)


@dg.asset(
    **shown_as(REJECTS, ("lake.tables",)),
    check_specs=[contract(REJECTS)],
    deps=["entries", "labels", "graphs", "materials", *observed()],
)
def rejects(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Every step writes its own stage here as it runs; this asset counts them when all have spoken."""
    stages = lake.read(REJECTS)["stage"].value_counts(sort=True).iter_rows()
    return described(lake, REJECTS, **{f"at {stage}": count for stage, count in stages})
