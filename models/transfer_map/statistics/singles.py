"""Singles: a target's single runs stand in all its raw gains, so more of them are worth more than more pairs. No torch.

With singles also by seeds that trained no pair, the mean single error a is known better than by the pairs' own seeds.
The estimator is that of double sampling with regression (Cochran, Sampling Techniques, 3rd ed., 12.6): with j the log
error together, slope b of j on a over seeds, and a share g = b + (1 - b) n / (n + m) of n paired and m further seeds,

    gain = mean over paired seeds of (g a - j) + (1 - g) (mean of a over further seeds)

With b = 1, where a seed moves both alike, it is the paired mean; with b = 0, where pairing gains nothing, all singles
count alike. The slope is one for all targets, each in units of its own spread: one target's five seeds cannot tell it.
It is taken from the same seeds, and not allowed for in the errors. Gains over placebo hold no single run: they stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

FEWEST = 3  # further seeds of a target


@dataclass(frozen=True)
class Steadied:
    """gains: the frame as given, its raw gains steadied.  parts: target, variance, freedom: what the mean of the
    further singles adds to the variance of each mean gain of a target.  slope: b, None where nothing was steadied.
    """

    gains: pl.DataFrame
    parts: pl.DataFrame
    slope: float | None


def steadied(gains: pl.DataFrame, runs: pl.DataFrame) -> Steadied:
    """GAINS (or those of subsets: target, seed, gain) with the help of all single runs among RUNS.

    Targets without FEWEST seeds more stay as they are.
    """
    single = pl.col("tasks").list.len() == 1
    singles = runs.filter(single & (pl.col("placebo").list.len() == 0) & (pl.col("target") == ""))
    singles = singles.select("seed", target="task", alone=pl.col("error").log())
    paired = gains.group_by("target", "seed").agg(mean=pl.col("gain").mean()).drop_nulls()
    paired = paired.join(singles, on=["target", "seed"]).with_columns(together=pl.col("alone") - pl.col("mean"))
    further = singles.join(paired, on=["target", "seed"], how="anti").group_by("target").agg(
        many=pl.len(), beyond=pl.col("alone").mean(), variance=pl.col("alone").var()
    ).filter(pl.col("many") >= FEWEST)  # fmt: skip
    slope = _slope(paired)
    if not len(further) or slope is None:
        return Steadied(gains, pl.DataFrame(schema=_PARTS), None)
    told = paired.join(further, on="target").with_columns(n=pl.len().over("target"))
    told = told.with_columns(share=slope + (1 - slope) * pl.col("n") / (pl.col("n") + pl.col("many")))
    rest = 1 - pl.col("share")
    moved = told.select("target", "seed", move=rest * (pl.col("beyond") - pl.col("alone")))
    parts = told.unique("target").select(
        "target", variance=rest**2 * pl.col("variance") / pl.col("many"), freedom=pl.col("many") - 1.0
    )
    found = gains.join(moved, on=["target", "seed"], how="left", maintain_order="left")
    found = found.with_columns(gain=pl.col("gain") + pl.col("move").fill_null(0.0)).drop("move")
    return Steadied(found, parts.sort("target"), slope)


_PARTS = {"target": pl.String, "variance": pl.Float64, "freedom": pl.Float64}


def _slope(paired: pl.DataFrame) -> float | None:
    """The slope of the mean log error together on that alone, over seeds within targets; 0 to 1, None if unknown."""
    middle = [(pl.col(name) - pl.col(name).mean().over("target")).alias(name) for name in ("alone", "together")]
    left = paired.with_columns(middle).with_columns(unit=pl.col("alone").std().over("target"))
    left = left.filter(pl.col("unit") > 0)
    if not len(left):
        return None
    x, y = (left[name].to_numpy() / left["unit"].to_numpy() for name in ("alone", "together"))
    return float(np.clip(x @ y / (x @ x), 0.0, 1.0))
