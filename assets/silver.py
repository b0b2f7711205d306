"""Silver: records read as crystals, what could not be read, and which crystals are the same."""

from collections.abc import Iterator

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from assets.observations import observed
from assets.partitions import SOURCES
from lake.settings import Settings
from lake.store import Lake
from lake.tables import ENTRIES, MATCHES, MATERIALS, REJECTS, SPLITS

READERS = (
    "materials_project", "aflow", "open_catalyst", "crystallography_open", "oqmd", "optimade", "folder", "reading",
)  # fmt: skip
TEXTS = ("lake.cif", "lake.disordered", "lake.symmetry", "lake.refusal", "lake.extxyz", "lake.poscar")
READING = ("lake.entries", "lake.crystal", *TEXTS, *(f"lake.sources.{name}" for name in READERS))
IDENTITY = tuple(f"lake.structures.{name}" for name in ("match", "bucket", "compare", "fingerprint", "canonical"))
JOINED = {MATERIALS: IDENTITY, MATCHES: IDENTITY, SPLITS: (*IDENTITY, "lake.structures.split")}


@dg.asset(**shown_as(ENTRIES, READING), check_specs=[contract(ENTRIES)], deps=["records"], partitions_def=SOURCES)
def entries(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    """The latest version of each record of one source, as a crystal."""
    from lake.entries import write_entries
    from lake.sources import source_named

    counts = write_entries(lake, source_named(context.partition_key, settings))
    return described(lake, ENTRIES, context.partition_key, **counts)


@dg.multi_asset(
    specs=[dg.AssetSpec(**shown_as(table, code), deps=["entries"]) for table, code in JOINED.items()],
    check_specs=[contract(table) for table in JOINED],
)
def identity(lake: dg.ResourceParam[Lake]) -> Iterator[dg.MaterializeResult]:
    """Entries that are the same crystal become one material, disordered ones apart; ordered ones get their split."""
    from lake.structures.materials import write_materials

    counts = write_materials(lake)
    for table in JOINED:
        yield described(lake, table, **counts)


@dg.asset(
    **shown_as(REJECTS, ("lake.tables",)),
    check_specs=[contract(REJECTS)],
    deps=["entries", "labels", "graphs", *observed()],
)
def rejects(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Every step writes its own stage here as it runs; this asset counts them when all have spoken."""
    stages = lake.read(REJECTS)["stage"].value_counts(sort=True).iter_rows()
    return described(lake, REJECTS, **{f"at {stage}": count for stage, count in stages})
