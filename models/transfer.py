"""Transfer: what training together gained or cost, per property, paired by seed. No torch here.

Gain = (error alone - error together) / error alone, on the same test rows, from runs of one seed; negative is negative
transfer. The interval speaks of seeds only: one split, one lake.
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from lake.tables import TRANSFER

CONFIDENCE = 0.95


class UnpairedRuns(ValueError):
    """Single and joint runs that cannot be compared."""


def gains(runs: pl.DataFrame) -> pl.DataFrame:
    """TRANSFER rows from RUNS rows: one per property and seed that was trained both ways and scored on test.

    Raises UnpairedRuns where a property was trained twice in one way with one seed, or scored on other test rows.
    """
    scored = runs.filter(pl.col("mae_test").is_not_null())
    single = scored.filter(pl.col("study") == "single").select(
        "property", "seed", "n_test", "licences", mae_single="mae_test"
    )
    joint = scored.filter(pl.col("study") == "joint").select(
        "property", "seed", "n_test", "recipe", "licences", mae_joint="mae_test"
    )
    for way, rows in (("single", single), ("joint", joint)):
        if rows.select(pl.struct("property", "seed").is_duplicated().any()).item():
            raise UnpairedRuns(f"two {way} runs of one property and seed: choose one recipe per property first")
    both = single.join(joint, on=["property", "seed"], suffix="_joint")
    if not both.filter(pl.col("n_test") != pl.col("n_test_joint")).is_empty():
        raise UnpairedRuns("single and joint runs were scored on different test rows: train both on the same lake")
    return TRANSFER.frame([_row(row) for row in both.sort("property", "seed").iter_rows(named=True)])


def summary(transfer: pl.DataFrame) -> pl.DataFrame:
    """Per property: n seeds, mean gain, and its 95 % t-interval low..high (null with fewer than two seeds)."""
    schema = {"property": pl.String, "n": pl.Int64, "gain": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    rows = [
        {"property": name, "n": len(part), "gain": part["gain"].mean(), **_interval(part["gain"].to_numpy())}
        for (name,), part in transfer.group_by("property", maintain_order=True)
    ]
    return pl.DataFrame(rows, schema=schema)


def _row(both: dict[str, object]) -> dict[str, object]:
    partners = [task for task in json.loads(both["recipe"])["tasks"] if task != both["property"]]
    gain = (both["mae_single"] - both["mae_joint"]) / both["mae_single"] if both["mae_single"] else 0.0
    kept = {name: both[name] for name in ("property", "seed", "mae_single", "mae_joint")}
    licences = sorted({*both["licences"], *both["licences_joint"]})
    return {**kept, "partners": partners, "gain": gain, "licences": licences}


def _interval(gains: np.ndarray) -> dict[str, float | None]:
    if len(gains) < 2:
        return {"low": None, "high": None}
    from scipy.stats import t

    half = t.ppf((1 + CONFIDENCE) / 2, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    return {"low": float(gains.mean() - half), "high": float(gains.mean() + half)}
