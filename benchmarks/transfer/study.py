"""Study: a planted benchmark under one network; which runs a question asks of it, from the ledger or trained now.

What the commands of this package share: seeds that never meet (estimates 0.., the oracle's 1000.., those that chosen
sets are trained with 2000.., of further single runs 3000..), the size of the networks, and how a command is asked and
told.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from models.planted.dials import Dials
from models.planted.world import PlantedWorld
from models.transfer_map.asked import Asked, alone, placebos, together
from models.transfer_map.groups import Groups
from models.transfer_map.ledger import FOLDER, RunLedger
from models.transfer_map.networks.size import Size
from models.transfer_map.runs import forecast, missing, trained_runs
from models.transfer_map.statistics.gains import OVER_PLACEBO, RAW, gains_of
from models.transfer_map.statistics.intervals import estimated

ESTIMANDS = (RAW, OVER_PLACEBO)
ORACLE, FRESH, FURTHER = 1000, 2000, 3000  # first seeds
# Chosen on other benchmarks (`python -m benchmarks.transfer.budget`): rate and decay from single tasks of 80 steps, of
# what validates within 1.5 % of the best at both widths what differs least from seed to seed; steps so that gains
# repeat.
STEPS, RATE, DECAY = 160, 2e-2, 1.0


def size_of(width: int, steps: int = STEPS) -> Size:
    """The networks of this benchmark."""
    return Size(width=width, steps=steps, learning_rate=RATE, weight_decay=DECAY)


@dataclass(frozen=True)
class Study:
    """One world, one size of network, and the folder of its ledger."""

    world: PlantedWorld
    size: Size
    results: Path = FOLDER
    processes: int | None = None

    @property
    def ledger(self) -> RunLedger:
        """Of its runs; a file for each benchmark seed, number of tasks and width."""
        named = f"transfer_planted_{self.world.seed}_{self.world.dials.tasks}x{self.size.width}"
        return RunLedger.of(named, self.results)

    @property
    def names(self) -> tuple[str, ...]:
        """The tasks."""
        return self.world.dials.names

    @property
    def planted_groups(self) -> Groups:
        """The groups of the design; a task that belongs to nobody is one of its own."""
        return groups_of(self.world.planted.tasks)

    def runs(self, asked: Iterable[Asked]) -> pl.DataFrame:
        """RUNS of all of them; what the ledger lacks is trained."""
        return trained_runs(self.world, asked, self.size, self.ledger, self.processes)

    def left(self, asked: Iterable[Asked]) -> list[Asked]:
        """Those that the ledger lacks."""
        asked = list(asked)
        digests = {seed: self.world.problem(seed).digest for seed in {one.seed for one in asked}}
        return missing(asked, digests, self.size, self.ledger)

    def oracle(self, seeds: int, of: str) -> pl.DataFrame:
        """PAIRS of the oracle's first seeds; each pair's variance is its own."""
        gains = gains_of(self.runs(every_pair(self.names, oracle_seeds(seeds))))
        return estimated(gains, of, moderated=False)


def oracle_seeds(count: int) -> range:
    """The oracle's first seeds."""
    return range(ORACLE, ORACLE + count)


def every_pair(names: Sequence[str], seeds: Iterable[int]) -> list[Asked]:
    """Tasks alone, together in pairs, and with each source permuted: T + T (T - 1) 3 / 2 runs a seed."""
    seeds = list(seeds)
    return [*alone(names, seeds), *together(names, seeds), *placebos(names, seeds)]


def groups_of(tasks: pl.DataFrame) -> Groups:
    """The groups of a design's table of tasks."""
    members = tasks.group_by("group").agg(pl.col("task").sort())
    return tuple(sorted(tuple(group) for group in members["task"]))


def parser(about: str, seeds: int | None, oracle: int) -> argparse.ArgumentParser:
    """What all commands are asked: benchmark, widths, seeds, folder, processes, and whether to say only how long."""
    asked = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seed", type=int, nargs="+", default=[0], help="of the benchmark: another one each")
    asked.add_argument("--widths", type=int, nargs="+", default=[4, 16], help="of the networks, multiples of four")
    asked.add_argument("--steps", type=int, default=STEPS, help="gradient steps of every run")
    if seeds is not None:
        asked.add_argument("--seeds", type=int, default=seeds, help="of the estimates: 0, 1, ...")
    asked.add_argument(f"--{'oracle-' * (seeds is not None)}seeds", type=int, default=oracle, dest="oracle_seeds",
                       help=f"of the oracle: {ORACLE}, {ORACLE + 1}, ...")  # fmt: skip
    asked.add_argument("--results", type=Path, default=FOLDER, help="of the ledgers")
    asked.add_argument("--processes", type=int, help="one per core where not said")
    asked.add_argument("--dry-run", action="store_true", help="say only how many runs are missing and how long")
    return asked


def studies(asked: argparse.Namespace, dials: Dials) -> list[Study]:
    """One for each benchmark seed and width."""
    return [
        Study(PlantedWorld(dials, seed), size_of(width, asked.steps), asked.results, asked.processes)
        for seed in asked.seed
        for width in asked.widths
    ]


def told_time(wanted: Iterable[tuple[str, Study, list[Asked]]]) -> None:
    """How many runs each study lacks, and how long they take here now; a run that two want counts once."""
    whole, seen = 0.0, {}
    for words, study, asked in wanted:
        before = seen.setdefault((study.world, study.size), set())
        left = [one for one in study.left(asked) if one not in before]
        before.update(left)
        seconds = forecast(study.world, left, study.size, study.processes)
        whole += seconds
        print(f"{words}: {len(left):,} of {len(asked):,} runs are missing, {seconds / 60:.1f} minutes", flush=True)
    print(f"in all {whole / 60:.1f} minutes")


def shown(frame: pl.DataFrame) -> None:
    """Print a table, all of it."""
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, fmt_str_lengths=60, float_precision=3,
        tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True,
    ):  # fmt: skip
        print(frame, flush=True)
