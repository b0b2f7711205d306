"""What the lake holds, counted: per source, per reason of refusal, per pair of sources, per level and licence."""

from __future__ import annotations

import polars as pl

from lake.store import Lake
from lake.tables import ENTRIES, LABELS, MATERIALS, OBSERVATIONS, RECORDS, REJECTS

NUMBERS = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"


def by_source(lake: Lake) -> pl.DataFrame:
    """source, records (distinct ids), entries, rejects, materials; most entries first."""
    counts = {
        "records": _standing(lake).group_by("source").agg(pl.col("source_id").n_unique()),
        "entries": lake.scan(ENTRIES).group_by("source").len(),
        "rejects": lake.scan(REJECTS).group_by("source").len(),
        "materials": _per_source(lake).group_by("source").len(),
    }
    long = pl.concat([
        frame.collect().select("source", pl.lit(kind).alias("kind"), pl.last().cast(pl.Int64).alias("n"))
        for kind, frame in counts.items()
    ])  # fmt: skip
    sources = long.select("source").unique()
    for kind in counts:
        column = long.filter(pl.col("kind") == kind).select("source", pl.col("n").alias(kind))
        sources = sources.join(column, on="source", how="left")
    return sources.fill_null(0).sort(["entries", "source"], descending=[True, False])


def _standing(lake: Lake) -> pl.LazyFrame:
    """source and source_id of every record that has a version and whose last one is no tombstone."""
    crystals = (
        lake.scan(RECORDS).filter(pl.col("route") == "").select("source", "source_id", "crawl", "fetched_at", "gone")
    )
    newest = crystals.sort("crawl", "fetched_at").unique(["source", "source_id"], keep="last", maintain_order=True)
    return newest.filter(~pl.col("gone"))


def reasons(lake: Lake) -> pl.DataFrame:
    """Rejects of one kind together: source, stage, n, example; reasons that differ only in numbers are one kind."""
    kind = pl.col("reason").str.replace_all(NUMBERS, "#").alias("kind")
    grouped = lake.scan(REJECTS).group_by("source", "stage", kind)
    counted = grouped.agg(pl.len().cast(pl.Int64).alias("n"), pl.col("reason").min().alias("example")).drop("kind")
    return counted.sort(["n", "source", "stage", "example"], descending=[True, False, False, False]).collect()


def shared(lake: Lake) -> pl.DataFrame:
    """source_a, source_b, n: materials that both tell; a equal to b counts all materials of that source."""
    told = _per_source(lake)
    pairs = told.join(told, on="material_id", suffix="_b").rename({"source": "source_a"})
    return pairs.group_by("source_a", "source_b").len("n").sort("source_a", "source_b").collect()


def repeats(lake: Lake) -> dict[str, int]:
    """materials, and how many of them are told by several databases; entries that only repeat a material."""
    row = lake.scan(MATERIALS).select(
        materials=pl.len(),
        shared=(pl.col("n_sources") > 1).sum(),
        repeated=(pl.col("members").list.len().cast(pl.Int64) - 1).sum(),
    )
    return row.collect().row(0, named=True)


def levels(lake: Lake) -> pl.DataFrame:
    """source, level_of_theory, n entries."""
    return lake.scan(ENTRIES).group_by("source", "level_of_theory").len("n").sort("source", "level_of_theory").collect()


def licences(lake: Lake) -> pl.DataFrame:
    """source, licence, n entries."""
    return lake.scan(ENTRIES).group_by("source", "licence").len("n").sort("source", "licence").collect()


def flags(lake: Lake) -> pl.DataFrame:
    """property, source, flag, unit, n, of (all values of that source), lowest and highest flagged; most first."""
    by = "property", "source", "unit"
    told = lake.scan(OBSERVATIONS)
    flagged = told.filter(pl.col("flag").is_not_null()).group_by(*by, "flag").agg(
        pl.len().cast(pl.Int64).alias("n"), lowest=pl.col("value").min(), highest=pl.col("value").max()
    )  # fmt: skip
    counted = flagged.join(told.group_by(by).agg(of=pl.len().cast(pl.Int64)), on=by)
    return counted.sort(["n", *by, "flag"], descending=[True, *[False] * 4]).collect()


def references(lake: Lake) -> pl.DataFrame:
    """Where the user's own values are from: reference, licence, n values, most first."""
    grouped = lake.scan(LABELS).group_by("reference", "licence").len("n")
    return grouped.sort(["n", "reference"], descending=[True, False]).collect()


def _per_source(lake: Lake) -> pl.LazyFrame:
    """One row per material and database that tells it."""
    told = lake.scan(MATERIALS).select("material_id", pl.col("sources").list.unique().alias("source"))
    return told.explode("source")
