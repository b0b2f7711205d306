"""Cost: what a trial takes, so that the longest begins first and a forecast can be made before the first has ended."""

from __future__ import annotations

import json

import polars as pl

from models.multitask.plan import TUNED, Trial
from models.stages import POLICIES

SPEED = 1500.0  # training graphs per second and core of hard sharing, width 64 and 3 layers, four processes at a time
BESIDE = 1.15  # validation after each epoch
# times as long as hard sharing with the same batches (`python -m benchmarks.training.schemes`); 2 of a new one
FACTOR = {"single": 0.9, "hard": 1.0, "mmoe": 1.1, "adashare": 1.05, "vmtl": 1.2, "unit": 1.5, "experts": 2.0}
SEARCH = 3.7  # AdaShare's, in which every task walks a path of its own


def cost(trial: Trial) -> float:
    """Seconds of a core that a trial is thought to take, all its runs together."""
    recipe, factor = trial.recipe, FACTOR.get(trial.method, 2.0)
    if trial.method == "adashare":
        factor = SEARCH + factor * (1 if trial.seed == TUNED else POLICIES)
    return _seconds(recipe.steps, recipe.batch_size) * factor


def pace(lines: pl.DataFrame, method: str = "") -> float:
    """Seconds that these lines of the ledger took for each second that was thought of; 1 where there is none.

    method: of its lines alone, where it has any.
    """
    once = lines.unique(["recipe", "rows"], keep="first")
    own = once.filter(pl.col("method") == method)
    thought = took = 0.0
    told = (own if len(own) else once).select("method", "stage", "fields", "seconds")
    for name, stage, fields, seconds in told.iter_rows():
        recipe = json.loads(fields)
        factor = SEARCH if (name, stage) == ("adashare", "before") else FACTOR.get(name, 2.0)
        thought += _seconds(recipe["steps"], recipe["batch_size"]) * factor
        took += seconds
    return took / thought if thought else 1.0


def _seconds(steps: int | None, rows: int) -> float:
    """Of a run of hard sharing."""
    return (steps or 0) * rows / SPEED * BESIDE
