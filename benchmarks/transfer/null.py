"""What the statistics of a transfer map find where nothing transfers: repetitions, each a small map of its own.

    OMP_NUM_THREADS=1 python -m benchmarks.transfer.null --repetitions 200 --dry-run
    OMP_NUM_THREADS=1 python -m benchmarks.transfer.null --repetitions 200

A repetition is a planted benchmark of its own seed, four of its tasks, all ordered pairs, five seeds of training.
sources: targets keep their labels, each source's are permuted within itself. all: targets' are permuted too. Either
way the source is one more permutation of the labels that its placebo permutes, so over permutations the gain over
placebo is 0 in the mean. anew: each seed has permutations of its own, and that is all there is to it. once: all seeds
share them, as they share a real task's labels; what just these chance labels do to a target is then the same for all
seeds, and an interval, which speaks of the labels at hand, should hold that and may miss 0.

Printed: repetitions with a discovery (Benjamini and Hochberg, q = .05) and the upper 95 % bound of their share; the p
of Kolmogorov and Smirnov's test that one p-value of each repetition is uniform; the share of 95 % intervals that hold
0; the spread of estimates over their standard errors, 1 where these are right. Finished repetitions stand in
docs/results/transfer_null.csv and are not trained again.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import polars as pl

from models.planted.dials import Dials
from models.planted.world import PlantedWorld
from models.pool import cores, spread
from models.transfer_map.asked import Asked, placebos, together
from models.transfer_map.ledger import FOLDER
from models.transfer_map.networks.size import Size
from models.transfer_map.runs import run_piece
from models.transfer_map.scores import coverage, null
from models.transfer_map.statistics.discoveries import discovered
from models.transfer_map.statistics.gains import KEYS, OVER_PLACEBO, gains_of
from models.transfer_map.statistics.intervals import PAIR, estimated
from models.transfer_map.worlds.permuted import PermutedWorld, permuted_name

TASKS = 4
DIALS = Dials(crystals=800, labels=(48,) * TASKS + (2,) * (12 - TASKS))  # names are drawn by lot, so any four will do
STEPS, BATCH = 60, 16
LEDGER = FOLDER / "transfer_null.csv"
COLUMNS = ("kind", "permuted", "dials", "size", "repetition", "target", "source", "gains")
KINDS, WAYS = ("sources", "all"), ("once", "anew")
FIRST = 10_000  # seed of the first repetition's benchmark: none that is scored


@dataclass(frozen=True, order=True)
class Repetition:
    """One map: its kind, whether labels are permuted once or anew for each seed, its number, its seeds of training."""

    kind: str
    permuted: str
    number: int
    seeds: int = 5

    @property
    def world(self) -> PermutedWorld:
        """Its crystals and labels."""
        names = DIALS.names[:TASKS]
        real = names if self.kind == "sources" else ()
        return PermutedWorld(
            PlantedWorld(DIALS, FIRST + self.number), real, names, FIRST + self.number, self.permuted == "anew"
        )

    @property
    def asked(self) -> list[Asked]:
        """Every ordered pair with the source as it is here and with its placebo."""
        names, seeds = DIALS.names[:TASKS], range(self.seeds)
        if self.kind == "all":
            permuted = tuple(map(permuted_name, names))
            return [*together(permuted, seeds), *placebos(permuted, seeds)]
        pairs = [(target, permuted_name(source)) for target, source in permutations(names, 2)]
        return [Asked(seed, pair, placebo) for seed in seeds for pair in pairs for placebo in ((), pair[1:])]


def gains(repetition: Repetition, size: Size) -> tuple[Repetition, pl.DataFrame]:
    """The repetition, and its gains over placebo: target, source, seed, gain_placebo. A world is made, then trained."""
    rows = [
        (list(one.tasks), list(one.placebo), one.seed, task, test)
        for one, errors in run_piece(repetition.world, repetition.asked, size)
        for task, test in errors.items()
    ]
    runs = pl.DataFrame(rows, schema=["tasks", "placebo", "seed", "task", "error"], orient="row")
    # what a permuted source gets out of a real target is no null: it is not looked at
    wanted = pl.col("target").is_in(repetition.world.real) if repetition.world.real else pl.lit(True)
    return repetition, gains_of(runs).filter(wanted).select(*KEYS, OVER_PLACEBO)


def add(found: tuple[Repetition, pl.DataFrame], size: Size, path: Path = LEDGER) -> None:
    """Write a repetition behind the others: a line per ordered pair, its gains in the order of the seeds."""
    repetition, table = found
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        if new:
            lines.writerow(COLUMNS)
        about = (repetition.kind, repetition.permuted, DIALS.digest, size.digest, repetition.number)
        for pair, part in table.sort(KEYS).group_by(PAIR, maintain_order=True):
            lines.writerow((*about, *pair, " ".join(f"{gain:.4g}" for gain in part[OVER_PLACEBO])))


def known(size: Size, seeds: int, path: Path = LEDGER) -> dict[Repetition, pl.DataFrame]:
    """The gains of every repetition that the ledger has for these dials, this size and so many seeds."""
    if not path.exists():
        return {}
    lines = pl.read_csv(path, schema_overrides={"gains": pl.String, "size": pl.String, "dials": pl.String})
    lines = lines.filter(dials=DIALS.digest, size=size.digest)
    told = lines.with_columns(pl.col("gains").str.split(" ").cast(pl.List(pl.Float64)))
    told = told.filter(pl.col("gains").list.len() == seeds)
    found = {}
    told = told.unique(["kind", "permuted", "repetition", *PAIR], keep="last", maintain_order=True)
    for (kind, permuted, number), part in told.group_by("kind", "permuted", "repetition", maintain_order=True):
        if len(part) == TASKS * (TASKS - 1):  # else its writing was cut off, and it is made again
            table = part.select(*PAIR, seed=pl.lit(list(range(seeds))), gain_placebo="gains")
            found[Repetition(kind, permuted, number, seeds)] = table.explode("seed", "gain_placebo")
    return found


def verdict(tables: Sequence[pl.DataFrame], moderated: bool) -> tuple[int, float, float, float, float]:
    """Repetitions with a discovery, upper bound of their share, KS p, share of intervals that hold 0, and spread."""
    each = [discovered(estimated(table, moderated=moderated)) for table in tables]
    found = null(each)
    pairs = pl.concat(
        [table.with_columns(target=pl.format("{}/{}", pl.lit(at), "target")) for at, table in enumerate(each)]
    )
    zero = pairs.select(*PAIR, truth=pl.lit(0.0))
    beyond = (pairs["gain"].pow(2).mean() / pairs["error"].pow(2).mean()) ** 0.5
    return found.discovered, found.upper, found.uniform, coverage(pairs, zero), beyond


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repetitions", type=int, default=200, help="of each kind")
    parser.add_argument("--processes", type=int, default=cores())
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--permuted", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--dry-run", action="store_true", help="say how long it takes, and train one of each only")
    asked = parser.parse_args()
    size = Size(width=asked.width, steps=STEPS, batch=BATCH)
    wanted = [
        Repetition(kind, way, number, asked.seeds)
        for number in range(asked.repetitions)
        for kind in asked.kinds
        for way in asked.permuted
    ]
    finished = known(size, asked.seeds)
    left = [one for one in wanted if one not in finished]
    print(f"{len(wanted) - len(left)} of {len(wanted)} repetitions are known")
    if asked.dry_run:
        forecast(left, size, asked.processes)
        return
    spread(gains, [(one, size) for one in left], "repetitions", asked.processes, lambda found: add(found, size))
    finished = known(size, asked.seeds)
    print("|kind|permuted|t|repetitions|with a discovery|upper 95 %|KS p|intervals with 0|spread|\n|-|-|-|-|-|-|-|-|-|")
    for kind in asked.kinds:
        for way in asked.permuted:
            tables = [finished[one] for one in wanted if (one.kind, one.permuted) == (kind, way)]
            for moderated in (True, False):
                found, upper, uniform, covered, beyond = verdict(tables, moderated)
                print(
                    f"|{kind}|{way}|{'moderated' if moderated else 'plain'}|{len(tables)}|{found}|{upper:.1%}"
                    f"|{uniform:.3f}|{covered:.1%}|{beyond:.2f}|"
                )


def forecast(left: Sequence[Repetition], size: Size, processes: int) -> None:
    """Print how long the repetitions left take, by one of each kind after one in which numba compiles."""
    for kind in dict.fromkeys(one.kind for one in left):
        mine = [one for one in left if one.kind == kind]
        gains(mine[0], size)
        begun = time.process_time()
        gains(mine[-1], size)
        one = time.process_time() - begun
        print(
            f"{kind}: {one:.1f} s of one core each, {one * len(mine) / processes / 60:.0f} min for {len(mine)} of them"
        )


if __name__ == "__main__":
    main()
