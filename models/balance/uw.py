"""UW: uncertainty weighting, a task counts by a variance that is learnt beside the weights.

Paper: Kendall, Gal and Cipolla, CVPR (2018). With the log variance s of a task and its loss L,

    2 / K sum (exp(-s) L + s) / 2        over the K tasks present

which under L1 is the mean of Laplace likelihoods, s being the logarithm of the scale. torchjd's, times 2 / K, so that
it begins as the mean.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call
from torchjd import scalarization

from models.balance.by_losses import ByLosses
from models.recipe import Recipe


class UncertaintyWeighting(ByLosses):
    """The log variances learn by the recipe's optimiser, without weight decay.

    Each is a parameter of its own: one without a gradient is not moved, not even by momentum.
    """

    def __init__(self, recipe: Recipe, network: nn.Module) -> None:
        super().__init__(recipe, network)
        self.log_variances = nn.ParameterList(nn.Parameter(torch.zeros(())) for _ in recipe.tasks)

    def followed(self, losses: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """torchjd's sum, with our memory."""
        theirs = {"log_var": torch.stack([self.log_variances[task] for task in at.tolist()])}
        return functional_call(scalarization.UW(len(at)), theirs, (losses,)) * 2 / len(at)
