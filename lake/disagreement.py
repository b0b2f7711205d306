"""How far two databases are apart where both state the same property of the same material."""

from __future__ import annotations

import polars as pl

from lake.store import Lake
from lake.tables import MATERIALS, OBSERVATIONS


def disagreement(lake: Lake, at_least: int = 1) -> pl.DataFrame:
    """Per property and pair of sources: n materials, median and 90th percentile of the absolute difference, unit.

    A source that tells a material several times counts with its median. Different levels of theory stay different:
    this says what a user meets, not who is right.
    """
    members = lake.scan(MATERIALS).select("material_id", pl.col("members").alias("entry_id")).explode("entry_id")
    values = (
        lake.scan(OBSERVATIONS)
        .join(members, on="entry_id")
        .group_by("property", "unit", "material_id", "source")
        .agg(pl.col("value").median())
    )
    difference = (pl.col("value") - pl.col("value_b")).abs()
    return (
        values.join(values, on=["property", "unit", "material_id"], suffix="_b")
        .filter(pl.col("source") < pl.col("source_b"))
        .group_by("property", "unit", pl.col("source").alias("source_a"), "source_b")
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            difference.median().alias("median_difference"),
            difference.quantile(0.9, "linear").alias("p90_difference"),
        )
        .filter(pl.col("n") >= at_least)
        .sort(["n", "property", "source_a", "source_b"], descending=[True, False, False, False])
        .collect()
    )
