"""Equivalence: that a source neither helps nor hurts by more than a margin is a finding, not a lack of one.

Two one-sided t tests (Schuirmann 1987), their p-values adjusted over all ordered pairs like those of discoveries.
"""

from __future__ import annotations

import polars as pl
from scipy.stats import t

from models.transfer_map.statistics.discoveries import Q, adjusted

MARGIN = 0.02  # of a log error ratio
HELPS, HURTS, NONE, UNCLEAR = "helps", "hurts", "no transfer", "unclear"


def judged(discoveries: pl.DataFrame, margin: float = MARGIN, q: float = Q) -> pl.DataFrame:
    """PAIRS of `discovered` with p_equal (that the gain is beyond the margin), its p_equal_bh, and the verdict.

    Verdict: helps or hurts for a discovery, however small; no transfer where p_equal_bh <= q; else unclear.
    """
    gain, error, freedom = (discoveries[name].to_numpy() for name in ("gain", "error", "freedom"))
    reach = t.sf((margin - abs(gain)) / error, freedom)  # the larger of the two: of the nearer end
    told = discoveries.with_columns(p_equal=pl.Series(reach, dtype=pl.Float64, nan_to_null=True))
    told = told.with_columns(p_equal_bh=adjusted(told["p_equal"]))
    verdict = (
        pl.when(pl.col("sign") > 0).then(pl.lit(HELPS))
        .when(pl.col("sign") < 0).then(pl.lit(HURTS))
        .when(pl.col("p_equal_bh") <= q).then(pl.lit(NONE))
        .otherwise(pl.lit(UNCLEAR))
    )  # fmt: skip
    return told.with_columns(verdict=verdict)
