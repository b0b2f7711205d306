"""Scores: how well estimated gains agree with an oracle's, and how the statistics behave where nothing transfers.

The oracle is the same estimate from many more seeds. A pair is of a class where its interval says so, else it is not
scored as help or harm: a truth that is not known cannot judge. Besides pairs, choices are scored: groups and partners
by what the oracle's own choice brings more, and methods by the runs they need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import kstest, spearmanr

from models.transfer_map.groups import (
    Groups,
    agreement,
    exact,
    greedy,
    matrix_of,
    partners,
    regret,
    regret_of_partners,
)
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

    @property
    def sign_error_share(self) -> float | None:
        """Sign errors over discoveries, None where nothing was discovered."""
        return self.sign_errors / self.discoveries if self.discoveries else None


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


def auroc_of_design(pairs: pl.DataFrame, truth: pl.DataFrame) -> float | None:
    """AUROC of the gains of PAIRS for pairs that a design expects to help, against all others.

    truth: target, source, expected. Of these some do not help in fact, so 1 may be out of reach.
    """
    both = pairs.select(*PAIR, "gain").join(truth.select(*PAIR, "expected"), on=PAIR).drop_nulls()
    return _auroc(both["expected"] == HELP, both["gain"])


@dataclass(frozen=True)
class Choice:
    """What comes of choosing by estimated gains. ari_exact, ari_greedy: the groups found beside those planted.
    ari_oracle: the same of the oracle's own gains: planted relations too weak to help are no groups to any gain.

    Regrets are shares of what the oracle's own choice brings that this one misses, 0 to 1 and above 1 for harm:
    regret_groups: of the exact groups.  regret_partners: of the partners of each target, all that help; a set is worth
    the sum of its oracle gains.  regret_best: of each target's best partner alone, where nothing need add up.
    """

    ari_exact: float
    ari_greedy: float
    ari_oracle: float
    regret_groups: float
    regret_partners: float
    regret_best: float


def choice(pairs: pl.DataFrame, oracle: pl.DataFrame, planted: Groups, related: float = INSIDE) -> Choice:
    """Choose by PAIRS, score by the oracle's PAIRS.

    related: what a gain must be above to speak for one group, where groups are compared with those planted: a gain that
    counts as neutral does not, and any task with a signal helps a wide network a little. What is trained together takes
    any gain, so regrets know no such margin. ValueError where the two are of different tasks.
    """
    names, gains = matrix_of(pairs)
    known, truth = matrix_of(oracle)
    if names != known:
        raise ValueError(f"estimates and oracle need the same tasks; found {names} and {known}")
    margin = related * (1 - np.eye(len(names)))
    return Choice(
        ari_exact=agreement(exact(names, gains - margin), planted),
        ari_greedy=agreement(greedy(names, gains - margin), planted),
        ari_oracle=agreement(exact(names, truth - margin), planted),
        regret_groups=regret(names, truth, exact(names, gains)),
        regret_partners=regret_of_partners(names, truth, {name: partners(names, gains, name) for name in names}),
        regret_best=_regret_of_best(gains, truth),
    )


def _regret_of_best(gains: np.ndarray, truth: np.ndarray) -> float:
    """Diagonals are nought, so a target that nothing helps is left alone."""
    best = float(truth.max(axis=1).clip(min=0).sum())
    got = float(truth[np.arange(len(gains)), gains.argmax(axis=1)] @ (gains.max(axis=1) > 0))
    return (best - got) / best if best > 0 else (0.0 if got >= 0 else float("inf"))


def fewest_runs(curve: Sequence[tuple[float, float]], auroc: float) -> float | None:
    """The runs at which a method reaches this AUROC; None where it never does.

    curve: (runs, AUROC). Between two points it is taken as straight over the logarithm of runs; what was reached with
    fewer runs counts, so that chance does not make a curve fall.
    """
    points, best = sorted(curve), -np.inf
    for at, (runs, reached) in enumerate(points):
        if reached >= auroc:
            if at == 0:
                return float(runs)
            before = points[at - 1][0]
            return float(before * (runs / before) ** ((auroc - best) / (reached - best)))
        best = max(best, reached)
    return None


def _auroc(positive: pl.Series, score: pl.Series) -> float | None:
    from sklearn.metrics import roc_auc_score

    if min(positive.sum(), len(positive) - positive.sum()) < FEWEST:
        return None
    return float(roc_auc_score(positive, score))
