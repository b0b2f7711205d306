"""Power: with these seeds and this spread, with what probability is an effect seen (noncentral t). No torch here."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.stats import nct, t

from models.transfer_map.statistics.discoveries import Q, threshold

ENOUGH = 0.8


def power(effect: float, n: int, spread: float, level: float = Q, freedom: float | None = None) -> float:
    """The probability that a two-sided t test at this level sees the effect, with its sign.

    spread: standard deviation of one paired gain.  n: seeds.  freedom: of the spread, n - 1 unless moderated.
    """
    freedom = n - 1 if freedom is None else freedom
    return float(nct.sf(t.isf(level / 2, freedom), freedom, abs(effect) * np.sqrt(n) / spread))


def smallest_effect(
    n: int, spread: float, level: float = Q, freedom: float | None = None, enough: float = ENOUGH
) -> float:
    """The effect that is seen with probability `enough`."""
    top = spread
    while power(top, n, spread, level, freedom) < enough:
        top *= 2
    return float(brentq(lambda effect: power(effect, n, spread, level, freedom) - enough, 0.0, top))


def statement(pairs: pl.DataFrame, effect: float = 0.05, q: float = Q) -> str:
    """The power of a map in two sentences: of its median pair, at the p-value where its discoveries end.

    pairs: PAIRS of `estimated`, whose spread is the error times the root of n.
    """
    known = pairs.drop_nulls("p")
    if not len(known):
        return "Each pair was trained with one seed: no effect can be told from chance."
    n, freedom = int(known["n"].median()), float(known["freedom"].median())
    spread, level = float((known["error"] * known["n"].sqrt()).median()), threshold(known, q)
    seen, least = power(effect, n, spread, level, freedom), smallest_effect(n, spread, level, freedom)
    return (
        f"With {n} seeds a pair and a spread of {spread:.1%} an effect of {effect:.0%} is seen with probability "
        f"{seen:.2f} (p below {level:.1g}, where the discoveries of {len(known)} pairs end). "
        f"The smallest effect seen with probability {ENOUGH:.2f} is {least:.1%}."
    )
