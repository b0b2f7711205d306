"""How the planted networks are trained: what tasks validate best with, and what makes their gains repeat.

    OMP_NUM_THREADS=1 python -m benchmarks.transfer.budget            rate and decay, from tasks alone
    OMP_NUM_THREADS=1 python -m benchmarks.transfer.budget --gains    steps, from pairs

On benchmarks 500 and 501, which nothing else is asked of. First, tasks with a signal, each alone, per width, rate and
decay: validation error over the deviation of the training labels, mean over tasks, seeds and benchmarks; and the
standard deviation over seeds of the logarithm of the test error, mean over tasks.

Then, per width and number of steps, all pairs by ten seeds: how far the mean gain of five would repeat, that is the
variance of true gains over pairs divided by that of means of five, and Spearman's coefficient of the gains of one half
of the seeds with those of the other, the mean over 30 ways to halve them. Truth has no part in it. These runs stand in
docs/results/transfer_budget.csv and are not trained again. The cost grows with steps times batch.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
import polars as pl

from lake.progress import track
from models.planted.dials import Dials
from models.planted.world import PlantedWorld
from models.pool import spread
from models.transfer_map.asked import alone, together
from models.transfer_map.ledger import RunLedger
from models.transfer_map.networks.size import Size
from models.transfer_map.runs import trained_runs
from models.transfer_map.statistics.gains import RAW, gains_of
from models.transfer_map.statistics.intervals import matrix_of

BENCHMARKS = (500, 501)
WITHOUT = ("noise", "permuted")
GRID = tuple(product((80, 160), (1e-2, 2e-2, 4e-2), (1e-2, 0.5, 1.0)))  # steps, learning rate, weight decay
RATE, DECAY = 2e-2, 1.0  # what 80 steps of the grid chose: the least spread within 1.5 % of the best, at both widths
STEPS = {4: (80, 160, 320), 16: (80, 160)}
PAIRED, FEW, HALVES = 10, 5, 30  # seeds of pairs; of the mean that is to repeat; ways to halve them
LEDGER = RunLedger.of("transfer_budget")


def main() -> None:
    """Print a row per width and setting."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--seeds", type=int, default=4, help="of tasks alone")
    parser.add_argument("--gains", action="store_true", help="train pairs, by several numbers of steps")
    parser.add_argument("--processes", type=int)
    asked = parser.parse_args()
    (by_gains if asked.gains else by_tasks)(asked)


def by_tasks(asked: argparse.Namespace) -> None:
    """Rate and decay."""
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


def by_gains(asked: argparse.Namespace) -> None:
    """Steps."""
    print("|width|steps|benchmark|repeats|halves agree|\n|-|-|-|-|-|")
    for width in asked.widths:
        for steps, benchmark in product(STEPS.get(width, (80, 160)), BENCHMARKS):
            world, size = PlantedWorld(Dials(), benchmark), Size(width, steps=steps, learning_rate=RATE,
                                                                 weight_decay=DECAY)  # fmt: skip
            names, seeds = world.dials.names, range(PAIRED)
            runs = trained_runs(world, [*alone(names, seeds), *together(names, seeds)], size, LEDGER, asked.processes)
            share, halves = repeated(gains_of(runs))
            print(f"|{width}|{steps}|{benchmark}|{share:.2f}|{halves:.2f}|", flush=True)


def repeated(gains: pl.DataFrame) -> tuple[float, float]:
    """Share of the variance of means of FEW seeds that is true, and Spearman's coefficient of halves."""
    from scipy.stats import spearmanr

    _, values = matrix_of(gains, RAW)
    seeds, noise = values.shape[1], values.var(axis=1, ddof=1).mean()
    true = max(values.mean(axis=1).var(ddof=1) - noise / seeds, 0.0)
    lots, told = np.random.default_rng(0), []
    for _ in range(HALVES):
        one, other = np.array_split(lots.permutation(seeds), 2)
        told.append(spearmanr(values[:, one].mean(1), values[:, other].mean(1)).statistic)
    return float(true / (true + noise / FEW)), float(np.mean(told))


if __name__ == "__main__":
    main()
