"""Milliseconds per step under every balance, for few tasks and for many.

    OMP_NUM_THREADS=1 python -m benchmarks.training.balance --core 0

A step is loading a batch of 64 real crystals, all that `models/training.py` does, and nothing else: hard sharing of
CGCNN, width 64, 3 layers, on one core and one thread. Structures are real, labels are made: the first task is known for
every crystal, of the others a share falls evenly from a half to a hundredth, so that most of the matrix is missing and
small tasks are absent from most batches. The balances take turns: in a round each learns the same batches. Printed are
medians over rounds of milliseconds of CPU time per step (the wall's on an idle core), and of what that is of `equal` in
the same round; and how many tasks were present in a batch, since a balance by gradients takes a backward pass for each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

import numpy as np
import torch

from benchmarks.training.crystals import labelled_crystals
from benchmarks.training.speed import SIZE
from lake.graphs.arrays import Graphs
from lake.graphs.build import build
from lake.graphs.folded import fold
from lake.policies import default
from lake.progress import track
from models.balance import BALANCES
from models.batch import Batch
from models.network import network
from models.recipe import Recipe
from models.training import Training

MOST, LEAST = 0.5, 0.01  # shares of crystals with a label, of the second task and of the last
EPOCHS = 1000  # of the schedule, more than there will be: DWA and FAMO are timed on the way


def labels(gaps: np.ndarray, tasks: int, seed: int = 0) -> np.ndarray:
    """(n, tasks) float32, standardised, mostly NaN: the gap, and the gap with more and more noise."""
    rng = np.random.default_rng(seed)
    shares = np.concatenate([[1.0], np.geomspace(MOST, LEAST, tasks - 1)])
    noise = rng.normal(size=(len(gaps), tasks)) * np.linspace(0.0, 1.0, tasks)
    told = ((gaps - gaps.mean()) / gaps.std())[:, None] + noise
    return np.where(rng.random(told.shape) < shares, told, np.nan).astype(np.float32)


class Learner:
    """One balance, and the time that it took in each round, ms per step."""

    def __init__(self, balance: str, names: tuple[str, ...], rows: int) -> None:
        recipe = Recipe(names, sharing="hard", balance=balance, batch_size=SIZE, epochs=EPOCHS)
        net = network(recipe).train()
        self.balance, self.training, self.taken = balance, Training(recipe, net, rows), []

    def learn(self, graphs: Graphs, targets: torch.Tensor, parts: list[np.ndarray]) -> None:
        """One round."""
        began = time.process_time()
        for part in parts:
            self.training.step(Batch.of(graphs.batch(part)), targets[part])
        self.taken.append(1000 * (time.process_time() - began) / len(parts))


def costs(graphs: Graphs, gaps: np.ndarray, tasks: int, rounds: int, steps: int) -> None:
    """Print a table for so many tasks."""
    names = tuple(sorted(column.name for column in default().columns)[:tasks])
    targets, rng = torch.from_numpy(labels(gaps, tasks)), np.random.default_rng(0)
    learners, present = [Learner(name, names, len(graphs)) for name in BALANCES], []
    for number in track(range(rounds + 1), f"{tasks} tasks"):  # the first round warms
        parts = [rng.choice(len(graphs), SIZE, replace=False) for _ in range(steps if number else 1)]
        present += [int(targets[part].isfinite().any(dim=0).sum()) for part in parts]
        for learner in learners:
            learner.learn(graphs, targets, parts)
    known = targets.isfinite().float().mean()
    print(f"\n{tasks} tasks, {known:.0%} of the labels known, {statistics.mean(present):.1f} tasks present in a batch;")
    print(f"{rounds} rounds of {steps} steps.\n\n|balance|ms per step|of equal|\n|-|-|-|")
    equal = learners[0].taken[1:]
    for learner in learners:
        taken = learner.taken[1:]
        ratio = statistics.median(theirs / mine for theirs, mine in zip(taken, equal, strict=True))
        print(f"|{learner.balance}|{statistics.median(taken):.1f}|{ratio:.2f}|", flush=True)
    for learner in learners:
        learner.training.close(None)  # a solver that failed says so


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--crystals", type=int, default=1000)
    parser.add_argument("--tasks", type=int, nargs="+", default=[5, 20, 50])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    torch.set_num_threads(1)
    crystals, gaps = labelled_crystals(asked.crystals)
    graphs = fold(build(crystals))
    for tasks in asked.tasks:
        costs(graphs, gaps, tasks, asked.rounds, asked.steps)


if __name__ == "__main__":
    main()
