"""A random forest: what learns from the features of a composition or of a structure.

Paper: Breiman, Machine Learning 45, 5 (2001). Each split looks at a third of the features, his advice for regression.
One core: processes share a machine, see `models/pool.py`.
"""

from __future__ import annotations

import numpy as np


class Forest:
    """fit and predict by a forest of that many trees; the same seed and rows give the same forest."""

    transform = "catalog"
    seeded = True

    def __init__(self, seed: int = 0, trees: int = 100) -> None:
        self.seed, self.trees = seed, trees

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        """Grow the trees."""
        from sklearn.ensemble import RandomForestRegressor

        self.forest = RandomForestRegressor(self.trees, max_features=1 / 3, random_state=self.seed, n_jobs=1)
        self.forest.fit(features, targets)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The mean over the trees."""
        return self.forest.predict(features) if len(features) else np.zeros(0)
