"""What balances have in common that look at losses only: one number is made of them, and one backward pass of it."""

from __future__ import annotations

import torch
from torch import nn

from models.balance.balance import Balance, mean
from models.recipe import Recipe, RecipeError


class ByLosses(Balance):
    """A subclass says what number is made of the losses of the tasks present. They must not be negative.

    Raises RecipeError where they are, at once under the loss `laplace`: logarithms and ratios of such losses say
    nothing, and the weight of a task by its uncertainty would grow without end.
    """

    def __init__(self, recipe: Recipe, network: nn.Module) -> None:
        super().__init__(recipe, network)
        self._refusal = f"balance {recipe.balance!r} needs losses of 0 or more, found {{}}: try 'equal' or 'upgrad'"
        if recipe.loss == "laplace":
            raise RecipeError(self._refusal.format("the loss 'laplace', which may be negative"))

    def followed(self, losses: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """One number of the losses (K,) of the tasks `at` (K,), numbers in the recipe's order; K is at least 1."""
        raise NotImplementedError

    def backward(self, losses: torch.Tensor, present: torch.Tensor, price: torch.Tensor | None) -> torch.Tensor:
        """One backward pass."""
        if (losses < 0).any():
            raise RecipeError(self._refusal.format(f"{losses.min().item():g}"))
        at, plain = present.nonzero().squeeze(1), mean(losses, present)
        followed = self.followed(losses[at], at) if len(at) else plain
        (followed if price is None else followed + price).backward()
        return plain.detach()
