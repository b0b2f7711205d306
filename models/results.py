"""What the finished runs say, summed up: errors beside the mean predictor's, and gains with their intervals."""

from __future__ import annotations

import json
import re

import polars as pl

from lake.store import Lake
from lake.tables import PREDICTIONS, RUNS, TRANSFER
from models.licences import TOGETHER
from models.run import Run, runs_frame
from models.transfer import summary

SEEDED = re.compile(r"-s\d+-[0-9a-f]{8}$")  # the end of a slug: its seed, and a digest of which the seed is a part


def errors(lake: Lake) -> pl.DataFrame:
    """Per study and property the recipe with the lowest validation error, averaged over its seeds.

    The test error is reported, never used to choose. Columns: study, property, unit, seeds, n_train, n_test,
    mae_validation, mae_test, mae_test_spread (standard deviation over seeds), mae_mean_predictor, n_validation,
    recipe (as JSON, without its seed), licences.
    """
    runs = lake.read(RUNS)
    mean = [pl.col(c).mean() for c in ("mae_validation", "mae_test", "mae_mean_predictor")]
    return (
        runs.with_columns(pl.col("recipe").map_elements(without_seed, return_dtype=pl.String))
        .group_by("study", "property", "unit", "recipe")
        .agg(
            pl.col("seed").n_unique().alias("seeds"),
            pl.col("n_train", "n_validation", "n_test").max(),
            pl.col("mae_test").std().alias("mae_test_spread"),
            *mean,
            licences=TOGETHER,
        )
        .sort("mae_validation", "recipe", nulls_last=True)
        .unique(["study", "property"], keep="first", maintain_order=True)
        .sort("property", "study", descending=[False, True])
    )


def told_of(run: Run) -> pl.DataFrame:
    """One run's errors, a row per property: property, unit, n_train, n_test, mae_validation, mae_test, and the mean
    predictor's beside it."""
    columns = ("property", "unit", "n_train", "n_test", "mae_validation", "mae_test", "mae_mean_predictor")
    return runs_frame([run]).select(columns)


def best_study(lake: Lake, name: str) -> str | None:
    """The study whose predictions of a property to use: lowest validation error, by name where none is known."""
    named = pl.col("property") == name
    told = lake.scan(PREDICTIONS).filter(named).select(pl.col("study").unique().sort()).collect()["study"].to_list()
    tried = errors(lake).filter(named, pl.col("study").is_in(told)).drop_nulls("mae_validation")
    return min(tried.select("mae_validation", "study").rows())[1] if len(tried) else next(iter(told), None)


def gains(lake: Lake) -> pl.DataFrame:
    """Gains of joint over single training with a verdict, best first.

    Columns: property, partners, seeds, mean, low, high, verdict. Each interval stands for itself: many properties
    looked at together bring a false finding now and then. One seed has no interval, so it makes no claim.
    """
    transfer = lake.read(TRANSFER)
    partners = transfer.group_by("property").agg(pl.col("partners").first())
    told = summary(transfer).rename({"n": "seeds", "gain": "mean"}).join(partners, on="property")
    columns = ("property", "partners", "seeds", "mean", "low", "high", verdict(pl.col("low"), pl.col("high")))
    return told.select(columns).sort("mean", "property", descending=[True, False])


def verdict(low: pl.Expr, high: pl.Expr) -> pl.Expr:
    """`helps` or `hurts` where the interval keeps off zero, else `no claim`."""
    found = pl.when(low > 0).then(pl.lit("helps")).when(high < 0).then(pl.lit("hurts"))
    return found.otherwise(pl.lit("no claim")).alias("verdict")


def without_seed(recipe: str) -> str:
    """A recipe's JSON without its seed, so that the seeds of one recipe fall together.

    Nor with what follows from the seed: the slugs of the runs begun with, and which of several draws validated best.
    """
    told = {k: v for k, v in json.loads(recipe).items() if k != "seed"}
    if told.get("starts"):
        told["starts"] = [SEEDED.sub("", slug) for slug in told["starts"]]
        told["options"] = [option for option in told.get("options", []) if option[0] != "draw"]
    return json.dumps(told, sort_keys=True)
