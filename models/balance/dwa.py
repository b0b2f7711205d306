"""DWA: dynamic weight average, a task counts by how slowly its loss fell from one epoch to the next.

Paper: Liu, Johns and Davison, CVPR (2019). With the ratio r of a task's mean losses in the last two epochs,

    weights softmax(r / 2) over the tasks present, which sum to 1

A task's loss of an epoch is the mean over the batches in which it was present; until there are two such epochs its
ratio is 1.
"""

from __future__ import annotations

import torch
from torch import nn
from torchjd import scalarization

from models.balance.by_losses import ByLosses
from models.recipe import Recipe

TEMPERATURE = 2.0  # the paper's


class DynamicWeightAverage(ByLosses):
    """torchjd's weights over the number of tasks present, so that it begins as the mean."""

    def __init__(self, recipe: Recipe, network: nn.Module) -> None:
        super().__init__(recipe, network)
        for name in ("sums", "batches"):  # of the open epoch
            self.register_buffer(name, torch.zeros(len(recipe.tasks)))
        for name in ("older", "newer"):  # mean losses of the two epochs before, NaN where there is none yet
            self.register_buffer(name, torch.full((len(recipe.tasks),), torch.nan))

    def followed(self, losses: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """torchjd's sum, which is told of the two epochs before."""
        self.sums[at] += losses.detach()
        self.batches[at] += 1
        theirs = scalarization.DWA(TEMPERATURE)
        known = (self.older + self.newer).isfinite()[at]
        for epoch in (self.older, self.newer):
            theirs(torch.where(known, epoch[at], 1.0))
            theirs.step()
        return theirs(losses) / len(at)

    def closed(self) -> None:
        """The open epoch is the newer one; a task that was not in it keeps what it had."""
        seen = self.batches > 0
        self.older[seen] = self.newer[seen]
        self.newer[seen] = (self.sums / self.batches)[seen]
        self.sums.zero_()
        self.batches.zero_()
