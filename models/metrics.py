"""Errors of predictions, per task, on labelled rows only. No torch here."""

from __future__ import annotations

import numpy as np


def mean_absolute_errors(predicted: np.ndarray, targets: np.ndarray) -> list[float | None]:
    """Per task the mean of |predicted - target| over labelled rows, in the property's unit; None without any.

    predicted, targets: (n, T); NaN in targets marks a missing label.
    """
    errors = np.abs(np.asarray(predicted, dtype=np.float64) - targets)
    return [float(e[np.isfinite(e)].mean()) if np.isfinite(e).any() else None for e in errors.T]


def mean_predictor_errors(training: np.ndarray, targets: np.ndarray) -> list[float | None]:
    """What always predicting the mean of the training labels would score: the floor under every claim."""
    return mean_absolute_errors(np.nanmean(training, axis=0, keepdims=True), targets)
