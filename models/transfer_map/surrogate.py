"""Surrogate: what each partner adds, from runs of random sets of tasks. No torch here.

For one target the gain over training alone is taken as a sum over its partners, with none of them as nought:

    gain(target | set) = sum of b[s], s in the set with its own labels, + sum of c[s], s in it with permuted ones

b[s] is the raw gain of a pair, b[s] - c[s] that over placebo. Ridge draws the b together towards their mean, which is
free, and so the c: a source seldom permuted borrows from the other placebos. The penalty is the one that predicts a
set left out best, in closed form. Errors are those of the posterior that ridge is the mean of, so they hold on average
over sources, not for one that is unlike all others. Gains in sets need not add up: judge signs and ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.linalg import block_diag

from models.transfer_map.gains import OVER_PLACEBO, RAW
from models.transfer_map.intervals import CONFIDENCE, told_of

PENALTIES = np.logspace(-3, 3, 25)  # of the mean weight of a partner


@dataclass(frozen=True)
class Surrogate:
    """One target's. parts: of sources, then of sources permuted: (p,); covariance (p, p); freedom: of the errors.

    sources, permuted: names.  penalty: the chosen.  seen: the number of sets with each source's own labels.
    """

    target: str
    sources: tuple[str, ...]
    permuted: tuple[str, ...]
    parts: np.ndarray
    covariance: np.ndarray
    freedom: float
    penalty: float
    seen: tuple[int, ...]

    def gain(self, partners: tuple[str, ...]) -> tuple[float, float]:
        """What it predicts for a set of partners, and the standard error. KeyError names an unknown source."""
        return self._sum(dict.fromkeys(partners, 1.0), {})

    def pair(self, source: str, of: str = OVER_PLACEBO) -> tuple[float, float]:
        """The gain of one source, and its standard error. KeyError names one that was not seen as needed."""
        return self._sum({source: 1.0}, {} if of == RAW else {source: -1.0})

    def _sum(self, own: dict[str, float], permuted: dict[str, float]) -> tuple[float, float]:
        for said, known in ((own, self.sources), (permuted, self.permuted)):
            for name in set(said) - set(known):
                raise KeyError(f"{self.target} was never trained with {name} in that way; it was with {known}")
        at = np.array([own.get(s, 0.0) for s in self.sources] + [permuted.get(s, 0.0) for s in self.permuted])
        return float(at @ self.parts), float(max(at @ self.covariance @ at, 0.0) ** 0.5)


def fitted(rows: pl.DataFrame) -> Surrogate:
    """The surrogate of one target from its rows of `gains.subset_gains`. ValueError without at least three sets."""
    (target,) = rows["target"].unique()
    sets = rows.group_by("partners", "permuted").agg(pl.col("gain").mean(), n=pl.len()).sort("partners", "permuted")
    if len(sets) < 3:
        raise ValueError(f"{target} stands in {len(sets)} sets: a surrogate needs three at least, better ten a source")
    sources, permuted = (tuple(sorted(set(sets[name].explode().drop_nulls()))) for name in ("partners", "permuted"))
    both = list(zip(sets["partners"].to_list(), sets["permuted"].to_list(), strict=True))
    design = np.array([[s in own for s in sources] + [s in fake for s in permuted] for own, fake in both], float)
    gain, weight = sets["gain"].to_numpy(), sets["n"].to_numpy().astype(float)
    away = block_diag(*(np.eye(n) - 1 / n for n in (len(sources), len(permuted)) if n))
    square = design.T * weight @ design
    penalty = min(PENALTIES * square.trace() / len(square), key=lambda one: _left_out(design, gain, weight, one * away))
    parts, inverse, own_part = _ridge(design, gain, weight, penalty * away)
    freedom = max(len(sets) - own_part.sum(), 1.0)
    variance = float(weight @ (gain - design @ parts) ** 2) / freedom
    pull = inverse @ (design.T @ weight)  # what a shift of all gains would do to the parts
    covariance = variance * inverse + _shift(rows, sets.select("partners", "permuted"), design @ parts) * np.outer(
        pull, pull
    )
    seen = tuple(int(n) for n in design[:, : len(sources)].sum(0))
    return Surrogate(target, sources, permuted, parts, covariance, float(freedom), float(penalty), seen)


def estimated(rows: pl.DataFrame, of: str = OVER_PLACEBO, confidence: float = CONFIDENCE) -> pl.DataFrame:
    """PAIRS, as `intervals.estimated` gives them, from `gains.subset_gains`; n: sets in which both stand.

    A source that its target never met permuted has no gain over placebo, and no row.
    """
    told = []
    for _, part in rows.group_by("target", maintain_order=True):
        one = fitted(part)
        kept = [name for name in one.sources if of == RAW or name in one.permuted]
        seen = dict(zip(one.sources, one.seen, strict=True))
        told += [(one.target, name, seen[name], *one.pair(name, of), one.freedom) for name in kept]
    schema = {"target": pl.String, "source": pl.String, "n": pl.Int64, "gain": pl.Float64, "error": pl.Float64,
              "freedom": pl.Float64}  # fmt: skip
    frame = pl.DataFrame(told, schema=schema, orient="row").sort("target", "source")
    numbers = (frame[name].to_numpy() for name in ("gain", "error", "freedom"))
    return told_of(frame.select("target", "source", "n"), *numbers, confidence)


def _ridge(
    design: np.ndarray, gain: np.ndarray, weight: np.ndarray, penalty: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parts, the inverse of the penalised square, and how much of each fitted gain is its own (the hat's diagonal)."""
    weighted = design.T * weight
    inverse = np.linalg.pinv(weighted @ design + penalty, hermitian=True)
    return inverse @ (weighted @ gain), inverse, ((design @ inverse) * weighted.T).sum(1)


def _left_out(design: np.ndarray, gain: np.ndarray, weight: np.ndarray, penalty: np.ndarray) -> float:
    parts, _, own_part = _ridge(design, gain, weight, penalty)
    return float(weight @ ((gain - design @ parts) / np.maximum(1 - own_part, 1e-9)) ** 2)


def _shift(rows: pl.DataFrame, sets: pl.DataFrame, predicted: np.ndarray) -> float:
    """The variance of what all sets of a target share, its single runs: seen in the mean residuals of seeds.

    With one seed it cannot be seen, and is taken as nought.
    """
    left = rows.join(sets.with_columns(predicted=pl.Series(predicted)), on=["partners", "permuted"])
    left = left.with_columns(left=pl.col("gain") - pl.col("predicted"))
    seeds = left.group_by("seed").agg(pl.col("left").mean(), rest=pl.col("left").var() / pl.len())
    if len(seeds) < 2:
        return 0.0
    return max(float(seeds["left"].var()) - float(seeds["rest"].fill_null(0.0).mean()), 0.0) / len(seeds)
