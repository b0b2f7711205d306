"""Rotations: how many discoveries chance would make on gains that go together as these do. No torch here.

Each pair's mean is taken from its gains; what is left is turned in the space of seeds, all pairs by one and the same
random rotation (Langsrud 2005; limma's rotation tests). Whatever pairs share, single runs or joint ones, they go on
sharing, and normal noise stays normal noise. Flipped signs are the rotations by right angles only: with five seeds
they are 32, too few to reach 5 %. A check of the t tests, which take the pairs one by one.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import false_discovery_control, t

from models.transfer_map.statistics.discoveries import Q
from models.transfer_map.statistics.gains import OVER_PLACEBO
from models.transfer_map.statistics.intervals import matrix_of, moments
from models.transfer_map.statistics.moderation import prior_of


def rotated(
    gains: pl.DataFrame, of: str = OVER_PLACEBO, draws: int = 1000, seed: int = 0, q: float = Q
) -> tuple[pl.DataFrame, np.ndarray]:
    """target, source, p_family; and the number of discoveries in each null: (draws,).

    p_family: the share of nulls of which the largest |t| of all pairs reaches this pair's (Westfall and Young). The
    prior of the variances is held. Pairs of one seed are left out; those with a seed missing are turned by the others.
    """
    pairs, values = matrix_of(gains, of)
    enough = np.isfinite(values).sum(1) > 1
    pairs, values = pairs.filter(enough), values[enough]
    if not len(pairs):
        return pairs.with_columns(p_family=pl.lit(None, pl.Float64)), np.zeros(draws, int)
    n = np.isfinite(values).sum(1)
    mean, variance, freedom = moments(values)
    left = values - mean[:, None]
    prior = prior_of(left)
    left = np.nan_to_num(left) * np.sqrt(n / (n - 1))[:, None]
    turned = np.random.default_rng([seed, *b"rotations"]).standard_normal((left.shape[1], draws))
    along = left @ (turned / np.linalg.norm(turned, axis=0))
    freedoms = np.repeat((n - 1.0)[:, None], draws, axis=1)
    variances = ((left**2).sum(1)[:, None] - along**2) / freedoms
    if prior.freedom > 0:
        variances, _ = prior.moderated(variances, freedoms)
    size = np.abs(along) / np.sqrt(np.maximum(variances, 1e-300))
    found = (false_discovery_control(2 * t.sf(size, freedom[:, None]), axis=0) <= q).sum(0)
    observed = np.abs(mean) / np.sqrt(variance / n)
    reached = draws - np.searchsorted(np.sort(size.max(0)), observed)
    return pairs.with_columns(p_family=pl.Series((1 + reached) / (1 + draws))), found
