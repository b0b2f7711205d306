"""Tracking: every finished training run in MLflow's books. No other module knows MLflow.

Recipes are parameters; errors and the loss by epoch are metrics. No model is logged: the checkpoint is a safetensors
file below `models/`, named in a tag, because a pickled one runs code when it is opened.
"""

import logging
import os
from functools import cached_property
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from models.run import Run

ALIKE = "tags.`mlflow.runName` = '{name}' and tags.data = '{data}'"


class MlflowTracker:
    """The books of one lake: `mlflow.db` and `mlruns/` below its root; one experiment per study."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    @cached_property
    def client(self) -> "MlflowClient":
        """Opened when there is something to write: MLflow takes seconds to import and to make its database."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # after the import, which sets it itself
        return MlflowClient(f"sqlite:///{self.root / 'mlflow.db'}")

    def log(self, run: "Run", study: str = "", graphs: str = "") -> None:
        """Write one run down, unless the very same run on the same rows is there already.

        study: the experiment, where it is not the recipe's own study.  graphs: version of the graphs.
        """
        study = study or run.recipe.study
        experiment, name = self._experiment(study), run.recipe.slug
        if self.client.search_runs([experiment], ALIKE.format(name=name, data=run.data), max_results=1):
            return
        began = int((time() - run.seconds) * 1000)
        noted = self.client.create_run(experiment, start_time=began, run_name=name, tags=_tags(run, study, graphs))
        for start in range(0, len(metrics := _metrics(run)), 1000):  # as many as MLflow takes at once
            self.client.log_batch(noted.info.run_id, metrics=metrics[start : start + 1000])
        self.client.log_batch(noted.info.run_id, params=_params(run))
        self.client.set_terminated(noted.info.run_id)

    def _experiment(self, study: str) -> str:
        found = self.client.get_experiment_by_name(study)
        return found.experiment_id if found else self.client.create_experiment(study, str(self.root / "mlruns" / study))


def _tags(run: "Run", study: str, graphs: str) -> dict[str, str]:
    """What run, rows, snapshot and graphs are called; an empty name is no tag."""
    tags = {"data": run.data, "study": study, "tasks": ", ".join(run.recipe.tasks), "checkpoint": str(run.checkpoint)}
    return tags | {name: told for name, told in (("snapshot", run.snapshot), ("graphs", graphs)) if told}


def _params(run: "Run") -> list[Any]:
    from dataclasses import asdict

    from mlflow.entities import Param

    return [Param(name, str(value)) for name, value in asdict(run.recipe).items()]


def _metrics(run: "Run") -> list[Any]:
    from mlflow.entities import Metric

    now = int(time() * 1000)
    by_epoch = [
        Metric(name, value, now, int(row["epoch"]))
        for row in run.history
        for name, value in row.items()
        if name != "epoch" and value is not None
    ]
    scores = [
        Metric(f"{name}.{task}", value, now, 0)
        for task, found in run.scores.items()
        for name, value in found.items()
        if value is not None
    ]
    return [*by_epoch, *scores, Metric("seconds", run.seconds, now, 0)]
