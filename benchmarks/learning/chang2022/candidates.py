"""Candidates: the recipes that are tried for a set, from its training labels alone; the first is the one to beat.

Small sets get more of them and longer runs: they cost less, and the choice matters more.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.dataset import TrainingRows
from models.recipe import Recipe

MOST = 20  # recipes per set: what the study allows itself
SMALL = 500  # training rows
SKEWED = 5.0  # the 99th percentile of the labels over their median, from which on logarithms are tried

FIELDS: dict[str, dict[str, object]] = {
    "small": {"width": 64, "gnn_layers": 3, "batch_size": 32, "learning_rate": 3e-3, "epochs": 150},
    "large": {"width": 64, "gnn_layers": 3, "batch_size": 32, "learning_rate": 3e-3, "epochs": 120},
}
CHANGES: dict[str, list[dict[str, object]]] = {
    "small": [
        {},
        {"gnn_layers": 2},
        {"gnn_layers": 4},
        {"batch_size": 16},
        {"learning_rate": 6e-3},
        {"decoder_layers": 2},
        {"weight_decay": 0.1},
        {"loss": "huber"},
        {"width": 128},
        {"epochs": 300},
    ],
    "large": [{}, {"gnn_layers": 2}, {"gnn_layers": 4}, {"batch_size": 16}, {"epochs": 240}, {"width": 128}],
}
LOGARITHM = {"transform": "log"}


def candidates(rows: TrainingRows) -> list[Recipe]:
    """The recipes to try for a set, of seed 0."""
    size = "small" if len(rows.of("train")) < SMALL else "large"
    changes = [*CHANGES[size], *([LOGARITHM] if skewed(rows) else [])]
    recipes = [replace(Recipe(rows.tasks, **FIELDS[size]), **change) for change in changes]
    if len(recipes) > MOST:
        raise ValueError(f"a set may try {MOST} recipes, found {len(recipes)}")
    return recipes


def skewed(rows: TrainingRows) -> bool:
    """Whether no training label is negative and the largest ones are far from the median."""
    labels = rows.targets[rows.of("train")]
    return bool(labels.min() >= 0 and np.quantile(labels, 0.99) > SKEWED * np.median(labels))
