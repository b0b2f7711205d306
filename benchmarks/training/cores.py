"""N trainings on N cores, beside N copies of a plain matrix product in the same run: what a second core is worth.

    OMP_NUM_THREADS=1 python -m benchmarks.training.cores --most 4

Each process is pinned to a core of its own and counts what it does in the same seconds; crowds of one to N processes
take turns, training and matrix products, over several rounds. Printed are medians of the total, relative to that of one
process in the same round: what the product loses, the machine takes (clock, memory, neighbours); the rest is ours.
A process counts training steps of 64 real crystals, or products of two 512 x 512 float32 matrices (numpy).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time

import numpy as np

from lake.progress import track


def work(kind: str, core: int, seconds: float, count: int, pipe) -> None:
    """Say that all is ready; then, each time one is asked to, how much was done per second."""
    os.sched_setaffinity(0, {core})
    once = {"training": training, "product": product}[kind](count)
    once()
    while True:
        pipe.send(None)
        pipe.recv()
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            once()
            done += 1
        pipe.send(done / (time.perf_counter() - began))


def training(count: int):
    """One step of our network."""
    import torch

    from benchmarks.training.crystals import labelled_crystals
    from benchmarks.training.peers import Ours, Peer
    from benchmarks.training.speed import SIZE, Training
    from lake.graphs.build import build
    from lake.graphs.folded import fold
    from models.batch import Batch

    torch.set_num_threads(1)
    crystals, gaps = labelled_crystals(count)
    graphs, rng = fold(build(crystals)), np.random.default_rng(0)
    load = lambda parts: ((Batch.of(graphs.batch(rows)), torch.from_numpy(gaps[rows])) for rows in parts)  # noqa: E731
    learner = Training(Peer("ours", Ours(64, 3), load))
    return lambda: learner.steps([rng.choice(count, SIZE, replace=False)])


def product(count: int):
    """One product."""
    a, b = np.random.default_rng(0).random((2, 512, 512), dtype=np.float32)
    out = np.empty_like(a)
    return lambda: np.matmul(a, b, out=out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--most", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--crystals", type=int, default=1000)
    asked = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: asked.most]
    spawn = multiprocessing.get_context("spawn")
    pipes: dict[str, list] = {"training": [], "product": []}
    started = []
    for kind, mine in pipes.items():
        for core in cores:
            here, there = spawn.Pipe()
            one = spawn.Process(target=work, args=(kind, core, asked.seconds, asked.crystals, there), daemon=True)
            one.start()
            started.append(one)
            mine.append(here)
    for pipe in (*pipes["training"], *pipes["product"]):
        pipe.recv()
    totals: dict[tuple[str, int], list[float]] = {}
    for _ in track(range(asked.rounds), "rounds"):
        for crowd in range(1, len(cores) + 1):
            for kind, mine in pipes.items():
                for pipe in mine[:crowd]:
                    pipe.send(None)
                done = [pipe.recv() for pipe in mine[:crowd]]
                for pipe in mine[:crowd]:
                    pipe.recv()  # ready again
                totals.setdefault((kind, crowd), []).append(sum(done))
    for one in started:
        one.terminate()
    print("|processes|training, of one|product, of one|training to product|crystals/s in all|\n|-|-|-|-|-|")
    for crowd in range(1, len(cores) + 1):
        gains = {kind: relative(totals[kind, crowd], totals[kind, 1]) for kind in pipes}
        share = statistics.median(t / p for t, p in zip(gains["training"], gains["product"], strict=True))
        told = "|".join(f"{statistics.median(gains[kind]):.2f}" for kind in pipes)
        print(f"|{crowd}|{told}|{share:.2f}|{64 * statistics.median(totals['training', crowd]):,.0f}|")


def relative(these: list[float], to: list[float]) -> list[float]:
    """Round by round."""
    return [a / b for a, b in zip(these, to, strict=True)]


if __name__ == "__main__":
    main()
