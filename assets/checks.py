"""Checks: what must hold between tables, asked of the tables as they lie there, not of the code that wrote them.

What one table owes by itself is checked in its own step: described.py and observations.py.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl

from assets.described import part
from assets.partitions import SOURCES
from lake.crawl.states import ENDS
from lake.crawl.versions import latest_versions
from lake.entries import DISORDERED
from lake.matrix import matrix_of
from lake.policies import default
from lake.sources import NAMES
from lake.store import Lake
from lake.structures.bucket import KINDS
from lake.structures.splits import DEFAULT
from lake.structures.splits.crossing import crossing
from lake.tables import (
    CRAWLS,
    ENTRIES,
    GRAPHS,
    MATERIAL_IDS,
    MATERIALS,
    OBSERVATIONS,
    PREDICTIONS,
    REJECTS,
    SPLITS,
)

LATE = timedelta(days=3)  # a nightly crawl may miss a night or two, as databases are serviced at weekends
WARN = dg.AssetCheckSeverity.WARN


@dg.asset_check(
    asset="entries", description="Every record that stands is an entry or a reject, and none is from nowhere."
)
def nothing_lost(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Of the source that the run read, or of all where the check is asked alone."""
    sources = [context.partition_key] if context.has_partition_key else SOURCES.get_partition_keys()
    told = {f"{source}:{i}" for source in sources for i in latest_versions(lake, source)["source_id"]}
    read = {*part(lake, ENTRIES, sources)["entry_id"]}
    refused = {*part(lake, REJECTS, [f"entries.{source}" for source in sources])["entry_id"]}
    counts = {"records": len(told), "entries": len(read), "rejects": len(refused), "lost": len(told - read - refused)}
    return dg.AssetCheckResult(passed=told == read | refused and not read & refused, metadata=counts)


@dg.asset_check(asset="materials", description="Each database has a crawl that closed in the last three days.")
def sources_are_fresh(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Freshness is kept per source, because the newest partition would make all six look fresh."""
    whole = lake.scan(CRAWLS).filter(pl.col("state").is_in(ENDS) & (pl.col("scope") == ""))
    at = dict(whole.group_by("source").agg(pl.col("at").max()).collect().sort("source").iter_rows())
    late = [name for name in NAMES if name not in at or datetime.now(UTC) - at[name] > LATE]
    words = f"not crawled to the end lately: {', '.join(late)}" if late else None
    times = {f"last_crawled {name}": time.isoformat(timespec="seconds") for name, time in at.items()}
    return dg.AssetCheckResult(passed=not late, severity=WARN, description=words, metadata=times)


@dg.asset_check(asset="materials", description="Every crystal is in one material: none is lost, and none in two.")
def every_entry_is_in_one_material(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """What stands in no material has no row in the matrix; what stood in two would be counted twice."""
    bulk = lake.scan(ENTRIES).filter(pl.col("kind").is_in(KINDS)).select("entry_id")
    members = lake.scan(MATERIALS).select(entry_id="members").explode("entry_id")
    counts = {
        "lost": _rows(bulk.join(members, on="entry_id", how="anti")),
        "strange": _rows(members.join(bulk, on="entry_id", how="anti")),
        "twice": _rows(members.filter(pl.col("entry_id").is_duplicated())),
    }
    return dg.AssetCheckResult(passed=not any(counts.values()), metadata=counts)


@dg.asset_check(asset="materials", description="All entries of a material have the reduced formula that it says.")
def members_have_one_formula(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Two formulas are two crystals, whatever their shapes."""
    members = lake.scan(MATERIALS).select("reduced_formula", entry_id="members").explode("entry_id")
    told = members.join(lake.scan(ENTRIES).select("entry_id", told="reduced_formula"), on="entry_id")
    differing = _rows(told.filter(pl.col("reduced_formula") != pl.col("told")))
    return dg.AssetCheckResult(passed=not differing, metadata={"differing": differing})


@dg.asset_check(asset="material_ids", description="Every id ever given finds a material, or its entry is told no more.")
def every_id_finds_its_material(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """A material that is not found by its own id, or an old id that leads nowhere, breaks what others wrote down."""
    given, materials = lake.scan(MATERIAL_IDS), lake.scan(MATERIALS)
    members = materials.select("material_id", entry_id="members").explode("entry_id")
    holder = given.join(members.select("entry_id", holder="material_id"), on="entry_id", how="left")
    counts = {
        "astray": _rows(holder.filter(pl.col("current").ne_missing(pl.col("holder")))),
        "never given": _rows(materials.join(given, on="material_id", how="anti")),
    }
    return dg.AssetCheckResult(passed=not any(counts.values()), metadata=counts)


@dg.asset_check(asset="splits", description="Nothing that a scheme forbids crosses, and no part by formula is empty.")
def no_formula_crosses(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Polymorphs in train and test would let a model look its answer up."""
    splits = lake.read(SPLITS)
    crosses = crossing(splits)
    sizes = dict(splits.filter(pl.col("scheme") == DEFAULT)["split"].value_counts().iter_rows())
    told = {f"{scheme} crossing": count for scheme, count in crosses.items()}
    return dg.AssetCheckResult(passed=not any(crosses.values()) and len(sizes) == 3, metadata={**told, **sizes})


@dg.asset_check(asset="property_matrix", description="Every property that was observed is a column with values.")
def coverage(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """The share of materials that fill each column of the default policy, for the plot over time."""
    matrix, columns = matrix_of(lake), default().by_name
    shares = {name: matrix[name].count() / max(len(matrix), 1) for name in columns if name in matrix.columns}
    filled = {columns[name].property for name, share in shares.items() if share}
    members = lake.scan(MATERIALS).select(entry_id="members").explode("entry_id")  # a slab has values but no material
    observed = lake.scan(OBSERVATIONS).join(members, on="entry_id").select(pl.col("property").unique().sort()).collect()
    empty = [name for name in observed["property"] if name not in filled]
    words = f"observed, yet without a cell: {', '.join(empty)}" if empty else None
    return dg.AssetCheckResult(passed=not empty, severity=WARN, description=words, metadata=shares)


@dg.asset_check(
    asset="graphs", description="Every ordered entry has a graph, or a reject that says why not; no disordered one has."
)
def every_entry_has_a_graph(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """What has no graph is never learnt from, so it may not go unseen; and of disorder nothing may be learnt."""
    refused, graphs = part(lake, REJECTS, ["graphs"]).lazy(), lake.scan(GRAPHS)
    entries = lake.scan(ENTRIES).select("entry_id", "structure_hash", disordered=pl.col("kind") == DISORDERED)
    wanted = entries.filter(~pl.col("disordered")).join(refused, on="entry_id", how="anti")
    without = len(wanted.join(graphs, on="structure_hash", how="anti").collect())
    disordered = len(entries.filter("disordered").join(graphs, on="structure_hash", how="semi").collect())
    counts = {"without": without, "disordered": disordered}
    return dg.AssetCheckResult(passed=not without and not disordered, metadata=counts)


@dg.asset_check(asset="predictions", description="Every prediction is a number, and is called a prediction.")
def predictions_say_so(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Measured, computed and predicted are never mixed."""
    strange = lake.read(PREDICTIONS).filter(~pl.col("value").is_finite() | (pl.col("origin") != "predicted"))
    return dg.AssetCheckResult(passed=strange.is_empty(), metadata={"strange": len(strange)})


def _rows(frame: pl.LazyFrame) -> int:
    return frame.select(pl.len()).collect().item()
