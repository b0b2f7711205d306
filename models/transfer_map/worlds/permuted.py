"""Permuted: another world's tasks with their labels handed out anew, so that no task can teach another anything.

A null to judge a map by. It is not the placebo, which is part of every map: that permutes a source by the stream of the
run's seed, this world by a stream of its own, so here the source itself is one more permutation of the same labels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from models.streams import seed_of
from models.transfer_map.runs import World

if TYPE_CHECKING:
    from models.transfer_map.problem import Problem


@dataclass(frozen=True)
class PermutedWorld:
    """The crystals of another world with some of its tasks as they are and some with their labels permuted.

    real: tasks with their own labels.  permuted: tasks whose labels are permuted within each part of the split; they
    are called `permuted_name(task)`, so that a task can be there both ways.  lots: what the permutations are drawn by.
    anew: whether each seed of a run has permutations of its own; else all seeds share one, as they share a real task.
    """

    world: World
    real: tuple[str, ...]
    permuted: tuple[str, ...]
    lots: int = 0
    anew: bool = False

    def problem(self, seed: int) -> Problem:
        """What runs of this seed learn from."""
        return _made(self, seed if self.anew else None, self.world.problem(seed))


def permuted_name(task: str) -> str:
    """What a permuted task is called beside the real one."""
    return f"{task} permuted"


@lru_cache(maxsize=2)
def _made(world: PermutedWorld, seed: int | None, problem: Problem) -> Problem:
    columns = [problem.column(task) for task in world.real]
    for task in world.permuted:
        labels, stream = problem.column(task).copy(), f"permuted/{task}" if seed is None else f"permuted/{task}/{seed}"
        lots = np.random.default_rng(seed_of(world.lots, stream))
        for part in np.unique(problem.split):
            rows = problem.rows(task, part)
            labels[rows] = labels[lots.permutation(rows)]
        columns.append(labels)
    names = (*world.real, *map(permuted_name, world.permuted))
    return replace(problem, names=names, targets=np.stack(columns, axis=1))
