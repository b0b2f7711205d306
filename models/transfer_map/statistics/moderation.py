"""Moderation: with five seeds a variance is badly known, so each pair's leans on those of all pairs (empirical Bayes).

The variances are taken as drawn from a scaled inverse chi-squared distribution; its scale and its degrees of freedom
come from the mean and the variance of their logarithms (Smyth 2004, as in limma). New here: pairs of one target share
its single runs, so their variances are alike; both the moments and the freedom of the whole allow for it. The prior is
one for all targets: where these differ in spread, it is the weaker for that. Few targets tell the prior badly too: it
is made weaker by CAUTION standard errors, which costs a tenth of the power and keeps false claims where q puts them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

CAUTION = 1.0  # standard errors of the variance of log variances


@dataclass(frozen=True)
class Prior:
    """variance: which others suggest.  freedom: its degrees of freedom, 0 to inf.  pooled: of all pairs together."""

    variance: float
    freedom: float
    pooled: float

    def moderated(self, variances: np.ndarray, freedoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Variances that lean on the prior, and their degrees of freedom, never more than all pairs together have."""
        if np.isinf(self.freedom):
            leaning = np.full_like(variances, self.variance)
        else:
            leaning = (self.freedom * self.variance + freedoms * variances) / (self.freedom + freedoms)
        return leaning, np.maximum(freedoms, np.minimum(freedoms + self.freedom, self.pooled))


def prior_of(residuals: np.ndarray) -> Prior:
    """The prior from what is left of the gains when each pair's mean is taken: (pairs, seeds), NaN where missing.

    Pairs with fewer than two seeds say nothing. With fewer than three pairs, or no spread, nothing is moderated.
    """
    left = residuals[np.isfinite(residuals).sum(1) > 1]
    freedoms = np.isfinite(left).sum(1) - 1.0
    variances = np.nansum(left**2, 1) / freedoms
    if len(left) < 3 or not np.median(variances) > 0:
        return Prior(0.0, 0.0, 0.0)
    variances = np.maximum(variances, 1e-5 * np.median(variances))
    logs = np.log(variances) - digamma(freedoms / 2) + np.log(freedoms / 2)
    same = alike(left)
    many = len(left) / (1 + (len(left) - 1) * same)  # so many independent pairs would tell as much
    careful = logs.var(ddof=1) * (1 + CAUTION * np.sqrt(2 / max(many - 1, 1)))
    beyond = careful - (1 - same) * polygamma(1, freedoms / 2).mean()
    pooled = freedoms.mean() * many
    if beyond <= 0:
        return Prior(float(np.exp(logs.mean())), np.inf, float(pooled))
    half = _trigamma_inverse(beyond)
    return Prior(float(np.exp(logs.mean() + digamma(half) - np.log(half))), 2 * half, float(pooled))


def alike(residuals: np.ndarray) -> float:
    """The mean squared correlation of two pairs' residuals over seeds, 0 to 1, less what chance alone gives.

    It is also the correlation of their variances. With two seeds it cannot be known, and is taken as 1.
    """
    seeds = np.isfinite(residuals).sum(1)
    freedom = float(np.median(seeds)) - 1
    if freedom < 2:
        return 1.0
    known = np.nan_to_num(residuals)
    unit = known / np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-300)
    # The sum of all squared cosines, without the square of the number of pairs.
    total = float(((unit.T @ unit) ** 2).sum())
    pairs = len(unit)
    mean = (total - pairs) / (pairs * (pairs - 1))
    return float(np.clip((mean * freedom - 1) / (freedom - 1), 0, 1))


def _trigamma_inverse(value: float) -> float:
    # trigamma(x) lies between 1/x and 1/x + 1/x**2
    return brentq(lambda x: polygamma(1, x) - value, 0.5 / value, 2 / value + 2 / value**0.5 + 1)
