"""IMTL-G: impartial multi-task learning, a step of equal length along every task's gradient.

Paper: Liu et al., ICLR (2021). Weights sum to 1 and may be negative.
"""

from __future__ import annotations

import torch
from torchjd.aggregation import IMTLGWeighting

from models.balance.by_gradients import ByGradients


class IMTLG(ByGradients):
    """torchjd's, as it is."""

    def weights(self, gramian: torch.Tensor) -> torch.Tensor:
        """In closed form."""
        return IMTLGWeighting()(gramian)
