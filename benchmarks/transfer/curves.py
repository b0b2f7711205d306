"""Every dial that is not fixed as a curve: the AUROC of 12 planted tasks as one dial after another is turned.

    OMP_NUM_THREADS=1 python -m benchmarks.transfer.curves --seed 0 --widths 16 --seeds 3 [--only noise] [--dry-run]

All other dials stay at their scored values; all pairs by a few seeds. The truth is the design (pairs expected to help
against all others), the same for all points; `--oracle-seeds` adds, at 210 runs a seed and point, the AUROCs against an
oracle of each point's own. The mean gains of pairs that are expected to help, to conflict and to do neither stand
beside it. Each point's runs are in docs/results/transfer_planted_*.csv, so a stopped command goes on where it was.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import polars as pl

from benchmarks.transfer.bars import PAIRS
from benchmarks.transfer.scored import estimates
from benchmarks.transfer.study import (
    ESTIMANDS,
    Study,
    every_pair,
    oracle_seeds,
    parser,
    shown,
    studies,
    told_time,
)
from models.planted.dials import Dials
from models.transfer_map.asked import Asked
from models.transfer_map.scores import auroc_of_design, scored
from models.transfer_map.statistics.intervals import PAIR

# A point of 300 labels needs 4,450 of the 8,000 crystals, and four times the labels of six tasks 5,300.
DIALS: dict[str, tuple[object, ...]] = {
    "labels": (60, 128, 300),
    "overlap": (0.0, 0.3, 1.0),
    "noise": (0.0, 0.3, 1.0),
    "scale": (1.0, 100.0),
    "imbalance": (0.25, 1.0, 4.0),
    "missing": ("random", "low"),
    "nonlinear": (True, False),
    "turned": (True, False),
}
WIDTH = "width"
WIDTHS = (4, 8, 16, 32)


def main() -> None:
    """Train what is missing, point by point; print a table per dial."""
    asked = parser(__doc__, 3, 0)
    asked.add_argument("--only", nargs="+", choices=(WIDTH, *DIALS), default=[WIDTH, *DIALS], metavar="DIAL")
    asked.set_defaults(widths=[16])
    asked = asked.parse_args()
    every = points(asked)
    if asked.dry_run:
        return told_time(
            (f"seed {one.world.seed}, width {one.size.width}, {dial} {value}", one, _runs(one, asked))
            for dial, value, one in every
        )
    for dial in asked.only:
        rows = [row for named, value, one in every if named == dial for row in _rows(one, value, asked)]
        print(f"\n{dial}, {asked.seeds} seeds")
        shown(pl.DataFrame(rows, infer_schema_length=None).rename({"value": dial}))
    return None


def points(asked: argparse.Namespace) -> list[tuple[str, object, Study]]:
    """Dial, value and study of each; the scored values stand in every curve and are trained once."""
    dialled = [
        (dial, value, study)
        for dial in asked.only if dial != WIDTH
        for value in DIALS[dial]
        for study in studies(asked, replace(Dials(), **{dial: value}))
    ]  # fmt: skip
    widths = [
        (WIDTH, width, replace(study, size=replace(study.size, width=width)))
        for width in WIDTHS
        for study in studies(asked, Dials())[:: len(asked.widths)]
        if WIDTH in asked.only
    ]
    return widths + dialled


def _runs(study: Study, asked: argparse.Namespace) -> list[Asked]:
    return every_pair(study.names, [*range(asked.seeds), *oracle_seeds(asked.oracle_seeds)])


def _rows(study: Study, value: object, asked: argparse.Namespace) -> list[dict]:
    """Two rows of one point: each estimand's AUROCs and mean gains."""
    study.runs(_runs(study, asked))
    runs, truth, rows = study.runs(every_pair(study.names, range(asked.seeds))), study.world.planted.truth, []
    for of in ESTIMANDS:
        found = estimates(PAIRS, runs, of)
        means = found.join(truth, on=PAIR).group_by("expected").agg(pl.col("gain").mean())
        row = {
            "value": value, "seed": study.world.seed, "width": study.size.width, "estimand": of,
            "auroc": auroc_of_design(found, truth),
            **{f"mean {words}": gain for words, gain in sorted(means.iter_rows())},
        }  # fmt: skip
        if asked.oracle_seeds:
            told = scored(found, study.oracle(asked.oracle_seeds, of))
            row |= {"oracle help": told.auroc_help, "oracle harm": told.auroc_harm}
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
