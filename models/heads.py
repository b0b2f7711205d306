"""Decoder: from a crystal's vector to what is told of one task: its value, and the logarithm of its scale if asked."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import softplus

from models.losses import SMALLEST_LOG_SCALE


class Decoder(nn.Module):
    """(B, width) -> (B, told): softplus, `layers` times linear and softplus, one linear map (CGCNN's read-out).

    hidden: width of the layers between, that of the vectors where None.
    """

    def __init__(self, width: int, layers: int, told: int = 1, hidden: int | None = None) -> None:
        super().__init__()
        sizes = [width, *[hidden or width] * layers]
        between = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.Softplus())]
        self.steps = nn.Sequential(nn.Softplus(), *between, nn.Linear(sizes[-1], told))
        if told > 1:  # one scale for all at first, that of the values themselves: training begins as without it
            nn.init.zeros_(self.steps[-1].weight[1:])
            nn.init.zeros_(self.steps[-1].bias[1:])

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """The standardised value, and where two numbers are told the logarithm of its scale, from -6 up."""
        return as_told(self.steps(vectors))


def as_told(given: torch.Tensor) -> torch.Tensor:
    """What a last linear map gave, (..., told), as it is told: the logarithm of a scale has a floor."""
    if given.shape[-1] == 1:
        return given
    # a soft floor: at a hard one the gradient would end, and no scale could come back
    scale = SMALLEST_LOG_SCALE + softplus(given[..., 1:] - SMALLEST_LOG_SCALE)
    return torch.cat([given[..., :1], scale], dim=-1)
