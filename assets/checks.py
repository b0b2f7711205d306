"""Checks: what must hold for the tables, asked of the tables as they lie there, not of the code that wrote them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl

from assets.conventions import part
from assets.partitions import SOURCES
from lake.properties import PROPERTIES
from lake.properties.definition import Property
from lake.store import Lake
from lake.tables import (
    CRAWLS, ENTRIES, GRAPHS, OBSERVATIONS, PREDICTIONS, PROPERTY_MATRIX, RECORDS, REJECTS, SPLITS, TABLES, ContractError, Table,
)  # fmt: skip

LATE = timedelta(days=3)  # a nightly crawl may miss a night or two, as databases are serviced at weekends
ELSEWHERE = ("observations", "runs")  # tables in parts: checked property by property, and with the predictions


def contract_holds(table: Table) -> dg.AssetChecksDefinition:
    """The check that a table still is what its contract says; of a table by source, the partition just written."""

    @dg.asset_check(
        asset=table.name,
        description="Columns, types and nulls are as promised, and the key is unique.",
    )
    def contract_holds(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        rows = part(lake, table, context.partition_key if context.has_partition_key else None)
        promised = replace(table, columns=tuple(c for c in table.columns if c.name in rows.columns))
        try:
            return dg.AssetCheckResult(passed=True, metadata={"rows": len(promised.checked(rows))})
        except ContractError as broken:
            return dg.AssetCheckResult(passed=False, description=str(broken))

    return contract_holds


def values_possible(prop: Property) -> dg.AssetChecksDefinition:
    """The check that a property's observations are numbers that it can have, in its unit."""

    @dg.asset_check(
        asset=dg.AssetKey(["observations", prop.name]),
        description=f"Every value is finite, in {prop.low}..{prop.high} {prop.unit}, each entry has one.",
    )
    def values_possible(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        rows = part(lake, OBSERVATIONS, prop.name)
        fine = pl.col("value").is_between(prop.low, prop.high) & (pl.col("unit") == prop.unit)
        strange = rows.filter(~fine | pl.col("value").is_nan() | pl.col("entry_id").is_duplicated())
        return dg.AssetCheckResult(passed=strange.is_empty(), metadata={"rows": len(rows), "strange": len(strange)})

    return values_possible


@dg.asset_check(asset="entries", description="Every record is an entry or a reject.")
def nothing_lost(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """A record that is neither has vanished; an entry that is not a record came from nowhere."""
    source = context.partition_key
    told = set(f"{source}:" + part(lake, RECORDS, source)["source_id"])
    read, refused = (part(lake, *of)["entry_id"] for of in ((ENTRIES, source), (REJECTS, f"entries.{source}")))
    lost, conjured = told - {*read, *refused}, {*read, *refused} - told
    counts = {"records": len(told), "entries": len(read), "rejects": len(refused), "lost": len(lost)}
    return dg.AssetCheckResult(passed=not lost and not conjured, metadata=counts | {"conjured": len(conjured)})


@dg.asset_check(asset="materials", description="Each source has a crawl that closed in the last days.")
def sources_are_fresh(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Freshness is kept per source, because the newest partition would make all six look fresh."""
    closed = lake.scan(CRAWLS).filter(pl.col("state") == "closed").group_by("source").agg(pl.col("at").max()).collect()
    at = dict(closed.iter_rows())
    late = [name for name in SOURCES.get_partition_keys() if name not in at or datetime.now(UTC) - at[name] > LATE]
    return dg.AssetCheckResult(
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"not crawled to the end lately: {', '.join(late)}" if late else None,
        metadata={f"last_crawled {name}": time.isoformat(timespec="seconds") for name, time in sorted(at.items())},
    )


@dg.asset_check(asset="splits", description="No reduced formula stands in two splits, and none of them is empty.")
def no_formula_crosses(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Polymorphs in train and test would let a model look its answer up."""
    splits = lake.read(SPLITS)
    crossing = splits.group_by("reduced_formula").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1)
    sizes = dict(splits["split"].value_counts().iter_rows())
    return dg.AssetCheckResult(passed=crossing.is_empty() and len(sizes) == 3, metadata={"crossing": len(crossing), **sizes})


@dg.asset_check(asset="property_matrix", description="Every property that was observed is a column with values.")
def coverage(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """The share of materials that know each property, for the plot over time; a warning where observations gave no cell."""
    matrix = lake.read(PROPERTY_MATRIX)
    filled = {name: int(matrix[name].is_not_nan().sum()) for name in PROPERTIES if name in matrix.columns}
    observed = set(lake.scan(OBSERVATIONS).select(pl.col("property").unique()).collect()["property"])
    empty = sorted(name for name in observed if not filled.get(name))
    shares = {name: count / max(len(matrix), 1) for name, count in filled.items()}
    return dg.AssetCheckResult(
        passed=not empty,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"observed, yet no cell: {', '.join(empty)}" if empty else None,
        metadata=shares,
    )


@dg.asset_check(asset="graphs", description="Every entry has a graph, or a reject that says why not.")
def every_entry_has_a_graph(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """What has no graph is never learnt from, so it may not go unseen."""
    refused = part(lake, REJECTS, "graphs")["entry_id"].implode()
    wanted = lake.scan(ENTRIES).filter(~pl.col("entry_id").is_in(refused)).select("structure_hash")
    without = wanted.join(lake.scan(GRAPHS), on="structure_hash", how="anti").collect()
    return dg.AssetCheckResult(passed=without.is_empty(), metadata={"without": len(without), "refused": refused.len()})


@dg.asset_check(asset="predictions", description="Every prediction is a number, and is called a prediction.")
def predictions_say_so(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Measured, computed and predicted are never mixed."""
    strange = lake.read(PREDICTIONS).filter(~pl.col("value").is_finite() | (pl.col("origin") != "predicted"))
    return dg.AssetCheckResult(passed=strange.is_empty(), metadata={"strange": len(strange)})


ALL = [
    *(contract_holds(table) for table in TABLES.values() if table.name not in ELSEWHERE),
    *(values_possible(prop) for prop in PROPERTIES.values()),
    nothing_lost, sources_are_fresh, no_formula_crosses, coverage, every_entry_has_a_graph, predictions_say_so,
]  # fmt: skip
