"""Subsets: which tasks to train together so that a surrogate can tell each one's part. No torch here.

Of n sets of k among T tasks each ordered pair stands together n k (k - 1) / (T (T - 1)) times on average. Sets drawn
blindly would leave some pairs nearly unseen; each set is instead filled with the tasks that met its members least.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np

TRIES = 16  # fillings of one set, of which the most even is taken


def subsets(names: Sequence[str], size: int, count: int, seed: int = 0) -> list[tuple[str, ...]]:
    """`count` different sets of `size` tasks, each sorted; the same for any order of the names.

    Raises ValueError where there are not as many.
    """
    names = sorted(set(names))
    if not 2 <= size <= len(names) or count > comb(len(names), size):
        raise ValueError(
            f"{count} sets of {size} of {len(names)} tasks: sizes go from 2 to {len(names)}, and there are "
            f"{comb(len(names), size)} such sets; ask for fewer"
        )
    rng = np.random.default_rng([seed, *b"subsets"])
    if count > comb(len(names), size) // 2:
        every = list(combinations(names, size))
        return [every[at] for at in rng.permutation(len(every))[:count]]
    together, drawn = np.zeros((len(names), len(names))), {}
    while len(drawn) < count:
        tried = [_filled(together, size, rng) for _ in range(TRIES)]
        new = [chosen for chosen in tried if chosen not in drawn]
        if not new:
            new = [tuple(sorted(int(at) for at in rng.choice(len(names), size, replace=False)))]
        best = min(new, key=lambda chosen: together[np.ix_(chosen, chosen)].sum())
        if best not in drawn:
            drawn[best] = None
            together[np.ix_(best, best)] += 1
    return [tuple(names[at] for at in chosen) for chosen in drawn]


def _filled(together: np.ndarray, size: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Begins with a task of the fewest sets; then the tasks that met those within least. Ties by lot."""
    cost, chosen = together.diagonal().astype(float), []
    for _ in range(size):
        lot = cost + rng.random(len(cost)) / 2
        lot[chosen] = np.inf
        chosen.append(int(lot.argmin()))
        cost = together[:, chosen].sum(1) + together.diagonal() / (10 * len(cost))
    return tuple(sorted(chosen))
