"""Decoder: from a crystal's vector to one number."""

from __future__ import annotations

import torch
from torch import nn


class Decoder(nn.Module):
    """(B, width) -> (B,): softplus, then `layers` times linear and softplus, then one linear map (CGCNN's read-out)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        hidden = [part for _ in range(layers) for part in (nn.Linear(width, width), nn.Softplus())]
        self.steps = nn.Sequential(nn.Softplus(), *hidden, nn.Linear(width, 1))

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """One standardised value per crystal."""
        return self.steps(vectors).squeeze(-1)
