"""Surrogate: what short runs of some sizes say about whole runs of all, where several properties lend to each other.

A Gaussian process over the logarithm of validation errors: a function of the size that all properties share, one of
each property's own, one that short runs alone have (who learns fast is not who ends best), and noise that grows as runs
get shorter. Means of property and length are free. How much of each there is nobody knows beforehand, and a few dozen
figures hardly say: the answer is the mean over a table of guesses, weighed by how likely they make the figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from models.search.purse import Ask
from models.search.space import Space

# Variances, in units of the size's own function: what a property does not share, what a run of a tenth of a whole one
# has for itself, its noise, and the noise of a whole one. Every combination is a guess.
OWN, HASTE, NOISE, LEAST = (0.25, 1.0), (0.1, 1.0), (0.3, 1.0, 3.0, 10.0), 0.1
FREE = 100.0  # variance of a mean, in the same unit: large, so that nothing is said of it beforehand
REACH = 0.4  # of an axis from end to end: how far a size speaks for its neighbours


def expected(spaces: Mapping[str, Space], seen: Mapping[Ask, float]) -> dict[str, np.ndarray]:
    """Per space, for all its points in order: the logarithm of a whole run's error, up to a constant; lowest is best.

    spaces: of the same axes.  seen: validation errors, above 0.
    """
    asks, names = sorted(seen), sorted(spaces)
    y = np.log([seen[ask] for ask in asks])
    of = np.array([names.index(ask.space) for ask in asks])
    short = np.array([(spaces[ask.space].whole / ask.epochs - 1) / 9 for ask in asks])  # 1 for a tenth of a whole run
    x = np.concatenate([spaces[ask.space].places([ask.point]) for ask in asks])
    points = {name: spaces[name].places(spaces[name].points()) for name in names}
    same, near = of[:, None] == of, _alike(x, x)
    alike = same & (short[:, None] == short)
    y = y - alike @ y / alike.sum(axis=1)  # so that no unit counts; what the mean is not known to is free below
    mean = FREE * alike
    told, likely = [], []
    for own, haste, noise in product(OWN, HASTE, NOISE):
        within = near * (1 + own * same + haste * np.sqrt(np.outer(short, short)))
        covariance = within + mean + np.diag(noise * (LEAST + short))
        weights = np.linalg.solve(covariance, y)
        scale = y @ weights / len(y)  # the unit itself, most likely so
        likely.append(-0.5 * (np.linalg.slogdet(covariance)[1] + len(y) * np.log(max(scale, 1e-300))))
        told.append([(_alike(points[name], x) * (1 + own * (of == at))) @ weights for at, name in enumerate(names)])
    shares = np.exp(np.array(likely) - max(likely))
    shares /= shares.sum()
    return {name: sum(s * each[at] for s, each in zip(shares, told, strict=True)) for at, name in enumerate(names)}


def _alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Covariance of sizes: half of it axis by axis, half for all axes at once."""
    apart = np.exp(-(((a[:, None] - b) / REACH) ** 2) / 2)
    return (apart.mean(axis=2) + apart.prod(axis=2)) / 2
