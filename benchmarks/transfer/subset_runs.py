"""Subset runs: random sets of tasks trained together, a few members of each permuted, for the surrogate.

Every seed draws sets of its own. Members with their own labels tell what each adds, permuted ones what a placebo adds:
both estimands come from the same runs. Which members are permuted is chosen so that each target meets each placebo
about equally often.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from models.transfer_map.asked import Asked, alone
from models.transfer_map.subsets import subsets

SIZE, PERMUTED = 5, 2  # tasks of a set, and those of them whose labels are permuted
PER_TASK = 4  # sets of a seed, for each task


def sampled(
    names: Sequence[str], seeds: Iterable[int], size: int = SIZE, permuted: int = PERMUTED, per_task: float = PER_TASK
) -> list[Asked]:
    """Each task alone, and per_task x T sets, a seed."""
    names, seeds = sorted(names), list(seeds)
    asked = alone(names, seeds)
    for seed in seeds:
        rng = np.random.default_rng([seed, *b"permuted"])
        met = np.zeros((len(names), len(names)))
        at = {name: place for place, name in enumerate(names)}
        for chosen in subsets(names, size, round(per_task * len(names)), seed):
            asked.append(Asked(seed, chosen, _least_met([at[name] for name in chosen], permuted, met, rng, names)))
    return asked


def _least_met(
    chosen: list[int], permuted: int, met: np.ndarray, rng: np.random.Generator, names: Sequence[str]
) -> tuple[str, ...]:
    """Those members that the others met least as placebos; ties by lot."""
    ways = [(fake, [one for one in chosen if one not in fake]) for fake in combinations(chosen, permuted)]
    cost = [met[np.ix_(own, fake)].sum() + rng.random() / 2 for fake, own in ways]
    fake, own = ways[int(np.argmin(cost))]
    met[np.ix_(own, fake)] += 1
    return tuple(names[one] for one in fake)
