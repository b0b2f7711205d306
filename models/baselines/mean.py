"""The training mean of every crystal: the floor under every claim."""

from __future__ import annotations

import numpy as np
import polars as pl

from lake.store import Lake


class Mean:
    """Says the mean of the training labels, in the property's own unit."""

    transform = "none"
    seeded = False

    def __init__(self, seed: int = 0, trees: int = 0) -> None:
        self.value = float("nan")

    def features(self, lake: Lake, structures: pl.Series) -> np.ndarray:
        """Nothing: (n, 0)."""
        return np.zeros((len(structures), 0), dtype=np.float32)

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        """Take the mean."""
        self.value = float(np.mean(targets, dtype=np.float64))

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The mean, n times."""
        return np.full(len(features), self.value)
