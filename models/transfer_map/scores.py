"""Scores: how well estimated gains agree with an oracle's, and how the statistics behave where nothing transfers.

The oracle is the same estimate from many more seeds. A pair is of a class where its interval says so, else it is not
scored as help or harm: a truth that is not known cannot judge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import kstest, spearmanr

from models.transfer_map.statistics.confirmation import wilson
from models.transfer_map.statistics.intervals import PAIR

HELP, HARM, NEUTRAL, UNSCORED = "help", "harm", "neutral", "unscored"
BEYOND, INSIDE = 0.01, 0.03  # help and harm lie beyond the one, neutral inside the other
FEWEST = 10  # pairs of a class, and of the rest, that an AUROC needs


def classes(oracle: pl.DataFrame) -> pl.DataFrame:
    """target, source, truth (the oracle's gain), class, from PAIRS of many seeds.

    help: interval above +1 %; harm: below -1 %; neutral: else inside +-3 %; unscored: else.
    """
    named = (
        pl.when(pl.col("low") > BEYOND).then(pl.lit(HELP))
        .when(pl.col("high") < -BEYOND).then(pl.lit(HARM))
        .when((pl.col("low") > -INSIDE) & (pl.col("high") < INSIDE)).then(pl.lit(NEUTRAL))
        .otherwise(pl.lit(UNSCORED))
    )  # fmt: skip
    return oracle.select(*PAIR, truth="gain", **{"class": named})


@dataclass(frozen=True)
class Score:
    """auroc_help, auroc_harm: of one class against the other scored pairs, None with fewer than FEWEST of either.

    spearman: with the oracle's gain, all pairs.  discoveries: judged.  sign_errors: those whose sign is not that of the
    oracle's gain.  help, harm, neutral, unscored: pairs of each class.
    """

    auroc_help: float | None
    auroc_harm: float | None
    spearman: float
    discoveries: int
    sign_errors: int
    help: int
    harm: int
    neutral: int
    unscored: int


def scored(pairs: pl.DataFrame, oracle: pl.DataFrame) -> Score:
    """The score of PAIRS of `discovered` by the oracle's PAIRS; pairs that only one of them has are left out."""
    both = pairs.select(*PAIR, "gain", "sign").join(classes(oracle), on=PAIR).drop_nulls(["gain", "truth"])
    known = both.filter(pl.col("class") != UNSCORED)
    found = both.filter(pl.col("sign") != 0)
    counts = {name: int((both["class"] == name).sum()) for name in (HELP, HARM, NEUTRAL, UNSCORED)}
    return Score(
        auroc_help=_auroc(known["class"] == HELP, known["gain"]),
        auroc_harm=_auroc(known["class"] == HARM, -known["gain"]),
        spearman=float(spearmanr(both["gain"], both["truth"]).statistic) if len(both) > 2 else float("nan"),
        discoveries=len(found),
        sign_errors=int((found["sign"] != found["truth"].sign()).sum()),
        **counts,
    )


@dataclass(frozen=True)
class Null:
    """Of repetitions in which nothing transfers: how many there were, how many had a discovery, the share's upper 95 %
    bound (Wilson), and the p of Kolmogorov and Smirnov's test that one p-value of each is uniform."""

    repetitions: int
    discovered: int
    upper: float
    uniform: float


def null(repetitions: list[pl.DataFrame], seed: int = 0) -> Null:
    """From PAIRS of `discovered`, one frame a repetition; the one p-value is that of a pair drawn by lot."""
    rng = np.random.default_rng([seed, *b"null"])
    found = sum(bool(pairs["discovery"].any()) for pairs in repetitions)
    one = [float(rng.choice(pairs.sort(PAIR)["p"].drop_nulls().to_numpy())) for pairs in repetitions]
    return Null(len(repetitions), found, wilson(found, len(repetitions))[1], float(kstest(one, "uniform").pvalue))


def coverage(pairs: pl.DataFrame, truth: pl.DataFrame) -> float:
    """The share of PAIRS whose interval holds the truth: target, source, truth. Those without one are left out."""
    both = pairs.join(truth.select(*PAIR, "truth"), on=PAIR).drop_nulls(["low", "truth"])
    inside = both.select((pl.col("low") <= pl.col("truth")) & (pl.col("truth") <= pl.col("high"))).to_series()
    return float(inside.mean()) if len(inside) else float("nan")


def _auroc(positive: pl.Series, score: pl.Series) -> float | None:
    from sklearn.metrics import roc_auc_score

    if min(positive.sum(), len(positive) - positive.sum()) < FEWEST:
        return None
    return float(roc_auc_score(positive, score))
