"""MGDA: multiple-gradient descent, the shortest vector among the convex combinations of gradients.

Papers: Désidéri, C. R. Math. 350, 313 (2012); Sener and Koltun, NeurIPS (2018), whose solver (Frank-Wolfe) it is.
Weights sum to 1; the task of the smallest gradient counts most, so the scale of losses matters.
"""

from __future__ import annotations

import torch
from torchjd.aggregation import MGDAWeighting

from models.balance.by_gradients import ByGradients


class MGDA(ByGradients):
    """torchjd's, as it is."""

    def weights(self, gramian: torch.Tensor) -> torch.Tensor:
        """By Frank-Wolfe."""
        return MGDAWeighting()(gramian)
