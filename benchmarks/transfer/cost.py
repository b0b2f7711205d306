"""The cost of a map of 24 tasks: how many runs random sets need for the AUROC that all pairs have.

    OMP_NUM_THREADS=1 python -m benchmarks.transfer.cost --seed 0 --widths 4 16 --seeds 3 [--dry-run]

All pairs, over placebo, take 24 + 276 + 552 = 852 runs a seed. The surrogate takes 24 alone and `--per-task` sets for
each task a seed (subset_runs.py; both estimands from the same runs), by `--surrogate-seeds` seeds. A method's AUROC for
help at n seeds is the mean over all disjoint blocks of n of its seeds, so that a curve is not one draw of luck.

The truth. `oracle`: all pairs by `--oracle-seeds` fresh seeds, pairs whose interval is not above +1 %, below -1 % or
inside +-3 % not scored; the truth of the bar. Ten seeds are 8,520 runs, fifty, as of 12 tasks, would be 42,600: fewer
seeds leave more pairs unscored, but those that are scored are as sure. `design`: pairs expected to
help against all others, which costs nothing and is printed beside it; some of them help nobody in fact, so no method
reaches 1, and the ratio of two methods is what it is good for. `--oracle-seeds 0` is design alone.

Runs are not all alike: the summed tasks of all runs, which time goes with, stand beside their number. Printed: the
curves, and for each point of all pairs the runs at which the surrogate has the same AUROC (straight over the logarithm
of runs; an AUROC that it has from its first point on is told as that point: the ratio is then at least so much). The
bar: at least three times fewer runs at one seed of all pairs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import polars as pl

from benchmarks.transfer.bars import PAIRS, SURROGATE
from benchmarks.transfer.scored import estimates
from benchmarks.transfer.study import Study, every_pair, oracle_seeds, parser, shown, studies, told_time
from benchmarks.transfer.subset_runs import PERMUTED, SIZE, sampled
from models.planted.dials import Dials
from models.transfer_map.asked import Asked, alone, together
from models.transfer_map.scores import auroc_of_design, fewest_runs, scored
from models.transfer_map.statistics.gains import OVER_PLACEBO, RAW

BAR = 3.0
PER_TASK = 2.0


def main() -> None:
    """Train what is missing; print both curves and the ratios."""
    asked = parser(__doc__, 3, 10)
    asked.add_argument("--tasks", type=int, default=24)
    asked.add_argument("--surrogate-seeds", type=int, default=12)
    asked.add_argument("--per-task", type=float, default=PER_TASK, help="sets per task and seed")
    asked.add_argument("--size", type=int, default=SIZE, help="tasks of a set")
    asked.add_argument("--permuted", type=int, help="of a set")
    asked.add_argument("--of", choices=(RAW, OVER_PLACEBO), default=OVER_PLACEBO,
                       help="the estimand; raw gains need no placebo, in neither method")  # fmt: skip
    asked = asked.parse_args()
    every = studies(asked, Dials(tasks=asked.tasks))
    ways = {
        PAIRS: (asked.seeds, lambda names, seeds: _pairs(names, seeds, asked.of)),
        SURROGATE: (asked.surrogate_seeds, lambda names, seeds: sampled(
            names, seeds, asked.size, _permuted(asked), asked.per_task)),
    }  # fmt: skip
    if asked.dry_run:
        return told_time(
            (f"seed {one.world.seed}, width {one.size.width}, {words}", one, runs)
            for one in every
            for words, runs in (
                ("oracle", every_pair(one.names, oracle_seeds(asked.oracle_seeds))),
                *((method, ask(one.names, range(seeds))) for method, (seeds, ask) in ways.items()),
            )
        )
    for one in every:
        print(f"\nbenchmark seed {one.world.seed}, width {one.size.width}, {asked.tasks} tasks, {asked.of}")
        aurocs = {"design": lambda found, one=one: auroc_of_design(found, one.world.planted.truth)}
        if asked.oracle_seeds:
            oracle = one.oracle(asked.oracle_seeds, asked.of)
            aurocs["oracle"] = lambda found, oracle=oracle: scored(found, oracle).auroc_help
        curves = pl.concat(curve(one, method, *way, asked.of, aurocs) for method, way in ways.items())
        shown(curves)
        for truth in aurocs:
            told = ratios(curves, truth)
            if len(told):
                shown(told)
            else:
                print(f"{truth}: too few pairs of a class to be scored")
    return None


def _permuted(asked: argparse.Namespace) -> int:
    return asked.permuted if asked.permuted is not None else 0 if asked.of == RAW else PERMUTED


def _pairs(names: tuple[str, ...], seeds: range, of: str) -> list[Asked]:
    """What all pairs need for this estimand."""
    return [*alone(names, seeds), *together(names, seeds)] if of == RAW else every_pair(names, seeds)


def curve(
    study: Study, method: str, most: int, ask: Callable[[tuple[str, ...], range], list[Asked]], of: str,
    aurocs: dict[str, Callable[[pl.DataFrame], float | None]],
) -> pl.DataFrame:  # fmt: skip
    """A row per number of seeds: method, seeds, blocks (the mean of), runs, trained (tasks), and the AUROCs."""
    runs, rows = study.runs(ask(study.names, range(most))), []
    for seeds in range(1, most + 1):
        blocks = [range(low, low + seeds) for low in range(0, most - seeds + 1, seeds)]
        found = [estimates(method, runs.filter(pl.col("seed").is_in(list(block))), of) for block in blocks]
        asked = ask(study.names, range(seeds))
        told = {"method": method, "seeds": seeds, "blocks": len(blocks), "runs": len(asked),
                "trained": sum(len(one.tasks) for one in asked)}  # fmt: skip
        for truth, auroc in aurocs.items():
            values = [value for value in map(auroc, found) if value is not None]
            told[truth] = sum(values) / len(values) if values else None
        rows.append(told)
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(aurocs, pl.Float64))


def ratios(curves: pl.DataFrame, truth: str) -> pl.DataFrame:
    """Per point of all pairs: its AUROC, its runs over those of the surrogate at that AUROC, the same in trained tasks,
    and of the first the verdict."""
    curves, rows = curves.drop_nulls(truth), []
    other = curves.filter(method=SURROGATE)
    for point in curves.filter(method=PAIRS).iter_rows(named=True):
        row = {"truth": truth, "seeds": point["seeds"], "auroc": point[truth]}
        for cost in ("runs", "trained"):
            needed = fewest_runs(list(other.select(cost, truth).iter_rows()), point[truth])
            row |= {cost: point[cost], f"surrogate {cost}": needed,
                    f"ratio of {cost}": point[cost] / needed if needed else None}  # fmt: skip
        ratio = row["ratio of runs"]
        row["bar"] = "not reached" if ratio is None else "holds" if ratio >= BAR else "MISSED"
        rows.append(row)
    floats = {f"{words}{cost}": pl.Float64 for words in ("surrogate ", "ratio of ") for cost in ("runs", "trained")}
    schema = {"truth": pl.String, "seeds": pl.Int64, "auroc": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=schema | floats, infer_schema_length=None)


if __name__ == "__main__":
    main()
