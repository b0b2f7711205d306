"""Equal: the mean over the tasks present. What every other balance is measured against (arXiv 2201.04122)."""

from __future__ import annotations

import torch

from models.balance.balance import Balance, mean


class Equal(Balance):
    """Every task counts alike."""

    def backward(self, losses: torch.Tensor, present: torch.Tensor, price: torch.Tensor | None) -> torch.Tensor:
        """One backward pass of the mean."""
        followed = mean(losses, present)
        (followed if price is None else followed + price).backward()
        return followed.detach()
