"""Confirmation: the largest of many estimates are too large, so chosen claims are tried again on fresh seeds.

Confirmed means: on at least FEWEST seeds that had no part in choosing, and test crystals not looked at before, the gain
has the sign that was claimed, by a one-sided t test at LEVEL. Of pure noise a share LEVEL is confirmed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import binomtest, t

from models.transfer_map.statistics.gains import OVER_PLACEBO
from models.transfer_map.statistics.intervals import PAIR, estimated

FEWEST = 10
LEVEL = 0.05


class StaleSeeds(ValueError):
    """Seeds that chose a claim cannot confirm it, and few confirm nothing."""


def chosen(discoveries: pl.DataFrame, most: int = 20, families: Mapping[str, str] | None = None) -> pl.DataFrame:
    """The claims to try again, surest first: rows of `discovered` with `sure`, the end of the interval nearest zero.

    That end is large where a gain is both large and certain. families: task to family, by default each its own; pairs
    within one are left out, and of the pairs between two families, in one direction, the surest stands for all.
    """
    family = {name: (families or {}).get(name, name) for end in PAIR for name in discoveries[end].unique()}
    sure = pl.min_horizontal(pl.col("low").abs(), pl.col("high").abs())
    of = [pl.col(end).replace_strict(family, return_dtype=pl.String).alias(f"{end}_family") for end in PAIR]
    claims = discoveries.filter("discovery").with_columns(*of, sure=sure)
    claims = claims.filter(pl.col("target_family") != pl.col("source_family"))
    claims = claims.sort("sure", *PAIR, descending=[True, False, False])
    ends = [f"{end}_family" for end in PAIR]
    return claims.unique(ends, keep="first", maintain_order=True).drop(ends).head(most)


def confirmed(
    claims: pl.DataFrame, fresh: pl.DataFrame, used: Collection[int], of: str = OVER_PLACEBO, level: float = LEVEL
) -> pl.DataFrame:
    """target, source, claimed, n, gain, low, high, p (one-sided), kept (gain over claimed), confirmed.

    fresh: GAINS of the claims.  used: seeds that had a part in choosing. Variances are not moderated: each claim stands
    for itself. Raises StaleSeeds where a seed was used, or a claim has fewer than FEWEST.
    """
    stale = sorted(set(fresh["seed"].unique()) & set(used))
    if stale:
        raise StaleSeeds(f"only seeds that chose nothing confirm; used before: {stale}")
    told = claims.select(*PAIR, claimed="gain").join(
        estimated(fresh, of, moderated=False), on=PAIR, how="left", maintain_order="left"
    )
    few = told.filter(pl.col("n").fill_null(0) < FEWEST)
    if len(few):
        row = few.row(0, named=True)
        raise StaleSeeds(f"a claim needs {FEWEST} fresh seeds; {row['target']} with {row['source']}: {row['n'] or 0}")
    size = (told["gain"] * told["claimed"].sign() / told["error"]).to_numpy()
    p = pl.Series(t.sf(size, told["freedom"].to_numpy()), dtype=pl.Float64)
    told = told.with_columns(p=p, kept=pl.col("gain") / pl.col("claimed"), confirmed=p <= level)
    return told.select(*PAIR, "claimed", "n", "gain", "low", "high", "p", "kept", "confirmed")


@dataclass(frozen=True)
class Rate:
    """confirmed of tried.  low, high: Wilson's 95 % interval of the rate.  kept: the median gain over the claimed."""

    confirmed: int
    tried: int
    low: float
    high: float
    kept: float

    @property
    def rate(self) -> float:
        """NaN where nothing was tried."""
        return self.confirmed / self.tried if self.tried else float("nan")

    @property
    def trusted(self) -> bool:
        """Whether at least half was confirmed."""
        return self.rate >= 0.5

    @property
    def words(self) -> str:
        """What the report says of it, whatever it is."""
        if not self.tried:
            return "No claim was tried on fresh seeds: the map is not to be trusted yet."
        told = f"{self.confirmed} of {self.tried} claims were confirmed on fresh seeds ({self.rate:.0%}, 95 % interval "
        told += f"{self.low:.0%} to {self.high:.0%}); the median gain was {self.kept:.2f} of the claimed one."
        return told if self.trusted else f"{told} Fewer than half: the map is not to be trusted."


def rate(tried: pl.DataFrame) -> Rate:
    """The rate of the claims of `confirmed`."""
    k, n = int(tried["confirmed"].sum()), len(tried)
    low, high = wilson(k, n)
    return Rate(k, n, low, high, float(np.median(tried["kept"])) if n else float("nan"))


def wilson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share; 0 to 1 where nothing was counted."""
    if not n:
        return 0.0, 1.0
    told = binomtest(k, n).proportion_ci(confidence, method="wilson")
    return float(told.low), float(told.high)
