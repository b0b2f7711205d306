"""Vectors that others made, a frozen foundation model's for instance, and ridge regression on them.

The penalty is chosen among PENALTIES by generalised cross-validation on training rows. How a table of vectors comes
into the lake: `lake/features.py`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from lake.store import Lake
from lake.tables import FEATURES

PENALTIES = np.logspace(-4, 4, 17)


class Imported:
    """Ridge regression on the vectors of that name."""

    transform = "catalog"
    seeded = False

    def __init__(self, name: str) -> None:
        self.name = name

    def features(self, lake: Lake, structures: pl.Series) -> np.ndarray:
        """(n, F) float32; a row of NaN where a structure has no vector. Empty where there are none of that name."""
        known = lake.scan(FEATURES).filter(pl.col("model") == self.name).select("structure_hash", "vector").collect()
        if not len(known):
            return np.zeros((len(structures), 0), dtype=np.float32)
        vectors = known["vector"].explode().to_numpy().reshape(len(known), -1)
        vectors = np.vstack([vectors, np.full((1, vectors.shape[1]), np.nan)])  # the last row: of those without
        at = structures.to_frame("structure_hash").join(
            known.select("structure_hash").with_row_index("at"), on="structure_hash", how="left", maintain_order="left"
        )
        return vectors[at["at"].fill_null(len(known)).to_numpy()].astype(np.float32)

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        """Standardise the vectors as the training rows have them, and solve."""
        from sklearn.linear_model import RidgeCV

        self.mean, self.deviation = features.mean(axis=0), features.std(axis=0)
        self.deviation = np.where(self.deviation > 0, self.deviation, 1.0)
        self.ridge = RidgeCV(PENALTIES).fit(self._scaled(features), targets)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The plane's value."""
        return self.ridge.predict(self._scaled(features)) if len(features) else np.zeros(0)

    def _scaled(self, features: np.ndarray) -> np.ndarray:
        return (features.astype(np.float64) - self.mean) / self.deviation
