"""What each way of sharing costs: graphs per second and parameters beside hard sharing, and many tasks beside one.

    OMP_NUM_THREADS=1 python -m benchmarks.training.schemes --core 0

A step is loading a random batch of 64, losses, backward and AdamW, by the house's own training loop on one core and one
thread. The networks take turns: a round is an epoch of each, over the same batches, so that AdaShare's halves and every
schedule are walked as in a run of as many epochs. Labels are standard normal ones, two thirds of them missing: speed
does not depend on what is learnt. Printed are medians over rounds of graphs per second of CPU time (the wall's on an
idle core), and of what hard sharing with as many tasks takes in the same round. The first two rounds are not counted:
numba compiles.

Every scheme whose file is there is measured, at width 64 with 3 convolutions and 8 tasks. Where one begins with earlier
runs (`models/stages.py`), these are networks that were never trained: `experts` has four of one task each, `adashare`
stands twice, as the search and as a policy drawn from it. Hard sharing stands with 1, 8 and 20 tasks.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from benchmarks.training.crystals import labelled_crystals
from lake.graphs.gathered import GatheredGraphs
from lake.policies import default
from lake.progress import track
from models.multitask.plan import HARD, SINGLE, methods
from models.network import batch_of, network
from models.recipe import Recipe
from models.sharing.scheme import Start
from models.stages import stages
from models.training import Training

SIZE = 64  # crystals per batch
KNOWN = 1 / 3  # share of labels that are there
TASKS = 8
EXPERTS = 4
NAMES = list(default().by_name)[:20]


@dataclass(eq=False)
class Walker:
    """A network in training.  name: as printed."""

    name: str
    training: Training
    seconds: list[float]

    @property
    def parameters(self) -> int:
        """Of the network, all of them."""
        return sum(weight.numel() for weight in self.training.net.parameters())

    def epoch(self, graphs: GatheredGraphs, parts: list[np.ndarray], targets: torch.Tensor) -> float:
        """Seconds of CPU time of one epoch over these batches."""
        turns = [turn for turn, _ in self.training.left()]
        of = targets[:, : len(self.training.recipe.tasks)]
        began = time.process_time()
        for part, turn in zip(parts, turns, strict=False):
            self.training.step(batch_of(graphs, part, "cpu"), of[part], turn)
        took = time.process_time() - began
        self.training.close(None)
        return took


def walkers(epochs: int, rows: int, graphs: GatheredGraphs) -> list[Walker]:
    """All ways of sharing with TASKS tasks, and hard sharing with 1 and 20."""
    size = {"epochs": epochs, "batch_size": SIZE, "gnn_layers": 3, "width": 64}
    found = []
    for name in methods():
        if name == SINGLE:
            continue
        turns = stages(Recipe(tuple(NAMES[:TASKS]), sharing=name, **size), NAMES[:EXPERTS])
        starts = [Start(recipe, network(recipe).state_dict()) for recipe in turns[0]] if len(turns) > 1 else []
        if len(turns) > 1 and turns[0][0].sharing == name:  # its search is a run of its own
            found.append(_walker(f"{name}, search", turns[0][0], [], rows, graphs))
        words = f"{name}, {TASKS} tasks" if name == HARD else name
        found.append(_walker(words, turns[-1][0], starts, rows, graphs))
    for count in (1, 20):
        recipe = Recipe(tuple(NAMES[:count]), sharing=HARD, **size)
        found.append(_walker(f"{HARD}, {count} task{'s' if count > 1 else ''}", recipe, [], rows, graphs))
    return found


def _walker(name: str, recipe: Recipe, starts: list[Start], rows: int, graphs: GatheredGraphs) -> Walker:
    net = network(recipe)
    if starts:
        net.begin(starts)
    net.meets(graphs, np.arange(len(graphs)))  # computed before what is timed: once a run
    return Walker(name, Training(replace(recipe), net, rows), [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--crystals", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=6, help="batches of a round")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    torch.set_num_threads(1)
    crystals, _ = labelled_crystals(asked.crystals)
    graphs, rng = GatheredGraphs(crystals), np.random.default_rng(0)
    known = rng.random((len(graphs), len(NAMES))) < KNOWN
    labels = np.where(known, rng.standard_normal(known.shape), np.nan).astype(np.float32)
    targets, warm = torch.from_numpy(labels), 2
    every = walkers(asked.rounds + warm, asked.steps * SIZE, graphs)
    for number in track(range(asked.rounds + warm), "rounds"):
        parts = [rng.choice(len(graphs), SIZE, replace=False) for _ in range(asked.steps)]
        for walker in every:
            took = walker.epoch(graphs, parts, targets)
            if number >= warm:
                walker.seconds.append(took)
    report(every, asked.steps)


def report(every: list[Walker], steps: int) -> None:
    """Print the table."""
    by_name = {walker.name: walker for walker in every}
    hard, one = by_name[f"{HARD}, {TASKS} tasks"], by_name[f"{HARD}, 1 task"]
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__};")
    print(f"{len(hard.seconds)} rounds of {steps} batches of {SIZE}; width 64, 3 convolutions, one core.\n")
    print("|network|graphs/s|ms per step|times hard sharing|times one task|parameters|times hard's|\n|-|-|-|-|-|-|-|")
    for walker in every:
        middle = statistics.median(walker.seconds)
        beside = [
            statistics.median(mine / theirs for mine, theirs in zip(walker.seconds, other.seconds, strict=True))
            for other in (hard, one)
        ]
        speed, share = steps * SIZE / middle, walker.parameters / hard.parameters
        print(f"|{walker.name}|{speed:,.0f}|{1000 * middle / steps:.1f}|{beside[0]:.2f}|{beside[1]:.2f}|"
              f"{walker.parameters:,}|{share:.2f}|")  # fmt: skip


if __name__ == "__main__":
    main()
