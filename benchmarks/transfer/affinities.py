"""What a joint run's gradients know of help and harm: AUROC of TAG's lookahead and of cosines, against the oracle.

    OMP_NUM_THREADS=1 python -m benchmarks.transfer.affinities --seed 0 --widths 4 16 --seeds 5 [--dry-run]

The truth is the oracle's in docs/results/transfer_planted.csv, which `python -m benchmarks.transfer.oracle` trains;
nothing of it is trained here. Joint runs learn all twelve tasks at once with the same network and as many steps, by
seeds 0, 1, ...; they take seconds, so they are not kept. With one seed, the mean of what each seed scores alone is
told; with several, their mean affinity is scored. The truth is in turn the gain over single and that over placebo.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.transfer.study import ORACLE, STEPS, size_of
from models.planted.dials import Dials
from models.planted.world import PlantedWorld
from models.pool import cores, spread
from models.transfer_map.asked import alone, placebos, together
from models.transfer_map.ledger import RunLedger
from models.transfer_map.networks.affinity import COSINE, EVERY, LOOKAHEAD, affinities
from models.transfer_map.networks.size import Size
from models.transfer_map.runs import missing, trained_runs
from models.transfer_map.scores import Score, scored
from models.transfer_map.statistics.gains import OVER_PLACEBO, RAW, gains_of
from models.transfer_map.statistics.intervals import PAIR, estimated


def main() -> None:
    """Print what a joint run costs, and a row of scores per benchmark, width, truth, method and number of seeds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of the benchmark")
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seeds", type=int, default=5, help="of the joint runs: 0, 1, ...")
    parser.add_argument("--oracle-seeds", type=int, default=50, help=f"{ORACLE}, {ORACLE + 1}, ...")
    parser.add_argument("--every", type=int, default=EVERY, help="steps between two that are looked at")
    parser.add_argument("--ledger", type=Path, default=RunLedger.of("transfer_planted").path)
    parser.add_argument("--processes", type=int, default=cores())
    parser.add_argument(
        "--dry-run", action="store_true", help="say what of the oracle is missing, and how long it takes"
    )
    asked = parser.parse_args()
    studies = [
        (PlantedWorld(Dials(), seed), size_of(width, asked.steps)) for seed in asked.seed for width in asked.widths
    ]
    if asked.dry_run:
        for world, size in studies:
            left = oracle_runs(world, size, asked.oracle_seeds, RunLedger(asked.ledger))[1]
            _, seconds = read_off(world, 0, size, asked.every)
            whole = seconds * asked.seeds / min(asked.processes, asked.seeds)
            print(f"{told(world, size)}: {left} runs of the oracle are missing; {whole:.0f} s of joint runs")
        return
    print("|benchmark|width|truth|method|seeds|AUROC help|AUROC harm|Spearman|help|harm|scored|\n" + "|-" * 11 + "|")
    for world, size in studies:
        runs, left = oracle_runs(world, size, asked.oracle_seeds, RunLedger(asked.ledger))
        if left:
            raise SystemExit(
                f"{told(world, size)}: {left} runs of the oracle are not in {asked.ledger}: "
                "run `python -m benchmarks.transfer.oracle` first, with the same seed, widths and steps"
            )
        pieces = [(world, seed, size, asked.every) for seed in range(asked.seeds)]
        found = spread(read_off, pieces, "joint runs", asked.processes)
        for of in (RAW, OVER_PLACEBO):
            oracle = estimated(gains_of(runs), of, moderated=False)
            for method in (LOOKAHEAD, COSINE):
                each = [table.filter(method=method) for table, _ in found]
                row(world, size, of, method, 1, [score(table, oracle) for table in each])
                if asked.seeds > 1:
                    row(world, size, of, method, asked.seeds, [score(pl.concat(each), oracle)])
        print(f"\n{told(world, size)}: {np.median([seconds for _, seconds in found]):.1f} s of one core a joint run\n")


def oracle_runs(world: PlantedWorld, size: Size, seeds: int, ledger: RunLedger) -> tuple[pl.DataFrame, int]:
    """RUNS of the oracle that the ledger has, and how many it lacks."""
    names, of = world.dials.names, range(ORACLE, ORACLE + seeds)
    asked = [*alone(names, of), *together(names, of), *placebos(names, of)]
    digests = dict.fromkeys(of, world.problem(ORACLE).digest)
    return trained_runs(world, asked, size, ledger, seconds=0), len(missing(asked, digests, size, ledger))


def read_off(world: PlantedWorld, seed: int, size: Size, every: int) -> tuple[pl.DataFrame, float]:
    """AFFINITIES of one joint run, and the seconds of one core it took, after what is compiled once."""
    problem = world.problem(seed)
    affinities(problem, seed, size_of(size.width, 1))
    begun = time.process_time()
    return affinities(problem, seed, size, every), time.process_time() - begun


def score(table: pl.DataFrame, oracle: pl.DataFrame) -> Score:
    """That of one method's mean affinity over the seeds. It claims nothing, so it has no discoveries."""
    mean = table.group_by(PAIR).agg(gain=pl.col("affinity").mean()).with_columns(sign=pl.lit(0, pl.Int8))
    return scored(mean, oracle)


def row(world: PlantedWorld, size: Size, of: str, method: str, seeds: int, scores: Sequence[Score]) -> None:
    """Print means over the scores; a class of too few pairs has no AUROC."""
    means = []
    for field in ("auroc_help", "auroc_harm", "spearman"):
        known = [getattr(one, field) for one in scores]
        means.append("-" if None in known else f"{np.mean(known):.3f}")
    first = scores[0]
    counts = (first.help, first.harm, first.help + first.harm + first.neutral)
    print("|" + "|".join(map(str, (world.seed, size.width, of, method, seeds, *means, *counts))) + "|", flush=True)


def told(world: PlantedWorld, size: Size) -> str:
    """Which of the studies."""
    return f"benchmark seed {world.seed}, width {size.width}"


if __name__ == "__main__":
    main()
