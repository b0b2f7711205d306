"""Weighted norm: batch normalisation in which rows count by weights, as folded atoms and edges do."""

from __future__ import annotations

import torch
from torch import nn


class WeightedNorm(nn.BatchNorm1d):
    """Batch normalisation in which a row counts by its weight: (E, width), (E,) -> (E, width).

    With all weights one, or None, it is nn.BatchNorm1d. The running variance takes E - 1 for the sum of the weights
    less one.
    """

    def forward(self, rows: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        """The rows, normalised by the batch's statistics in training and by the running ones otherwise."""
        if weight is None:
            return super().forward(rows)
        if not self.training or not len(rows):
            scale = self.weight / torch.sqrt(self.running_var + self.eps)
            return rows * scale + (self.bias - self.running_mean * scale)
        total, column = weight.sum(), weight.unsqueeze(-1)
        mean = (rows * column).sum(dim=0) / total
        centred = rows - mean
        variance = (centred.square() * column).sum(dim=0) / total
        self.observe(mean, variance, total / (total - 1).clamp(min=1e-6))
        return centred * (self.weight / torch.sqrt(variance + self.eps)) + self.bias

    @torch.no_grad()
    def observe(self, mean: torch.Tensor, variance: torch.Tensor, unbiased: torch.Tensor | float) -> None:
        """Move the running statistics towards those of a batch; `unbiased` is what its variance is multiplied by."""
        self.num_batches_tracked += 1
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_var += self.momentum * (variance * unbiased - self.running_var)
