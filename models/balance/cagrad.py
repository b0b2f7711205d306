"""CAGrad: conflict-averse gradient descent, the direction near the mean's that is best for the task worst off.

Paper: Liu et al., NeurIPS (2021). torchjd's weights over 1 + c: where tasks agree it is the mean.
"""

from __future__ import annotations

import torch
from torchjd.aggregation import CAGradWeighting

from models.balance.by_gradients import ByGradients

RADIUS = 0.5  # c: how far from the mean, in its lengths; the paper's choice for most sets


class CAGrad(ByGradients):
    """torchjd's, in the mean's length."""

    def weights(self, gramian: torch.Tensor) -> torch.Tensor:
        """By a cone program (Clarabel)."""
        return CAGradWeighting(RADIUS)(gramian) / (1 + RADIUS)
