"""Intervals: what the gain of each ordered pair is, its standard error, and its 95 % t interval. No torch here.

Seeds are independent, and all that one seed says of one pair is one number. The variance of the mean gain is

    (1 / n + overlap) v + c

with v the variance over seeds, by default moderated (moderation.py); overlap the test rows over the training rows where
the seeds also draw the split, 0 where they share one (Nadeau and Bengio 2003); c what else adds to it: the part of the
test crystals, where their errors are known and are the same crystals for all seeds (without it an interval speaks of
these crystals only), or that of further single runs (singles.py).
All pairs of one target share its single runs, so their errors go together; each interval stands for itself.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import t

from models.transfer_map.statistics.gains import KEYS, OVER_PLACEBO
from models.transfer_map.statistics.moderation import Prior, prior_of

CONFIDENCE = 0.95
PAIR = ("target", "source")


def estimated(
    gains: pl.DataFrame,
    of: str = OVER_PLACEBO,
    moderated: bool = True,
    overlap: float | np.ndarray = 0.0,
    parts: pl.DataFrame | None = None,
    confidence: float = CONFIDENCE,
) -> pl.DataFrame:
    """PAIRS: target, source, n (seeds), gain, error (standard), freedom, low, high, p (two-sided, of no gain).

    gains: GAINS.  overlap: one for all, or for each pair of `matrix_of`.  parts: target, source (or target alone),
    variance, freedom, of `crystal_part` or of `singles.steadied`.  Interval and p are null with one seed. Sorted by
    target and source.
    """
    pairs, values = matrix_of(gains, of)
    n = np.isfinite(values).sum(1)
    mean, variance, freedom = moments(values, moderated)
    variance = variance * (1 / n + overlap)
    if parts is not None:
        variance, freedom = with_parts(pairs, variance, freedom, parts)
    return told_of(pairs.with_columns(n=pl.Series(n, dtype=pl.Int64)), mean, variance**0.5, freedom, confidence)


def with_parts(
    pairs: pl.DataFrame, variance: np.ndarray, freedom: np.ndarray, parts: pl.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Variances of means and their degrees of freedom (Satterthwaite) when independent parts are added to them."""
    keys = [key for key in PAIR if key in parts.columns]
    told = pairs.join(parts, on=keys, how="left", maintain_order="left")
    part, part_freedom = (told[name].fill_null(0.0).to_numpy() for name in ("variance", "freedom"))
    whole = variance + part
    with np.errstate(divide="ignore", invalid="ignore"):
        doubt = variance**2 / freedom + np.where(part > 0, part**2 / part_freedom, 0)
        freedom = np.where(doubt > 0, whole**2 / doubt, freedom)
    return whole, freedom


def told_of(
    pairs: pl.DataFrame, gain: np.ndarray, error: np.ndarray, freedom: np.ndarray, confidence: float = CONFIDENCE
) -> pl.DataFrame:
    """PAIRS from estimates, standard errors and degrees of freedom, a number for each row of `pairs`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = t.ppf((1 + confidence) / 2, freedom) * error
        p = 2 * t.sf(np.abs(gain) / error, freedom)
    told = {"gain": gain, "error": error, "freedom": freedom, "low": gain - half, "high": gain + half, "p": p}
    columns = [pl.Series(name, values, dtype=pl.Float64, nan_to_null=True) for name, values in told.items()]
    return pairs.with_columns(columns)


def matrix_of(gains: pl.DataFrame, of: str) -> tuple[pl.DataFrame, np.ndarray]:
    """The pairs (target, source), sorted, and their gains: (pairs, seeds) float64, NaN where missing."""
    known = gains.select(*KEYS, pl.col(of).cast(pl.Float64).fill_nan(None)).drop_nulls()
    if not len(known):
        return known.select(PAIR), np.empty((0, 0))
    wide = known.pivot("seed", index=list(PAIR), values=of, sort_columns=True).sort(PAIR)
    return wide.select(PAIR), wide.drop(PAIR).cast(pl.Float64).fill_null(float("nan")).to_numpy()


def moments(values: np.ndarray, moderated: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of gains (pairs, seeds) the mean of each pair, the variance of one seed, and its degrees of freedom (pairs,).

    The last two are NaN with one seed.
    """
    n = np.isfinite(values).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(values, 1) / n
        residuals = values - mean[:, None]
        freedom = np.where(n > 1, n - 1.0, np.nan)
        variance = np.nansum(residuals**2, 1) / freedom
    prior = prior_of(residuals) if moderated and len(values) else Prior(0.0, 0.0, 0.0)
    return mean, *(prior.moderated(variance, freedom) if prior.freedom > 0 else (variance, freedom))


def crystal_part(errors: pl.DataFrame) -> pl.DataFrame:
    """What the choice of test crystals adds to the variance of each mean gain: target, source, variance, freedom.

    errors: of `gains.crystals_of`. Crystals and seeds are crossed: a crystal's part in a log ratio is its error before
    over the mean error before, less the same after; the mean square of crystals, less that of crystals by seeds, is
    what the seeds' own variance does not hold. Raises ValueError where a pair's seeds have other numbers of crystals.
    """
    rows = []
    for (target, source), part in errors.group_by(PAIR, maintain_order=True):
        sizes = {len(list_) for name in ("before", "after") for list_ in part[name]}
        if len(sizes) != 1:
            raise ValueError(f"{target} with {source}: all seeds need the same test crystals; found {sorted(sizes)}")
        before, after = (np.array(part[name].to_list(), float) for name in ("before", "after"))
        share = before / before.mean(1, keepdims=True) - after / after.mean(1, keepdims=True)
        seeds, crystals = share.shape
        mean = share.mean(0)
        by_crystal = seeds * mean.var(ddof=1)
        crossed = ((share - mean) ** 2).sum() / ((seeds - 1) * (crystals - 1)) if seeds > 1 else 0.0
        variance = max(by_crystal - crossed, 0.0) / (seeds * crystals)
        # Satterthwaite: the difference of two mean squares is known worse than either.
        doubt = (by_crystal**2 / (crystals - 1) + crossed**2 / max((seeds - 1) * (crystals - 1), 1)) / crystals**2
        freedom = variance**2 / (doubt / seeds**2) if variance else float(crystals - 1)
        rows.append((target, source, variance, freedom))
    schema = {"target": pl.String, "source": pl.String, "variance": pl.Float64, "freedom": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")
