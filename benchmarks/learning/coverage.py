"""What the 90 % intervals cover on held-out formulas, per property and pooled; and whether far crystals are worse.

    python -m benchmarks.learning.coverage LAKE [--processes N]

LAKE holds trained models (`crystal-lake train`) and is only read: what they say is made here anew. Told per property
and study: calibration crystals, test crystals (one entry per formula, not far), coverage with the binomial 99 % band
about 90 %, coverage over all test entries, the intervals' median length beside the one that a constant scale gives, and
coverage by thirds of the scale: of intervals that know their crystal each third is near 90 %. Pooled: the test crystals
of properties with 2,000 calibration crystals or more; the bar is 88 to 92 %. Far: the error of test entries by their
distance to training, in units of the distance where far begins. The exit status is 1 where the bar or a band is missed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import polars as pl

from lake.store import Lake
from lake.tables import RUNS
from models.conformal import calibrate, covered, one_per_formula, with_intervals
from models.predicting import spoken

MANY = 2000  # calibration crystals
BAR = (0.88, 0.92)
STEPS = (0.0, 0.4, 0.6, 0.8, 1.0, 1.5)  # of the distance


def main() -> int:
    """Print the tables; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lake", type=Path)
    parser.add_argument("--processes", type=int)
    asked = parser.parse_args()
    lake = Lake(asked.lake)
    rows = spoken(lake, lake.read(RUNS), asked.processes, ("validation", "test"))
    rows = rows.filter(pl.col("label").is_not_null()) if len(rows) else rows
    if rows.is_empty():
        print(f"no model has spoken of a labelled entry of {asked.lake}: train first", file=sys.stderr)
        return 1
    calibration = calibrate(rows)
    constant = calibrate(rows.with_columns(told=pl.lit(None, pl.Float64), apart=0.0))
    answered = with_intervals(rows, calibration).filter(split="test")
    missed = [_told(row, answered, constant) for row in calibration.iter_rows(named=True)]
    pooled = _pooled(answered, calibration)
    _far(rows)
    return int(any(missed) or not pooled)


def _told(row: dict, answered: pl.DataFrame, constant: pl.DataFrame) -> bool:
    """One property and study; whether its coverage misses the band."""
    mine = {name: row[name] for name in ("property", "study")}
    print(f"\n{row['property']}, {row['study']}: {row['n']:,} calibration and {row['n_test']:,} test crystals")
    if row["coverage"] is None:
        print("  no interval: too few crystals")
        return False
    near = answered.filter(**mine).drop_nulls("low").with_columns(length=pl.col("high") - pl.col("low"))
    within = row["band_low"] <= row["coverage"] <= row["band_high"]
    every = near.select(covered().mean()).item()
    print(
        f"  coverage {row['coverage']:.1%}, band {row['band_low']:.1%} .. {row['band_high']:.1%}: "
        f"{'inside' if within else 'OUTSIDE'}; over all {len(near):,} entries {every:.1%}"
    )
    flat = constant.filter(**mine)["width"].item()
    print(f"  median length {row['width']:.4g}, with a constant scale {flat:.4g}; far {row['far']:.1%} of test entries")
    thirds = near.with_columns(third=(pl.col("scale").rank("ordinal") * 3 / (pl.len() + 1)).floor())
    shares = thirds.group_by("third").agg(covered().mean().alias("share")).sort("third")["share"]
    print(f"  coverage by thirds of the scale: {', '.join(f'{share:.1%}' for share in shares)}")
    return not within


def _pooled(answered: pl.DataFrame, calibration: pl.DataFrame) -> bool:
    """Coverage over the properties with many calibration crystals, per study; whether it meets the bar."""
    fine = True
    for study in calibration["study"].unique().sort():
        names = calibration.filter(pl.col("n") >= MANY, study=study)["property"].to_list()
        parts = [one_per_formula(answered.drop_nulls("low").filter(property=name, study=study)) for name in names]
        if not parts:
            print(f"\npooled, {study}: no property has {MANY:,} calibration crystals")
            continue
        share, n = pl.concat(parts).select(covered().mean()).item(), sum(map(len, parts))
        met = BAR[0] <= share <= BAR[1]
        fine &= met
        words = f"bar {BAR[0]:.0%} .. {BAR[1]:.0%} {'met' if met else 'MISSED'}"
        print(f"\npooled, {study}, {', '.join(names)}: {share:.2%} of {n:,}; {words}")
    return fine


def _far(rows: pl.DataFrame) -> None:
    test = rows.filter(pl.col("split") == "test", pl.col("distance").is_not_null())
    if test.is_empty():
        return
    error = (pl.col("value") - pl.col("label")).abs()
    step = pl.max_horizontal(pl.when(pl.col("distance") >= low).then(low) for low in STEPS)
    found = test.group_by("property", "study", distance_from=step).agg(
        n=pl.len(), error=error.mean(), median=error.median()
    )
    print("\nerror on test by distance to training, 1 is where far begins:")
    with pl.Config(tbl_rows=-1, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
        print(found.sort("property", "study", "distance_from"))


if __name__ == "__main__":
    sys.exit(main())
