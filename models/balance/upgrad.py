"""UPGrad: unconflicting projection of gradients, each task's is projected to where no task is harmed, then the mean.

Paper: Quinton and Rey, arXiv 2406.16232 (2024). Without conflict it is the mean.
"""

from __future__ import annotations

import torch
from torchjd.aggregation import UPGradWeighting
from torchjd.linalg import QuadprogProjector

from models.balance.by_gradients import ByGradients

# What is added to the diagonal, so that the program has one answer. torchjd's 1e-4 is for inner products in float32; it
# would let a task be harmed whose gradient is a hundredth of the others'.
REGULAR = 1e-7


class UPGrad(ByGradients):
    """torchjd's, with less on the diagonal."""

    def weights(self, gramian: torch.Tensor) -> torch.Tensor:
        """By a quadratic program for each task (quadprog)."""
        return UPGradWeighting(projector=QuadprogProjector(reg_eps=REGULAR))(gramian)
