"""Plan: how much a map is allowed, by name, and which runs come first.

First one seed of sets of tasks, whose surrogate says something of every pair; then all pairs, those between families
before others, seed by seed; then more seeds for pairs between families that are unclear still; then the claims again,
on seeds and crystals that had no part in them; last the pairs once more with sources that know the test crystals.

Sizes were measured by `python -m benchmarks.learning.transfer_size LAKE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.transfer_map.asked import Asked
from models.transfer_map.networks.size import Size
from models.transfer_map.subsets import subsets

Pair = tuple[str, str]  # target, source
FRESH = 2000  # seeds that confirm are this one and those after it
FEW = 8  # tasks below which all pairs cost no more than sets of them


@dataclass(frozen=True)
class Budget:
    """What a map is drawn with.

    size: of every run.  labels: of a property in a run, at most.  largest_cell: atoms of a crystal, 0 for any.
    fewest: training labels that a column of a lake needs.  seeds: of all pairs.  more: of those that are unclear after
    that.  sets, of: sets of so many tasks, of one seed.  claims: tried again at most, each on `fresh` seeds.  knowing:
    seeds of runs whose sources know the test crystals.  harm: whether harm is claimed; only where the planted bars for
    harm hold at this width.
    """

    size: Size
    labels: int = 1500
    largest_cell: int = 40
    fewest: int = 450
    seeds: int = 5
    more: int = 8
    sets: int = 100
    of: int = 5
    claims: int = 20
    fresh: int = 10
    knowing: int = 2
    harm: bool = False


THIRTY = 1050 * 30 // 32 + 1  # steps: thirty epochs of the training part of 1,500 labels, in batches of 32
STUDIES = {
    "lake": Budget(Size(width=16, steps=THIRTY)),
    "narrow": Budget(Size(width=4, steps=THIRTY), harm=True),
}
SAMPLE = Budget(
    Size(width=4, layers=1, steps=10, batch=16),
    labels=100,
    fewest=20,
    seeds=2,
    more=2,
    sets=10,
    of=3,
    claims=2,
    knowing=1,
)


def seeds_of_sets(names: Sequence[str], budget: Budget) -> list[Asked]:
    """Every task alone, and sets of them, each also with two of its tasks permuted; one seed."""
    if len(names) < FEW or budget.of < 3:
        return []
    asked = [Asked(0, (name,)) for name in names]
    for chosen in subsets(names, budget.of, budget.sets):
        lots = np.random.default_rng([*"+".join(chosen).encode()])
        asked += [Asked(0, chosen), Asked(0, chosen, tuple(lots.permutation(chosen)[: budget.of // 2].tolist()))]
    return asked


def of_pairs(pairs: Sequence[Pair], seeds: Sequence[int]) -> list[Asked]:
    """What both gains of these pairs take: the target alone, with its source, and with its source permuted."""
    asked = {
        one: None
        for seed in seeds for target, source in pairs
        for one in (Asked(seed, (target,)), Asked(seed, (target, source)), Asked(seed, (target, source), (source,)))
    }  # fmt: skip
    return list(asked)


def of_knowing(pairs: Sequence[Pair], seeds: Sequence[int]) -> list[Asked]:
    """What the gain takes of sources that know the test crystals."""
    runs = [Asked(seed, pair, target=pair[0]) for seed in seeds for pair in pairs]
    return list(dict.fromkeys([*(Asked(one.seed, (one.target,)) for one in runs), *runs]))
