"""Size of the networks of a lake's map: what single tasks validate best with, how much a seed moves them, and the time.

`OMP_NUM_THREADS=1 python -m benchmarks.learning.transfer_size LAKE`. A row per size: the geometric mean over columns
and seeds of the validation error over that of the training mean; the standard deviation over seeds of its logarithm (as
a map's seeds do, these draw crystals and split anew); CPU seconds of one run alone and of one pair. Seeds are 900, 901,
..., of which the map has none, and the lake's test crystals are not read. No gain is looked at.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np

from lake.store import Lake
from models.transfer_map.families import columns
from models.transfer_map.networks.small import Size, trained
from models.transfer_map.problem import Problem
from models.transfer_map.worlds.drawn import TRAIN
from models.transfer_map.worlds.lake import LakeWorld


def mean_error(problem: Problem, task: str) -> float:
    """What the training mean errs by on validation."""
    labels = problem.column(task)
    return float(np.abs(labels[problem.rows(task, "validation")] - labels[problem.rows(task, "train")].mean()).mean())


def row(world: LakeWorld, size: Size, seeds: int) -> tuple[float, float, float, float]:
    """Relative error, its spread over seeds, seconds alone, seconds of a pair."""
    trained(world.problem(900), world.names[:2], 0, Size(width=size.width, steps=1))  # numba compiles
    ratios, alone, pairs = np.zeros((seeds, len(world.names))), [], []
    for at, seed in enumerate(range(900, 900 + seeds)):
        problem = world.problem(seed)
        for t, task in enumerate(world.names):
            begun = time.process_time()
            told = trained(problem, (task,), seed, size)[task].validation
            alone.append(time.process_time() - begun)
            ratios[at, t] = np.log(told / mean_error(problem, task))
    problem = world.problem(900)
    for pair in zip(world.names[::3], world.names[1::3], strict=False):
        begun = time.process_time()
        trained(problem, pair, 900, size)
        pairs.append(time.process_time() - begun)
    spread = ratios.std(axis=0, ddof=1).mean() if seeds > 1 else np.nan
    return float(np.exp(ratios.mean())), float(spread), float(np.mean(alone)), float(np.mean(pairs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lake", type=Path)
    parser.add_argument("--labels", type=int, default=1500)
    parser.add_argument("--cells", type=int, nargs="+", default=[40])
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--epochs", type=int, nargs="+", default=[30, 60])
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-2])
    parser.add_argument("--decays", type=float, nargs="+", default=[1e-2])
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    names = tuple(columns(Lake(asked.lake))["name"])
    print("cell  width  epochs  batch  rate   decay  error  spread  alone_s  pair_s")
    for cell, width, epochs, batch, rate, decay in product(
        asked.cells, asked.widths, asked.epochs, asked.batches, asked.rates, asked.decays
    ):
        steps = -(-int(epochs * asked.labels * TRAIN) // batch)
        size = Size(width, steps=steps, batch=batch, learning_rate=rate, weight_decay=decay)
        error, spread, alone, pair = row(LakeWorld(asked.lake, names, asked.labels, cell), size, asked.seeds)
        print(
            f"{cell:4d}  {width:5d}  {epochs:6d}  {batch:5d}  {rate:<5g}  {decay:<5g}  {error:.3f}  {spread:6.3f}",
            end="",
        )
        print(f"  {alone:7.2f}  {pair:6.2f}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
