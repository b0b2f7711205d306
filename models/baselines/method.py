"""Method: what a baseline owes. A protocol, so that no class has to know of another."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

from lake.store import Lake


class Method(Protocol):
    """One way to predict a property from a row of numbers.

    transform: as in Recipe, how values become what is learnt.  seeded: whether another seed gives another answer.
    """

    transform: str
    seeded: bool

    def features(self, lake: Lake, structures: pl.Series) -> np.ndarray:
        """(n, F) float32, one row per structure hash, in their order."""

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        """Learn from training rows: (n, F) and (n,) standardised targets, none missing."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(n,) standardised predictions."""
