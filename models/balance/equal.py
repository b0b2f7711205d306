"""Equal: the mean over the tasks present. What every other balance is measured against (arXiv 2201.04122)."""

from __future__ import annotations

import torch

from models.balance.balance import Balance


class Equal(Balance):
    """Every task counts alike."""

    def backward(self, losses: torch.Tensor, present: torch.Tensor, price: torch.Tensor | None) -> torch.Tensor:
        """One backward pass of the mean."""
        mean = losses.sum() / present.sum().clamp(min=1)
        (mean if price is None else mean + price).backward()
        return mean.detach()
