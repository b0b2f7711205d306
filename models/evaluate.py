"""Evaluate: what a trained network says of rows, in the properties' units, and how far that is from their labels."""

from __future__ import annotations

import numpy as np
from torch import nn

from lake.graphs.gathered import GatheredGraphs
from lake.graphs.shards import GraphStore
from models.checkpoint import Checkpoint
from models.dataset import TrainingRows
from models.metrics import mean_absolute_errors
from models.network import outputs
from models.recipe import RecipeError
from models.scale import Scaler

Store = GraphStore | GatheredGraphs


def score(checkpoint: Checkpoint, rows: TrainingRows, graphs: Store, split: str) -> dict[str, float | None]:
    """Mean absolute error per task on one split, in its unit; None for a task without labels there.

    RecipeError where the rows are of other tasks.
    """
    said = predicted(checkpoint, rows, graphs, split)
    return dict(zip(rows.tasks, mean_absolute_errors(said, rows.targets[rows.of(split)]), strict=True))


def predicted(checkpoint: Checkpoint, rows: TrainingRows, graphs: Store, split: str) -> np.ndarray:
    """(n, T) float64 values in the properties' units for the rows of one split, in the rows' order.

    RecipeError where the rows are of other tasks.
    """
    if rows.tasks != checkpoint.recipe.tasks:
        raise RecipeError(f"{checkpoint.path} tells {checkpoint.recipe.tasks}, the rows are of tasks {rows.tasks}")
    at = graphs.rows(rows.frame["structure_hash"][rows.of(split)])
    return values(checkpoint.network(), checkpoint.scaler, graphs, at)


def values(net: nn.Module, scaler: Scaler, graphs: Store, at: np.ndarray) -> np.ndarray:
    """(n, T) float64 values in the properties' units for these graphs, in this order."""
    return scaler.inverse(outputs(net, graphs, at)[..., 0].reshape(len(at), len(scaler.tasks)))
