"""Nash-MTL: the step that tasks would bargain for, in which each gains by the same share of what it could.

Paper: Navon et al., ICML (2022). Weights a solve a G a = 1, task by task, with the inner products G of the gradients.
torchjd finds them by a sequence of convex programs (cvxpy, ECOS) from the weights of the step before. Where those have
no gain for some task the sequence fails, and torchjd goes on with them.

Differences: gradients are taken at length 1 and the weights scaled back, which is the same bargain on better numbers.
The sequence begins at MGDA's weights, which have a gain for every task; so no step depends on another, and where the
solver fails MGDA's stand, which is warned of after each epoch. Weights are divided by their sum, and torchjd's bound on
the length of the step is off: the step has the mean's scale, and the recipe's own bound is the only one.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import nn
from torchjd import aggregation

from models.balance.by_gradients import ByGradients
from models.recipe import Recipe

APART = 1e-3  # of equal weights in those begun with: at a weight of nothing the program has no slope
SOLVED = 0.1  # how far from 1 a task's share may be where the bargain is found


class NashMTL(ByGradients):
    """torchjd's, a new one for each step, which is told where to begin.

    For that `prvs_alpha` of its weighting is set, an attribute without a promise.
    """

    def __init__(self, recipe: Recipe, network: nn.Module) -> None:
        super().__init__(recipe, network)
        self.register_buffer("failed", torch.zeros((), dtype=torch.int64))  # steps of the open epoch

    def weights(self, gramian: torch.Tensor) -> torch.Tensor:
        """By convex programs, for vectors that have these inner products."""
        lengths = gramian.diagonal().sqrt()
        angles = gramian / torch.outer(lengths, lengths)
        begin = (1 - APART) * aggregation.MGDAWeighting()(angles) + APART / len(angles)
        values, axes = torch.linalg.eigh(angles)
        theirs = aggregation.NashMTL(len(angles), max_norm=0.0).weighting
        theirs.prvs_alpha = begin.numpy()
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):  # what failed, `closed` says
            warnings.filterwarnings("ignore", message="You are solving a parameterized problem that is not DPP")
            found = theirs(axes * values.clamp(min=0).sqrt())
        self.failed += bool((found * (angles @ found) - 1).abs().max() > SOLVED)
        weights = found / lengths
        return weights / weights.sum()

    def closed(self) -> None:
        """Say how often the solver failed."""
        if self.failed:
            told = f"nash_mtl: in {int(self.failed)} steps of this epoch no bargain was found, and MGDA's weights stood"
            warnings.warn(told, RuntimeWarning, stacklevel=2)
        self.failed.zero_()
