"""Cost: what a trial takes, so that the longest begins first and a forecast can be made before the first has ended."""

from __future__ import annotations

import json

import polars as pl

from models.multitask.plan import SINGLE, TUNED, Trial
from models.stages import POLICIES

SPEED = 1500.0  # training graphs per second and core of hard sharing, width 64 and 3 layers, four processes at a time
BESIDE = 1.15  # validation after each epoch
# times as long as hard sharing with the same batches (`python -m benchmarks.training.schemes`); 2 of a new one
FACTOR = {"single": 1.0, "hard": 1.0, "mmoe": 1.3, "adashare": 1.3, "vmtl": 1.5, "unit": 3.0, "experts": 3.0}


def cost(trial: Trial) -> float:
    """Seconds of a core that a trial is thought to take, all its runs together."""
    recipe = trial.recipe
    runs = 1
    if trial.method == "adashare":
        runs += 1 if trial.seed == TUNED else POLICIES
    graphs = (recipe.steps or 0) * recipe.batch_size
    return runs * graphs / SPEED * BESIDE * FACTOR.get(trial.method, 2.0)


def pace(lines: pl.DataFrame, method: str = "") -> float:
    """Seconds that these lines of the ledger took for each second that was thought of; 1 where there is none.

    method: of its lines alone, where it has any.
    """
    once = lines.unique(["recipe", "rows"], keep="first")
    own = once.filter(pl.col("method") == method)
    thought = took = 0.0
    for name, fields, seconds in (own if len(own) else once).select("method", "fields", "seconds").iter_rows():
        told = json.loads(fields)
        factor = FACTOR.get(SINGLE if told["sharing"] == SINGLE else name, 2.0)
        thought += (told["steps"] or 0) * told["batch_size"] / SPEED * BESIDE * factor
        took += seconds
    return took / thought if thought else 1.0
