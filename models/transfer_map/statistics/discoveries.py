"""Discoveries: which of all ordered pairs have a gain that is not chance. No torch here.

Benjamini and Hochberg's procedure over all of them at once keeps the expected share of false ones at or below q where
their errors are independent or go together, as those of one target do, which share its single runs. Benjamini and
Yekutieli's holds whatever the dependence, and a null by rotation (rotations.py) knows it: both stand beside it.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import false_discovery_control

Q = 0.05


def discovered(pairs: pl.DataFrame, q: float = Q) -> pl.DataFrame:
    """PAIRS with p_bh, p_by (adjusted), discovery (p_bh <= q), and sign: 1 helps, -1 hurts, 0 no discovery.

    A pair without p is no discovery and counts as no test.
    """
    told = pairs.with_columns(p_bh=adjusted(pairs["p"]), p_by=adjusted(pairs["p"], "by"))
    discovery = (pl.col("p_bh") <= q).fill_null(False)
    sign = pl.when(discovery).then(pl.col("gain").sign()).otherwise(0).cast(pl.Int8)
    return told.with_columns(discovery=discovery, sign=sign)


def adjusted(p: pl.Series, method: str = "bh") -> pl.Series:
    """p-values adjusted over all that are known. method: bh or by."""
    known = p.is_not_null().to_numpy()
    values = np.full(len(p), np.nan)
    if known.any():
        values[known] = false_discovery_control(p.drop_nulls().to_numpy(), method=method)
    return pl.Series(values, dtype=pl.Float64, nan_to_null=True)


def threshold(pairs: pl.DataFrame, q: float = Q) -> float:
    """The p-value at which Benjamini and Hochberg's line stands here; with no discovery, q over all pairs."""
    p = pairs["p"].drop_nulls()
    if not len(p):
        return q
    return q * max(int((adjusted(p) <= q).sum()), 1) / len(p)
