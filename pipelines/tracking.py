"""Tracking: every finished training run in MLflow. This is the only module that knows MLflow.

Recipes are parameters, errors and the loss by epoch are metrics. No model is logged: the checkpoint is a safetensors
file below `models/`, named in a tag, because a pickled one runs code when it is opened.
"""

from pathlib import Path
from typing import Any

import dagster as dg


class MlflowTracker:
    """MLflow's books of one lake: `mlflow.db` and `mlruns/` below its root. Opened with the first run, as MLflow is heavy."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def log(self, run: Any) -> None:
        """One run: recipe, history, errors per property, seconds."""
