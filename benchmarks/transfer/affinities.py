"""What a joint run's gradients know of help and harm: AUROC of TAG's lookahead and of cosines, against the oracle.

    OMP_NUM_THREADS=1 python -m benchmarks.transfer.affinities --seed 0 --widths 4 16 --seeds 5 [--dry-run]

The truth is the oracle's, which `python -m benchmarks.transfer.oracle` trains; nothing of it is trained here. Joint
runs learn all twelve tasks at once with the same network and as many steps, by seeds 0, 1, ...; they take seconds, so
they are not kept. With one seed, the mean of what each seed scores alone is told; with several, their mean affinity is
scored. The truth is in turn the gain over single and that over placebo.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import polars as pl

from benchmarks.transfer.study import ESTIMANDS, Study, every_pair, oracle_seeds, parser, size_of, studies
from models.planted.dials import Dials
from models.planted.world import PlantedWorld
from models.pool import cores, spread
from models.transfer_map.networks.affinity import COSINE, EVERY, LOOKAHEAD, affinities
from models.transfer_map.networks.size import Size
from models.transfer_map.scores import Score, scored
from models.transfer_map.statistics.intervals import PAIR


def main() -> None:
    """Print what a joint run costs, and a row of scores per benchmark, width, truth, method and number of seeds."""
    asked = parser(__doc__, 5, 50)
    asked.add_argument("--every", type=int, default=EVERY, help="steps between two that are looked at")
    asked = asked.parse_args()
    every = studies(asked, Dials())
    left = {one: len(one.left(every_pair(one.names, oracle_seeds(asked.oracle_seeds)))) for one in every}
    if asked.dry_run:
        for one in every:
            _, seconds = read_off(one.world, 0, one.size, asked.every)
            whole = seconds * asked.seeds / min(asked.processes or cores(), asked.seeds)
            print(f"{told(one)}: {left[one]} runs of the oracle are missing; {whole:.0f} s of joint runs")
        return
    print("|benchmark|width|truth|method|seeds|AUROC help|AUROC harm|Spearman|help|harm|scored|\n" + "|-" * 11 + "|")
    for one in every:
        if left[one]:
            raise SystemExit(
                f"{told(one)}: {left[one]} runs of the oracle are not in {one.ledger.path}: "
                "run `python -m benchmarks.transfer.oracle` first, with the same seed, widths and steps"
            )
        pieces = [(one.world, seed, one.size, asked.every) for seed in range(asked.seeds)]
        found = spread(read_off, pieces, "joint runs", asked.processes)
        for of in ESTIMANDS:
            oracle = one.oracle(asked.oracle_seeds, of)
            for method in (LOOKAHEAD, COSINE):
                each = [table.filter(method=method) for table, _ in found]
                row(one, of, method, 1, [score(table, oracle) for table in each])
                if asked.seeds > 1:
                    row(one, of, method, asked.seeds, [score(pl.concat(each), oracle)])
        print(f"\n{told(one)}: {np.median([seconds for _, seconds in found]):.1f} s of one core a joint run\n")


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


def row(study: Study, of: str, method: str, seeds: int, scores: Sequence[Score]) -> None:
    """Print means over the scores; a class of too few pairs has no AUROC."""
    means = []
    for field in ("auroc_help", "auroc_harm", "spearman"):
        known = [getattr(one, field) for one in scores]
        means.append("-" if None in known else f"{np.mean(known):.3f}")
    first = scores[0]
    counts = (first.help, first.harm, first.help + first.harm + first.neutral)
    print(
        "|" + "|".join(map(str, (study.world.seed, study.size.width, of, method, seeds, *means, *counts))) + "|",
        flush=True,
    )


def told(study: Study) -> str:
    """Which of the studies."""
    return f"benchmark seed {study.world.seed}, width {study.size.width}"


if __name__ == "__main__":
    main()
