"""Crystals per second of training, and the error after equal epochs: ours, PyG's CGConv, the published layer.

    OMP_NUM_THREADS=1 python -m benchmarks.training.speed --core 0
    OMP_NUM_THREADS=1 python -m benchmarks.training.speed --core 0 --error

A step is loading a random batch, forward, L1 of standardised band gaps, backward and AdamW (fused), on one core and one
thread. The networks take turns: in a round each trains the same batches. Printed are medians over rounds of crystals
per second of CPU time (the wall's on an idle core), and of what ours is faster in the same round. Compiling, of numba
and torch.compile (dynamic=True), happens before and is stated. The peers: peers.py. Graphs are built before the clock
runs, and folded (`lake/graphs/folded.py`), for which the time is stated.

--error: the mean absolute error of band gaps on a fifth of the crystals, by the networks that the speeds are of, each
trained for the same epochs with OneCycle, with 95 % intervals over seeds.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time

import numpy as np
import torch
from scipy.stats import t as student

from benchmarks.training.crystals import labelled_crystals
from benchmarks.training.peers import Peer, peers
from lake.graphs.build import build
from lake.graphs.folded import fold
from lake.progress import track

SIZE = 64  # crystals per batch


class Training:
    """A peer with its optimiser."""

    def __init__(self, peer: Peer, rate: float = 1e-3) -> None:
        self.peer, self.net = peer, peer.net.train()
        self.call = torch.compile(peer.net, dynamic=True) if peer.compiled else peer.net
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=rate, fused=True)

    def steps(self, parts: list[np.ndarray], schedule=None) -> None:
        """One step for each batch."""
        for *inputs, targets in self.peer.load(parts):
            loss = (self.call(*inputs) - targets).abs().mean()
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            if schedule:
                schedule.step()

    @torch.no_grad()
    def error(self, parts: list[np.ndarray]) -> float:
        """Mean absolute error."""
        self.net.eval()
        errors = [(self.net(*inputs) - targets).abs() for *inputs, targets in self.peer.load(parts)]
        return float(torch.cat(errors).mean())


def speed(graphs, targets: np.ndarray, rounds: int, steps: int, width: int, layers: int, compiled: bool) -> None:
    """Print crystals per second."""
    rng = np.random.default_rng(0)

    def draw() -> list[np.ndarray]:
        return [rng.choice(len(graphs), SIZE, replace=False) for _ in range(steps)]

    trainings, first = [Training(p) for p in peers(graphs, targets, width, layers, compiled)], {}
    for training in track(trainings, "first steps"):
        began = time.perf_counter()
        training.steps(draw())
        first[training.peer.name] = time.perf_counter() - began
        training.steps(draw())
    seconds: dict[str, list[float]] = {training.peer.name: [] for training in trainings}
    for _ in track(range(rounds), "rounds"):
        parts = draw()
        for training in trainings:
            began = time.process_time()
            training.steps(parts)
            seconds[training.peer.name].append(time.process_time() - began)
    print(f"\n{rounds} rounds of {steps} batches of {SIZE}; width {width}, {layers} layers.\n")
    print("|network|crystals/s|ms per step|ours is faster by|first steps, s|\n|-|-|-|-|-|")
    ours = seconds["ours"]
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        ratio = statistics.median(theirs / mine for theirs, mine in zip(taken, ours, strict=True))
        print(f"|{name}|{steps * SIZE / middle:,.0f}|{1000 * middle / steps:.1f}|{ratio:.1f}|{first[name]:.1f}|")


def error(graphs, targets: np.ndarray, epochs: int, seeds: int, width: int, layers: int) -> None:
    """Print errors after equal epochs."""
    mean, spread = float(targets.mean()), float(targets.std())
    scaled = ((targets - mean) / spread).astype(np.float32)
    cut = len(targets) * 4 // 5
    validation = np.array_split(np.arange(cut, len(targets)), -(-(len(targets) - cut) // 256))
    found: dict[str, list[float]] = {}
    for seed in track(range(seeds), "seeds"):
        torch.manual_seed(seed)
        for peer in peers(graphs, scaled, width, layers, compiled=False):
            if "plain" in peer.name:
                continue
            rng, training = np.random.default_rng(seed), Training(peer)
            total = epochs * -(-cut // SIZE) + 1
            schedule = torch.optim.lr_scheduler.OneCycleLR(training.optimiser, 3e-3, total_steps=total)
            for _ in range(epochs):
                training.steps(np.array_split(rng.permutation(cut), -(-cut // SIZE)), schedule)
            found.setdefault(peer.name, []).append(training.error(validation) * spread)
    floor = float(np.abs(targets[cut:] - np.median(targets[:cut])).mean())
    print(f"\n{cut} crystals to learn from, {len(targets) - cut} to ask, {epochs} epochs; the median: {floor:.3f} eV\n")
    print("|network|MAE, eV|95 %|seeds|\n|-|-|-|-|")
    for name, errors in found.items():
        half = student.ppf(0.975, seeds - 1) * statistics.stdev(errors) / seeds**0.5
        told = ", ".join(f"{e:.3f}" for e in errors)
        print(f"|{name}|{statistics.mean(errors):.3f}|± {half:.3f}|{told}|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--crystals", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--error", action="store_true")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    torch.set_num_threads(1)
    crystals, gaps = labelled_crystals(asked.crystals)
    graphs = build(crystals)
    fold(graphs)  # compiles
    began = time.process_time()
    folded = fold(graphs)
    each = (time.process_time() - began) / len(graphs)
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {len(graphs)} crystals with")
    atoms, edges = len(graphs.numbers) / len(graphs), len(graphs.index) / len(graphs.numbers)
    print(f"{atoms:.1f} atoms and {edges:.2f} edges per atom;")
    print(f"folded, {len(folded.numbers) / len(graphs.numbers):.1%} of the atoms and")
    print(f"{len(folded.index) / len(graphs.index):.1%} of the edges, in {1e6 * each:.0f} us per crystal, once.")
    if asked.error:
        error(graphs, gaps, asked.epochs, asked.seeds, asked.width, asked.layers)
    else:
        speed(graphs, gaps, asked.rounds, asked.steps, asked.width, asked.layers, not asked.no_compile)


if __name__ == "__main__":
    main()
