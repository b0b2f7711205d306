"""Gains: what each way of sharing gained over training alone, paired by seed, with 95 % t intervals. No torch here.

A gain is log(error alone / error), of which -0.1 is an error about a tenth larger. The intervals speak of seeds only:
one split, one lake. Each stands for itself: of many, one in twenty leaves zero by chance.
"""

from __future__ import annotations

import polars as pl

from lake.store import Lake
from lake.tables import MULTITASK
from models.multitask.plan import LOW
from models.results import verdict
from models.task import in_order
from models.transfer import summary

ALL = "all"  # the mean over properties, seed by seed


def gains(lake: Lake) -> pl.DataFrame:
    """Per method and property, with all labels: method, property, seeds, gain, low, high, verdict.

    The property `all` is the mean over properties. Properties in the house's order, `all` last; methods by that mean,
    best first.
    """
    rows = lake.read(MULTITASK).filter(pl.col("labels") == 0).drop_nulls("gain")
    names = [*in_order(rows["property"].unique()), ALL]
    each = pl.concat([rows.select("method", "seed", "property", "gain"), _means(rows)])
    told = _summed(each, "property")
    mean = dict(told.filter(pl.col("property") == ALL).select("method", "gain").iter_rows())
    order = {name: at for at, name in enumerate(names)}
    return told.sort(
        pl.col("method").replace_strict(mean, default=0.0, return_dtype=pl.Float64),
        "method",
        pl.col("property").replace_strict(order, default=len(names), return_dtype=pl.Int64),
        descending=[True, False, False],
    )


def worst(told: pl.DataFrame) -> pl.DataFrame:
    """Per method of `gains` the property that it serves worst: method, worst, gain, low, high, verdict."""
    rows = told.filter(pl.col("property") != ALL).sort("gain", "property")
    first = rows.unique("method", keep="first", maintain_order=True).rename({"property": "worst"})
    return first.select("method", "worst", "gain", "low", "high", "verdict")


def low_data(lake: Lake) -> pl.DataFrame:
    """The low-data curve of LOW: method, labels, seeds, gain, low, high, verdict; the last point has all labels."""
    rows = lake.read(MULTITASK).filter(pl.col("property") == LOW).drop_nulls("gain")
    few = rows.filter(pl.col("labels") > 0)["method"].unique().to_list()
    told = rows.filter(pl.col("method").is_in(few)).with_columns(count=pl.col("n_train").cast(pl.String))
    found = _summed(told.select("method", "seed", "gain", property="count"), "labels")
    return found.with_columns(pl.col("labels").cast(pl.Int64)).sort("method", "labels")


def _means(rows: pl.DataFrame) -> pl.DataFrame:
    """The mean over properties of each method and seed, where it has all properties that the method has."""
    full = rows.with_columns(of=pl.col("property").n_unique().over("method"))
    each = full.group_by("method", "seed", "of").agg(pl.col("gain").mean(), pl.len())
    each = each.filter(pl.col("len") == pl.col("of"))
    return each.select("method", "seed", pl.lit(ALL).alias("property"), "gain")


def _summed(rows: pl.DataFrame, what: str) -> pl.DataFrame:
    """Per method and value of `property` the summary over seeds; `property` is called `what` afterwards."""
    schema = {"method": pl.String, what: pl.String, "seeds": pl.Int64, "gain": pl.Float64, "low": pl.Float64,
              "high": pl.Float64, "verdict": pl.String}  # fmt: skip
    parts = [
        summary(part.sort("property", "seed")).rename({"n": "seeds"}).with_columns(
            verdict(pl.col("low"), pl.col("high")), method=pl.lit(name)
        ).rename({"property": what} if what != "property" else {}).select(list(schema))
        for (name,), part in rows.group_by("method", maintain_order=True)
    ]  # fmt: skip
    return pl.concat([pl.DataFrame(schema=schema), *parts])
