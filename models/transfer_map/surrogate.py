"""Surrogate: what each partner adds, from runs of random sets of tasks. No torch here.

For one target the gain over training alone is taken as a sum over its partners, with none of them as nought:

    gain(target | set) = sum of b[s], s in the set with its own labels, + sum of c[s], s in it with permuted ones

b[s] is the raw gain of a pair, b[s] - c[s] that over placebo. Ridge draws the b together towards their mean, which is
free, and so the c: a source seldom permuted borrows from the other placebos. The penalty is the one that predicts a set
left out best, in closed form, over all targets at once, since one target has few sets. Errors are those of the
posterior that ridge is the mean of, so they hold on average over sources, not for one that is unlike all others. Gains
in sets need not add up: judge signs and ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.linalg import block_diag

from models.transfer_map.statistics.gains import OVER_PLACEBO, RAW
from models.transfer_map.statistics.intervals import CONFIDENCE, told_of, with_parts

PENALTIES = np.logspace(-4, 3, 29)  # in units of the mean weight of a partner
FEWEST = 0.5  # sets for each source


@dataclass(frozen=True)
class Surrogate:
    """One target's. parts: of sources, then of sources permuted: (p,); covariance (p, p); freedom: of the errors.

    sources, permuted: names.  penalty: the chosen, in units of a source's mean weight.  seen: the number of
    sets with each source's own labels.
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


def fitted(rows: pl.DataFrame, penalty: float | None = None) -> Surrogate:
    """The surrogate of one target from its rows of `gains.subset_gains`; the penalty is chosen where none is given.

    Raises ValueError with fewer than three sets.
    """
    (target,) = rows["target"].unique()
    sets = _Sets.of(rows)
    penalty = chosen_penalty(rows) if penalty is None else penalty
    parts, inverse, own_part = sets.ridge(penalty)
    freedom = max(len(sets.gain) - own_part.sum(), 1.0)
    predicted = sets.design @ parts
    variance = float(sets.weight @ (sets.gain - predicted) ** 2) / freedom
    pull = inverse @ (sets.design.T @ sets.weight)  # what a shift of all gains would do to the parts
    covariance = variance * inverse + _shift(rows, sets.named, predicted) * np.outer(pull, pull)
    seen = tuple(int(n) for n in sets.design[:, : len(sets.sources)].sum(0))
    return Surrogate(target, sets.sources, sets.permuted, parts, covariance, float(freedom), penalty, seen)


def chosen_penalty(rows: pl.DataFrame) -> float:
    """The penalty of PENALTIES with the least error on sets left out, each target's in units of its own variance."""
    every = [_Sets.of(part) for _, part in rows.sort("target").group_by("target", maintain_order=True)]
    scales = [max(float(sets.weight @ sets.gain**2), 1e-300) for sets in every]
    missed = [sum(sets.missed(one) / scale for sets, scale in zip(every, scales, strict=True)) for one in PENALTIES]
    return float(PENALTIES[int(np.argmin(missed))])


def estimated(
    rows: pl.DataFrame, of: str = OVER_PLACEBO, confidence: float = CONFIDENCE, parts: pl.DataFrame | None = None
) -> pl.DataFrame:
    """PAIRS, as `intervals.estimated` gives them, from `gains.subset_gains`; n: sets in which both stand.

    A source that its target never met permuted has no gain over placebo, and no row. A target with fewer than FEWEST
    sets for each source has no intervals: they would be too narrow. parts: as in `intervals.estimated`, for raw gains.
    """
    told = []
    penalty = chosen_penalty(rows)
    for _, part in rows.group_by("target", maintain_order=True):
        one = fitted(part, penalty)
        kept = [name for name in one.sources if of == RAW or name in one.permuted]
        seen = dict(zip(one.sources, one.seen, strict=True))
        enough = part.select("partners", "permuted").n_unique() >= FEWEST * len(one.sources)
        freedom = one.freedom if enough else float("nan")
        told += [(one.target, name, seen[name], *one.pair(name, of), freedom) for name in kept]
    schema = {"target": pl.String, "source": pl.String, "n": pl.Int64, "gain": pl.Float64, "error": pl.Float64,
              "freedom": pl.Float64}  # fmt: skip
    frame = pl.DataFrame(told, schema=schema, orient="row").sort("target", "source")
    gain, error, freedom = (frame[name].to_numpy() for name in ("gain", "error", "freedom"))
    pairs = frame.select("target", "source", "n")
    if parts is not None:
        variance, freedom = with_parts(pairs, error**2, freedom, parts)
        error = variance**0.5
    return told_of(pairs, gain, error, freedom, confidence)


@dataclass(frozen=True)
class _Sets:
    """One target's sets: named (partners, permuted), the mean gain of each (n,), its runs (n,) as weight.

    design: which parts a set has, (n, p).  away: how far parts are from their means, as a quadratic form (p, p), in
    units of a partner's mean weight.
    """

    named: pl.DataFrame
    sources: tuple[str, ...]
    permuted: tuple[str, ...]
    gain: np.ndarray
    weight: np.ndarray
    design: np.ndarray
    away: np.ndarray

    @classmethod
    def of(cls, rows: pl.DataFrame) -> _Sets:
        named = ("partners", "permuted")
        sets = rows.group_by(named).agg(pl.col("gain").mean(), n=pl.len()).sort(named)
        if len(sets) < 3:
            raise ValueError(
                f"{rows['target'][0]} stands in {len(sets)} sets: a surrogate needs three, better five with each source"
            )
        own, fake = (tuple(sorted(set(sets[name].explode().drop_nulls()))) for name in named)
        both = zip(sets["partners"].to_list(), sets["permuted"].to_list(), strict=True)
        design = np.array([[s in a for s in own] + [s in b for s in fake] for a, b in both], float)
        weight = sets["n"].to_numpy().astype(float)
        unit = (weight @ design**2).mean()
        away = unit * block_diag(*(np.eye(n) - 1 / n for n in (len(own), len(fake)) if n))
        return cls(sets.select(named), own, fake, sets["gain"].to_numpy(), weight, design, away)

    def ridge(self, penalty: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Parts, the inverse of the penalised square, and the hat's diagonal: each fitted gain's weight on itself."""
        weighted = self.design.T * self.weight
        inverse = np.linalg.pinv(weighted @ self.design + penalty * self.away, hermitian=True)
        return inverse @ (weighted @ self.gain), inverse, ((self.design @ inverse) * weighted.T).sum(1)

    def missed(self, penalty: float) -> float:
        """The squared error on each set when it is left out, summed."""
        parts, _, own_part = self.ridge(penalty)
        return float(self.weight @ ((self.gain - self.design @ parts) / np.maximum(1 - own_part, 1e-9)) ** 2)


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
