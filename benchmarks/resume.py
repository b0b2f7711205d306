"""Resume: training that is killed at any moment, and started again, gives the run that nobody disturbed.

    python -m benchmarks.resume --kills 20 --seed 0      # real crystals of ../shared/data
    python -m benchmarks.resume --cost                   # what keeping states costs

Every life is a process of its own that dies by SIGKILL, at a random moment after it began to train; the next goes on
from the state that it left. States are kept every tenth of a second, so that most moments have one, and some kills hit
its writing. When all kills are spent, a last life ends the run; weights, history and scores are compared bit for bit
with those of one undisturbed life. Exit status 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import polars as pl
from safetensors import safe_open

from lake.crystal import Crystal
from lake.graphs.arrays import GraphBatch
from lake.graphs.gathered import GatheredGraphs
from lake.progress import track
from models.dataset import TrainingRows
from models.fit import EVERY, fit
from models.recipe import Recipe
from models.run import Run
from models.state import StateFile
from models.training import Training

KEPT = 0.1  # s between states here; a study keeps them far less often
RECIPE = Recipe(("band_gap",), epochs=60)  # of the default size


Wait = Callable[[BaseProcess, Path, float], None]  # a life, its state's file, each kill's share of the run in seconds


@dataclass(frozen=True)
class Ground:
    """What is learnt: crystals of one task, and where each belongs."""

    crystals: list[Crystal]
    values: list[float]
    splits: list[str]

    def rows(self, task: str) -> TrainingRows:
        """The training rows."""
        hashes = [crystal.structure_hash for crystal in self.crystals]
        names = [f"made:{at}" for at in range(len(hashes))]
        frame = pl.DataFrame({"entry_id": names, "structure_hash": hashes, "material_id": names, "split": self.splits})
        return TrainingRows((task,), frame, np.array(self.values, dtype=np.float32).reshape(-1, 1))


@dataclass(frozen=True)
class Killed:
    """seconds: of training.  epochs: closed in the state that was left, None without one.  torn: or half of one."""

    seconds: float
    epochs: int | None
    torn: bool


@dataclass(frozen=True)
class Told:
    """The kills, and what differs from the run that nobody disturbed."""

    kills: list[Killed]
    differing: list[str]


def real(crystals: int) -> Ground:
    """Crystals of mp2018 with their band gaps: small ones, since it is the kills that count."""
    from lake.cif import crystal_from_cif
    from lake.sample.real import real_folder

    told = pl.scan_parquet(real_folder() / "mp2018_multi_property.parquet").select("cif", "band_gap").drop_nulls()
    rows = told.head(crystals).collect()
    return _split([crystal_from_cif(text) for text in track(rows["cif"], "reading")], rows["band_gap"].to_list())


def salts() -> Ground:
    """96 rock salts whose gap follows from their cell."""
    lengths = [4.2 + 2.4 * ((at * 37) % 96) / 96 for at in range(96)]
    cell = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    made = [Crystal(cell * length, [[0, 0, 0], [0.5, 0.5, 0.5]], [11, 17]) for length in lengths]
    return _split(made, [12.0 - 1.5 * length for length in lengths])


def _split(crystals: list[Crystal], values: list[float]) -> Ground:
    return Ground(crystals, values, [{0: "test", 1: "validation"}.get(at % 6, "train") for at in range(len(values))])


def life(ground: Ground, recipe: Recipe, folder: Path, every: float, begun: Connection) -> None:
    """One process: train, or go on; says when it begins."""
    rows = ground.rows(*recipe.tasks)
    fit(recipe, rows, _Telling(ground.crystals, begun), folder, every=every)


class _Telling(GatheredGraphs):
    """Graphs that say when training first asks for them."""

    def __init__(self, crystals: list[Crystal], begun: Connection) -> None:
        super().__init__(crystals)
        self._begun = begun

    def batch(self, rows: np.ndarray) -> GraphBatch:
        """As of any graphs."""
        if not self._begun.closed:
            self._begun.send(None)
            self._begun.close()
        return super().batch(rows)


def at_random(seed: int) -> Wait:
    """Kills spread over the whole run: each waits for up to one and a half times its share."""
    chance = random.Random(seed)
    return lambda process, state, share: process.join(chance.uniform(0, 1.5 * share))


def when_kept(process: BaseProcess, state: Path, share: float) -> None:
    """Kill as soon as a state is written, or written anew."""
    before = state.stat().st_mtime_ns if state.exists() else 0
    while process.is_alive() and (state.stat().st_mtime_ns if state.exists() else 0) == before:
        time.sleep(1e-3)


def killed(ground: Ground, recipe: Recipe, kills: int, wait: Wait, every: float = KEPT) -> Told:
    """Train undisturbed, then killed so many times, and compare.  every: seconds between states."""
    processes = multiprocessing.get_context("forkserver")  # its children have imported when they are born
    processes.set_forkserver_preload(["models.fit", "lake.graphs.gathered", "torch._dynamo"])
    told: list[Killed] = []
    with tempfile.TemporaryDirectory(prefix="resume-") as scratch:
        whole, disturbed = Path(scratch, "whole"), Path(scratch, "killed")
        share = fit(recipe, ground.rows(*recipe.tasks), GatheredGraphs(ground.crystals), whole).seconds / kills
        for _ in track(range(kills), "killing"):
            process = _born(processes, ground, recipe, disturbed, every)
            began = time.perf_counter()
            wait(process, disturbed / f"{recipe.slug}.state", share)
            process.kill()
            process.join()
            if process.exitcode != -signal.SIGKILL:
                raise RuntimeError(f"a life must last until it is killed, found exit status {process.exitcode}")
            seconds, torn = time.perf_counter() - began, [*disturbed.glob("*.part")]
            told.append(Killed(seconds, _epochs(disturbed / f"{recipe.slug}.state"), bool(torn)))
            for file in torn:
                file.unlink()
        _born(processes, ground, recipe, disturbed, every).join()
        return Told(told, _differing(*(folder / f"{recipe.slug}.safetensors" for folder in (whole, disturbed))))


def _born(processes: BaseContext, ground: Ground, recipe: Recipe, folder: Path, every: float) -> BaseProcess:
    """A life that has just begun to train."""
    begun, beginning = processes.Pipe(duplex=False)
    process = processes.Process(target=life, args=(ground, recipe, folder, every, beginning))
    process.start()
    beginning.close()
    begun.recv()
    return process


def _epochs(state: Path) -> int | None:
    if not state.exists():
        return None
    with safe_open(state, framework="numpy") as file:
        return len(json.loads(file.metadata()["numbers"])["history"])


def _differing(there: Path, here: Path) -> list[str]:
    """What two checkpoints tell otherwise, their times and places aside."""
    from safetensors.numpy import load_file

    from models.checkpoint import read

    weights, others = load_file(there), load_file(here)
    names = [name for name in weights if weights[name].tobytes() != others[name].tobytes()]
    one, other = read(there), read(here)

    def books(run: Run) -> tuple:
        return run.history, run.scores, run.data

    same = books(one.run) == books(other.run) and (one.scaler, one.elements) == (other.scaler, other.elements)
    return names if same else [*names, "header"]


def cost(ground: Ground, recipe: Recipe) -> tuple[float, float, int]:
    """Median seconds of a step and of keeping a state, and the state's bytes."""
    steps, keeps = [], []
    graphs, rows = GatheredGraphs(ground.crystals), ground.rows(*recipe.tasks)
    taken, kept = Training.step, StateFile.write

    def timed(method: Callable, into: list[float]) -> Callable:
        def measured(*asked: object) -> None:
            began = time.perf_counter()
            method(*asked)
            into.append(time.perf_counter() - began)

        return measured

    with tempfile.TemporaryDirectory(prefix="resume-") as folder:
        sizes: list[int] = []

        def written(file: StateFile, state: object) -> None:
            kept(file, state)
            sizes.append(file.path.stat().st_size)

        Training.step, StateFile.write = timed(taken, steps), timed(written, keeps)
        try:
            fit(recipe, rows, graphs, Path(folder), every=KEPT)
        finally:
            Training.step, StateFile.write = taken, kept
    return statistics.median(steps), statistics.median(keeps), max(sizes)


def main() -> None:
    """Kill, and print each kill and the verdict; or what keeping states costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crystals", type=int, default=400)
    parser.add_argument("--cost", action="store_true", help="measure the keeping of states instead")
    asked = parser.parse_args()
    ground = real(asked.crystals)
    if asked.cost:
        step, keep, size = cost(ground, RECIPE)
        print(f"a step {1e3 * step:.1f} ms, a state {1e3 * keep:.1f} ms and {size / 1e6:.1f} MB")
        print(f"kept every {EVERY:g} s: {keep / EVERY:.3%} of training")
        return
    began = time.perf_counter()
    told = killed(ground, RECIPE, asked.kills, at_random(asked.seed))
    for number, kill in enumerate(told.kills, start=1):
        left = "no state" if kill.epochs is None else f"a state of epoch {kill.epochs + 1}"
        torn = " and half of the next" if kill.torn else ""
        print(f"kill {number:2}: after {kill.seconds:5.2f} s of training, left {left}{torn}")
    verdict = f"FAIL: {', '.join(told.differing)}" if told.differing else "PASS: weights, history and scores are equal"
    print(f"{len(told.kills)} kills, seed {asked.seed}, {asked.crystals} crystals. {verdict}")
    print(f"{time.perf_counter() - began:.0f} s")
    sys.exit(bool(told.differing))


if __name__ == "__main__":
    main()
