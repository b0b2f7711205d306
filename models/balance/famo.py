"""FAMO: fast adaptive multitask optimisation, weights that make all losses fall at one rate, from losses only.

Paper: Liu, Feng, Stone and Liu, NeurIPS (2023). With losses L, and weights z, the softmax of logits w,

    sum z log L / sum (z / L)        is followed, and after the step Adam takes w down grad_w (z . fall of log L)

over the tasks present, so that a loss that falls faster than the others counts less; the logits of absent tasks stand
still, and so does what Adam remembers of them. The gradient of
the first sum is a convex combination of the tasks', so its scale is the mean's. torchjd keeps Adam's memory to itself:
its sum is used as it is, and the step of the logits is taken here, by torch's own function, on buffers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.optim.adam import adam
from torchjd import scalarization

from models.balance.balance import Again
from models.balance.by_losses import ByLosses
from models.recipe import Recipe

RATE, DECAY = 0.025, 1e-3  # of the logits' Adam, the paper's
SMALL = 1e-8  # added to losses under the logarithm, torchjd's


class FAMO(ByLosses):
    """One forward pass more than the mean, without gradients, on the same batch after the step.

    It leaves no trace: running statistics and random numbers stand afterwards as if nobody had asked. What a scheme
    draws in it is drawn anew.
    """

    def __init__(self, recipe: Recipe, network: nn.Module) -> None:
        super().__init__(recipe, network)
        for name in ("logits", "first", "second", "steps"):  # the last three are Adam's
            self.register_buffer(name, torch.zeros(len(recipe.tasks)))
        self._statistics = network.named_buffers
        self._before: tuple[torch.Tensor, torch.Tensor] | None = None  # of this step: tasks, and their losses

    def followed(self, losses: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """torchjd's sum, with our logits."""
        self._before = at, losses.detach()
        theirs = scalarization.FAMO(len(at)).to(losses.device)
        with torch.no_grad():
            next(theirs.parameters()).copy_(self.logits[at])
        return theirs(losses)

    @torch.no_grad()
    def stepped(self, again: Again) -> None:
        """Ask for the losses after the step, and move the logits of the tasks present."""
        if self._before is None:
            return
        (at, before), self._before = self._before, None
        with self._unseen(before.device):
            after = again()[0][at]
        fall = torch.log(before + SMALL) - torch.log(after + SMALL)
        shares = torch.softmax(self.logits[at], dim=0)
        slope = shares * (fall - shares @ fall)
        moved = [[kept[task] for task in at.tolist()] for kept in (self.logits, self.first, self.second, self.steps)]
        adam(
            moved[0], list(slope), moved[1], moved[2], [], moved[3], amsgrad=False, beta1=0.9, beta2=0.999,
            lr=RATE, weight_decay=DECAY, eps=1e-8, maximize=False, foreach=False,
        )  # fmt: skip

    @contextmanager
    def _unseen(self, where: torch.device) -> Iterator[None]:
        """Inside, running statistics and random numbers move; outside they are what they were."""
        kept = {name: buffer.clone() for name, buffer in self._statistics()}
        with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
            yield
        for name, buffer in self._statistics():
            buffer.copy_(kept[name])
