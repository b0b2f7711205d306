"""Sampling: how often a training row is drawn, so that small tasks are not drowned by big ones."""

from __future__ import annotations

import numpy as np


def row_shares(targets: np.ndarray, temperature: float) -> np.ndarray:
    """(n,) float64 shares, of sum 1, with which rows (n, T), NaN where missing, are drawn.

    A task with n labels is drawn with n^(1/temperature), then one of its labelled rows: at temperature 1 each label
    counts alike, far above it each task does. Every draw teaches all tasks that the row has labels of.
    """
    known = np.isfinite(targets)
    labels = known.sum(axis=0).astype(np.float64)
    # of the biggest task 1, so that no power is out of range
    tasks = (labels / max(labels.max(), 1.0)) ** (1.0 / temperature)
    per_label = np.divide(tasks, labels, out=np.zeros_like(tasks), where=labels > 0)
    shares = known @ per_label
    return shares / shares.sum()
