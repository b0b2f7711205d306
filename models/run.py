"""Run: what training gave, and its rows in the RUNS table. No torch here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lake.tables import RUNS
from models.recipe import Recipe
from models.task import task_named

CHECKPOINTS = "checkpoints"  # below models/


@dataclass(frozen=True)
class Run:
    """One finished training.

    scores: per task name n_train, n_validation, n_test, mae_validation, mae_test, mae_mean_predictor (in its unit).
    history: per epoch epoch, learning_rate, loss_train, loss_validation (standardised; None without validation rows).
    checkpoint: the safetensors file.  seconds: wall time of training.  data: digest of the rows it was trained on.
    licences: those of every structure and label among these rows.  snapshot: its name in SNAPSHOTS, empty without one.
    """

    recipe: Recipe
    scores: dict[str, dict[str, float | int | None]]
    history: list[dict[str, float | int | None]]
    checkpoint: Path
    seconds: float
    data: str
    licences: tuple[str, ...] = ()
    snapshot: str = ""

    def figures(self) -> str:
        """Scores, history, seconds and data as JSON, for the checkpoint's header."""
        return json.dumps({n: getattr(self, n) for n in ("scores", "history", "seconds", "data")})


def runs_frame(runs: list[Run]) -> pl.DataFrame:
    """The rows of these runs in the RUNS table: one per run and property."""
    return RUNS.frame([_row(run, task) for run in runs for task in run.recipe.tasks])


def _row(run: Run, task: str) -> dict[str, object]:
    return {
        "run": run.recipe.slug,
        "study": run.recipe.study,
        "property": task,
        "unit": task_named(task).unit,
        "seed": run.recipe.seed,
        "recipe": run.recipe.to_json(),
        **run.scores[task],
        "epochs": len(run.history),
        "seconds": run.seconds,
        "checkpoint": f"{CHECKPOINTS}/{run.checkpoint.name}",
        "licences": list(run.licences),
        "snapshot": run.snapshot,
    }
