"""How the planted networks are trained: what single tasks validate best with, and how much a seed moves them.

    OMP_NUM_THREADS=1 python -m benchmarks.transfer.budget

Tasks with a signal, each alone, on benchmarks 500 and 501, which nothing else is asked of. Printed per width and
setting: validation error over the deviation of the training labels, mean over tasks, seeds and benchmarks; and the
standard deviation over seeds of the logarithm of the test error, mean over tasks: the noise that a gain is seen
through. No pair is trained: gains have no part in what is chosen. The cost grows with steps times batch.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np

from lake.progress import track
from models.planted.dials import Dials
from models.planted.world import PlantedWorld
from models.pool import spread
from models.transfer_map.networks.size import Size

BENCHMARKS = (500, 501)
WITHOUT = ("noise", "permuted")
GRID = tuple(product((80, 160), (1e-2, 2e-2, 4e-2), (1e-2, 0.5, 1.0)))  # steps, learning rate, weight decay


def main() -> None:
    """Print a row per width and setting."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--processes", type=int)
    asked = parser.parse_args()
    sizes = [
        Size(width, steps=steps, learning_rate=rate, weight_decay=decay)
        for width in asked.widths
        for steps, rate, decay in GRID
    ]
    found = spread(judged, [(size, asked.seeds) for size in sizes], "settings", asked.processes)
    print("|width|steps|learning rate|weight decay|validation error|seeds' spread of the test error|\n|-|-|-|-|-|-|")
    for size, (error, apart) in zip(sizes, found, strict=True):
        print(f"|{size.width}|{size.steps}|{size.learning_rate:g}|{size.weight_decay:g}|{error:.3f}|{apart:.1%}|")


def judged(size: Size, seeds: int) -> tuple[float, float]:
    """Validation error and spread of the tasks alone."""
    from models.transfer_map.networks.small import trained

    errors, spreads = [], []
    for benchmark in BENCHMARKS:
        world = PlantedWorld(Dials(), benchmark)
        problem, kinds = world.problem(0), dict(world.planted.tasks.select("task", "kind").iter_rows())
        for task in track([name for name in problem.names if kinds[name] not in WITHOUT], f"benchmark {benchmark}"):
            told = [trained(problem, (task,), seed, size)[task] for seed in range(seeds)]
            deviation = float(problem.column(task)[problem.rows(task, "train")].std())
            errors += [one.validation / deviation for one in told]
            spreads.append(float(np.log([one.test for one in told]).std(ddof=1)))
    return float(np.mean(errors)), float(np.mean(spreads))


if __name__ == "__main__":
    main()
