"""The scored benchmark: what few seeds estimate against the oracle of many, and the bars.

    OMP_NUM_THREADS=1 python -m benchmarks.transfer.scored --seed 0 --widths 4 16 --seeds 5 [--sets] [--dry-run]

Estimates by seeds 0, 1, ..., the truth by the oracle's 1000, 1001, ...; missing runs of both are trained first (in
docs/results/transfer_planted_*.csv). Methods, for the raw gain and for that over placebo: all pairs (means of paired
log error ratios, moderated t); for the raw gain also all pairs with more singles, each task alone by twice as many
further seeds 3000, 3001, ... (statistics/singles.py); and the surrogate over random sets (subset_runs.py: sets of five,
two of them permuted, four sets per task and seed), which uses these singles, too. Printed per benchmark seed and width:

auroc_help, auroc_harm     one class of the oracle against its other scored pairs
spearman                   with the oracle's gains, all pairs
discoveries, sign_errors   Benjamini and Hochberg at .05; those of the other sign than the oracle's gain
ari_exact, ari_greedy      the groups found and those planted, where a task that belongs to nobody is one of its own;
                           a gain has to be above `--related`, 3 % as for neutral, to speak for one group
ari_oracle                 what the oracle's own gains reach there
regret_*                   what is missed by choosing

Regret at most 10 % of the oracle's gain: the oracle's gain is what the choice would bring that is best by the oracle
itself, the regret the share of it that the choice by estimates does not bring, both valued by the oracle, whose seeds
had no part in the estimates. Summed over targets before it is divided, so that targets that nothing helps count by the
harm that is done to them. Three choices: groups for all tasks (exact; worth the sum of their pairs' gains), partners of
each target (all that are estimated to help; the same sum), and the best partner of each target, where nothing
need add up. Gains in sets do not add up: `--sets` trains, by fresh seeds 2000, 2001, ..., each target with its chosen
partners (at most four, the best first) and with the oracle's; the regret is then one minus the mean gain with the
chosen sets over that with the oracle's. It may be negative: the oracle's sets are best by sums of pairs, not as sets.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

import numpy as np
import polars as pl

from benchmarks.transfer.bars import PAIRS, SINGLES, SURROGATE, verdicts
from benchmarks.transfer.study import (
    ESTIMANDS,
    FRESH,
    FURTHER,
    Study,
    every_pair,
    oracle_seeds,
    parser,
    shown,
    studies,
    told_time,
)
from benchmarks.transfer.subset_runs import PER_TASK, PERMUTED, SIZE, sampled
from models.planted.dials import Dials
from models.transfer_map import surrogate
from models.transfer_map.asked import Asked, alone
from models.transfer_map.groups import matrix_of, partners
from models.transfer_map.scores import INSIDE, choice, scored
from models.transfer_map.statistics.discoveries import discovered
from models.transfer_map.statistics.gains import RAW, gains_of, subset_gains
from models.transfer_map.statistics.intervals import estimated
from models.transfer_map.statistics.singles import steadied

MOST = 4  # partners of a set that is trained
MORE = 2  # further seeds of single runs, for each seed of pairs
FIGURES = ("auroc_help", "auroc_harm", "spearman", "discoveries", "sign_errors", "ari_exact", "ari_greedy",
           "ari_oracle", "regret_groups", "regret_partners", "regret_best", "regret_sets")  # fmt: skip


def main() -> None:
    """Train what is missing; print the scores and a verdict for each bar."""
    asked = parser(__doc__, 5, 50)
    asked.add_argument("--tasks", type=int, default=12, help="12 is scored; the figures of 24 are stated")
    asked.add_argument("--per-task", type=float, default=PER_TASK, help="sets of the surrogate, per task and seed")
    asked.add_argument("--related", type=float, default=INSIDE, help="gain above which two tasks are of one group")
    asked.add_argument("--sets", type=int, nargs="?", const=10, default=0, metavar="SEEDS",
                       help="train chosen sets and the oracle's by so many fresh seeds, 10 where not said")  # fmt: skip
    asked = asked.parse_args()
    every = studies(asked, Dials(tasks=asked.tasks))
    if asked.dry_run:
        return told_time(
            (f"seed {one.world.seed}, width {one.size.width}, {words}", one, runs)
            for one in every
            for words, runs in wanted(one, asked.seeds, asked.oracle_seeds, asked.per_task).items()
        )
    rows = [row for one in every for row in scores(one, asked)]
    for keys, part in pl.DataFrame(rows, infer_schema_length=None).group_by("seed", "width", maintain_order=True):
        counts = part.unique("estimand", maintain_order=True).select("estimand", "help", "harm", "neutral", "unscored")
        print(f"\nbenchmark seed {keys[0]}, width {keys[1]}, {asked.seeds} seeds, oracle {asked.oracle_seeds}")
        shown(counts)
        shown(part.select("method", "estimand", "runs", "trained", *(one for one in FIGURES if one in part.columns)))
    print("\nbars; claims are made over placebo")
    shown(verdicts(rows))
    if len(asked.seed) > 1:
        print("\nover benchmark seeds: mean, and the standard error of it")
        shown(over_seeds(rows))
    return None


def wanted(study: Study, seeds: int, oracle: int, per_task: float = PER_TASK) -> dict[str, list[Asked]]:
    """The runs of each part."""
    further = alone(study.names, range(FURTHER, FURTHER + MORE * seeds))
    pairs = every_pair(study.names, range(seeds))
    return {
        "oracle": every_pair(study.names, oracle_seeds(oracle)),
        PAIRS: pairs,
        SINGLES: [*pairs, *further],
        SURROGATE: [*sampled(study.names, range(seeds), SIZE, PERMUTED, per_task), *further],
    }


def estimates(method: str, runs: pl.DataFrame, of: str) -> pl.DataFrame:
    """PAIRS, judged, by one of the methods."""
    sets = method == SURROGATE
    gains, parts = (subset_gains if sets else gains_of)(runs), None
    if of == RAW and method != PAIRS:
        more = steadied(gains, runs)
        gains, parts = more.gains, more.parts
    return discovered((surrogate.estimated if sets else estimated)(gains, of, parts=parts))


def scores(study: Study, asked: argparse.Namespace) -> list[dict]:
    """A row per method and estimand."""
    asks, rows = wanted(study, asked.seeds, asked.oracle_seeds, asked.per_task), []
    study.runs([one for each in asks.values() for one in each])  # all at once, so that all cores have work
    oracles = {of: study.oracle(asked.oracle_seeds, of) for of in ESTIMANDS}
    for method in (PAIRS, SINGLES, SURROGATE):
        runs = study.runs(asks[method])
        for of in (RAW,) if method == SINGLES else ESTIMANDS:  # no placebo is compared with a single run
            found = estimates(method, runs, of)
            told = scored(found, oracles[of])
            row = {
                "seed": study.world.seed, "width": study.size.width, "seeds": asked.seeds, "method": method,
                "estimand": of, "runs": len(asks[method]), "trained": sum(len(one.tasks) for one in asks[method]),
                **asdict(told), "sign_error_share": told.sign_error_share,
                **asdict(choice(found, oracles[of], study.planted_groups, asked.related)),
            }  # fmt: skip
            if asked.sets:
                row |= regret_of_sets(study, found, oracles[of], of, asked.sets)
            rows.append(row)
    return rows


def regret_of_sets(study: Study, found: pl.DataFrame, oracle: pl.DataFrame, of: str, seeds: int) -> dict[str, float]:
    """Train each target with the chosen partners and with the oracle's, by fresh seeds; the regret, and the gains."""
    names, gains = matrix_of(found)
    _, truth = matrix_of(oracle)
    fresh = range(FRESH, FRESH + seeds)
    chosen, best = ({name: partners(names, each, name, MOST) for name in names} for each in (gains, truth))
    sets = {(name, set_) for each in (chosen, best) for name, set_ in each.items() if set_}
    asked = alone(names, fresh)
    asked += [
        Asked(seed, (name, *set_), placebo)
        for seed in fresh for name, set_ in sets for placebo in ({(), () if of == RAW else set_})
    ]  # fmt: skip
    errors = {
        (task, tuple(tasks), bool(placebo), seed): error
        for tasks, placebo, seed, task, error in study.runs(asked)
        .select("tasks", "placebo", "seed", "task", "error").iter_rows()
    }  # fmt: skip

    def gain(name: str, set_: tuple[str, ...]) -> float:
        tasks = tuple(sorted((name, *set_)))
        before = ((name,), False) if of == RAW else (tasks, bool(set_))
        ratios = [np.log(errors[name, *before, seed] / errors[name, tasks, False, seed]) for seed in fresh]
        return float(np.mean(ratios))

    got, most = (float(np.mean([gain(*one) for one in each.items()])) for each in (chosen, best))
    return {"gain_chosen": got, "gain_best": most, "regret_sets": (most - got) / most if most > 0 else float("inf")}


def over_seeds(rows: list[dict]) -> pl.DataFrame:
    """Each figure's mean over benchmark seeds and its standard error."""
    frame = pl.DataFrame(rows, infer_schema_length=None)
    figures = [one for one in FIGURES if one in frame.columns]
    told = [
        pl.format("{} ± {}", pl.col(one).mean().round(3), (pl.col(one).std() / pl.col(one).count().sqrt()).round(3))
        .alias(one) for one in figures
    ]  # fmt: skip
    return frame.group_by("width", "method", "estimand", maintain_order=True).agg(told)


if __name__ == "__main__":
    main()
