"""What training asks of every balance, and the plain answers to it.

A balance is a module, so that what it learns is in the state of a run; it knows nothing of batches.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from models.recipe import Recipe

Again = Callable[[], tuple[torch.Tensor, torch.Tensor]]  # losses and presence on the same batch, after the step


class Balance(nn.Module):
    """Gives weights their gradients. Tasks stand in the recipe's order; one that is not present is left out.

    What a balance remembers between steps is parameters and buffers, so that an interrupted run goes on exactly.
    All keep to the scale of the mean: where tasks do not conflict, a step is about as long as under `equal`.
    """

    def __init__(self, recipe: Recipe, network: nn.Module) -> None:
        super().__init__()
        self.tasks = recipe.tasks

    def backward(self, losses: torch.Tensor, present: torch.Tensor, price: torch.Tensor | None) -> torch.Tensor:
        """Add to the gradients of the network's weights; returns the mean over the tasks present, for the books.

        losses, present: (T,), as `task_losses` gives them.  price: what the scheme adds, whatever the balance.
        """
        raise NotImplementedError

    def stepped(self, again: Again) -> None:
        """Told after each step of the weights."""

    def closed(self) -> None:
        """Told after each epoch."""


def mean(losses: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """The mean over the tasks present; absent ones have the loss 0."""
    return losses.sum() / present.sum().clamp(min=1)
