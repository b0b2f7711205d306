"""Conformal intervals: what share of new crystals lies inside is counted on crystals with labels, not assumed.

Split conformal prediction (Vovk et al., Algorithmic Learning in a Random World, 2005; normalised by a scale: Lei et
al., J. Am. Stat. Assoc. 113, 1094, 2018). Score: |label - value| / scale. The interval is value -+ q scale, where q is
the ceil((n + 1) level)-th smallest of n scores. Where learning takes logarithms, label and value are logarithms here,
and intervals are factors.

Scale: the root of the summed squares of two terms. One says what a crystal of this kind is uncertain by: the deviation
that the networks tell where their loss is `laplace`, else the mean absolute error over the calibration crystals, one
number for all. The other is the deviation between the seeds.

Calibration crystals are the validation split, drawn by the same hash of formulas as the test split. Early stopping has
seen it, so what the intervals cover is measured on test. Crystals of one formula are no independent witnesses: one of
each formula counts, in both splits. Far crystals count in neither: of them nothing is claimed.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import polars as pl

from lake.policies import UnknownColumn, property_of
from lake.tables import CALIBRATION

LEVEL = 0.9
FEWEST = 20  # calibration crystals; below it there is no interval
BAND = 0.99  # of the binomial band in which the coverage on test should lie
FILE = "calibration.json"  # beside checkpoints that are in no lake
KEYS = ("property", "study")


def quantile(scores: np.ndarray, level: float = LEVEL) -> float | None:
    """The ceil((n + 1) level)-th smallest of n scores; None where there are fewer than FEWEST."""
    rank = math.ceil((len(scores) + 1) * level)
    return float(np.sort(scores)[rank - 1]) if len(scores) >= FEWEST and rank <= len(scores) else None


def band(n: int, share: float = LEVEL) -> tuple[float, float]:
    """Central binomial band of BAND, as shares: where the coverage of n crystals lies if the level is right."""
    from scipy.stats import binom

    low, high = binom.interval(BAND, n, share)
    return float(low) / n, float(high) / n


def calibrate(said: pl.DataFrame) -> pl.DataFrame:
    """CALIBRATION rows, without licences, of what models said of labelled crystals.

    said: per crystal, property and study what `models.ensemble` tells, with split, label and reduced_formula.
    """
    rows = [_row(group) for _, group in said.group_by(KEYS, maintain_order=True)]
    names = [name for name in CALIBRATION.schema if name != "licences"]
    schema = {name: CALIBRATION.schema[name] for name in names}
    return pl.DataFrame(rows, schema=schema, orient="row").sort(KEYS)


def with_intervals(said: pl.DataFrame, calibration: pl.DataFrame) -> pl.DataFrame:
    """What was said with low and high, null for far crystals and where there is no quantile.

    Also `scale`, and `why`: where there is no interval though there is a value, the reason.
    """
    known = calibration.select(*KEYS, "models", "n", "quantile", "typical")
    rows = said.join(known, on=KEYS, how="left", maintain_order="left", suffix="_calibrated")
    same = pl.col("models") == pl.col("models_calibrated")
    reason = (
        pl.when(pl.col("value").is_null()).then(pl.lit(""))
        .when(pl.col("far").fill_null(False)).then(pl.lit("far from everything trained on: no interval"))
        .when(pl.col("n").is_null()).then(pl.lit("no interval: not calibrated: make the predictions first"))
        .when(~same).then(pl.lit("no interval: other models were calibrated, make the predictions again"))
        .when(pl.col("quantile").is_null())
        .then(pl.format("no interval: {} calibration crystals, {} are needed", "n", pl.lit(FEWEST)))
        .otherwise(pl.lit(""))
    )  # fmt: skip
    rows = rows.with_columns(why=reason, scale=_scale())
    half = pl.when(pl.col("why") == "", pl.col("value").is_not_null()).then(pl.col("quantile") * pl.col("scale"))
    log = pl.col("floor").is_not_null()
    centre = pl.max_horizontal("value", "floor").log()
    low = (
        pl.when(~log)
        .then(pl.col("value") - half)
        .when(centre - half > pl.col("floor").log())
        .then((centre - half).exp())
    )  # below the floor nothing is told apart: there the interval is open, down to the property's range
    low = pl.when(half.is_null()).then(None).otherwise(pl.coalesce(low, pl.lit(-math.inf)))
    high = pl.when(log).then((centre + half).exp()).otherwise(pl.col("value") + half)
    ranges = {name: _range(name) for name in said["property"].unique()}
    least, most = (
        pl.col("property").replace_strict({n: ends[at] for n, ends in ranges.items()}, return_dtype=pl.Float64)
        for at in (0, 1)
    )
    # the range of what can be holds, and the value stays inside its interval even where the network left the range
    low = pl.when(low.is_not_null()).then(pl.min_horizontal(pl.max_horizontal(low, least), "value"))
    high = pl.when(high.is_not_null()).then(pl.max_horizontal(pl.min_horizontal(high, most), "value"))
    return rows.with_columns(low=low, high=high).drop("models_calibrated", "n", "quantile", "typical")


def digest(checkpoints: list[tuple[str, str]]) -> str:
    """Which models these are, by slug and digest of their rows: a calibration is of them and of no others."""
    words = "\n".join(sorted(f"{slug} {data}" for slug, data in checkpoints))
    return hashlib.blake2b(words.encode(), digest_size=8).hexdigest()


def _row(group: pl.DataFrame) -> dict[str, object]:
    """One property and study: the quantile on validation, the coverage on test."""
    told = group.filter(pl.col("label").is_not_null(), pl.col("value").is_finite())
    near = one_per_formula(told.filter(~pl.col("far").fill_null(False)))
    validation, test = near.filter(split="validation"), near.filter(split="test")
    errors = validation.select(_residual()).to_series()
    typical = max(float(errors.mean() or 0.0), 1e-12)
    scores = validation.with_columns(typical=pl.lit(typical)).select(_residual() / _scale()).to_series().to_numpy()
    asked = told.filter(split="test")
    row = {
        **{name: group[name][0] for name in (*KEYS, "models")},
        "level": LEVEL,
        "n": len(validation),
        "quantile": quantile(scores),
        "typical": typical,
        "n_test": len(test),
        "far": float(asked["far"].fill_null(False).mean()) if len(asked) else None,
    }
    calibrated = pl.DataFrame([row], schema_overrides={"quantile": pl.Float64})
    if row["quantile"] is None or not len(test):
        return row | dict.fromkeys(("coverage", "band_low", "band_high", "width"))
    answered = with_intervals(test, calibrated)
    inside = answered.select(covered()).to_series()
    width = answered.select((pl.col("high") - pl.col("low")).median()).item()
    low, high = band(len(test))
    return row | {"coverage": float(inside.mean()), "band_low": low, "band_high": high, "width": width}


def covered() -> pl.Expr:
    """Whether the label is inside its interval (to rounding: labels are float32 in learning)."""
    slack = 1e-6 * pl.col("label").abs()
    return pl.col("label").is_between(pl.col("low") - slack, pl.col("high") + slack)


def one_per_formula(rows: pl.DataFrame) -> pl.DataFrame:
    """One entry of each formula, drawn by a hash of its id."""
    lots = [hashlib.blake2b(name.encode(), digest_size=8).hexdigest() for name in rows["entry_id"]]
    drawn = rows.with_columns(lot=pl.Series(lots, dtype=pl.String)).sort("lot")
    return drawn.unique("reduced_formula", keep="first", maintain_order=True).drop("lot")


def _residual() -> pl.Expr:
    floor = pl.col("floor")
    ratio = (pl.max_horizontal("label", floor).log() - pl.max_horizontal("value", floor).log()).abs()
    return pl.when(floor.is_not_null()).then(ratio).otherwise((pl.col("label") - pl.col("value")).abs())


def _scale() -> pl.Expr:
    kind = pl.coalesce("told", "typical")
    return (kind.pow(2) + pl.col("apart").fill_null(0.0).pow(2)).sqrt()


def _range(name: str) -> tuple[float, float]:
    """What the catalog says that a value can be; no limits for what is not of the catalog."""
    try:
        known = property_of(name)
    except UnknownColumn:
        return -math.inf, math.inf
    return known.low, known.high
