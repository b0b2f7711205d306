"""Decoder: from a crystal's vector to what is told of one task."""

from __future__ import annotations

import torch
from torch import nn


class Decoder(nn.Module):
    """(B, width) -> (B, told): softplus, `layers` times linear and softplus, one linear map (CGCNN's read-out)."""

    def __init__(self, width: int, layers: int, told: int = 1) -> None:
        super().__init__()
        hidden = [part for _ in range(layers) for part in (nn.Linear(width, width), nn.Softplus())]
        self.steps = nn.Sequential(nn.Softplus(), *hidden, nn.Linear(width, told))

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """The standardised value, and the logarithm of its scale where two numbers are told."""
        return self.steps(vectors)
