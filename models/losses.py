"""Losses on a sparse label matrix: per task the mean over labelled rows, then the mean over the tasks present.

Each loss takes what the network told, (..., told) with the value first, and targets (...).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

SMALLEST_LOG_SCALE = -6.0  # of a standardised value: no model knows better, and a likelihood stays bounded


def l1(told: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """|error|."""
    return (told[..., 0] - targets).abs()


def mse(told: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Squared error."""
    return (told[..., 0] - targets).square()


def huber(told: torch.Tensor, targets: torch.Tensor, bend: float = 0.5) -> torch.Tensor:
    """|error| far out, quadratic within `bend` (Huber, Ann. Math. Stat. 35, 73, 1964), of slope 1 outside."""
    size = l1(told, targets)
    return torch.where(size < bend, size.square() / (2 * bend), size - bend / 2)


def laplace(told: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Negative log likelihood of a Laplace distribution, |error| / scale + log scale, less a constant.

    The second number told is the logarithm of the scale. Its gradient is the likelihood's; the value's is that of L1,
    as if every scale were 1. Else crystals of small scale would steer the weights, and their scale would shrink on:
    the trap of Seitzer et al., arXiv 2203.09168 (2022), whose remedy this is, with all of their beta on the value.
    """
    error, log_scale = l1(told, targets), told[..., 1]
    return error.detach() * torch.exp(-log_scale) + log_scale + (error - error.detach())


LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "l1": l1,
    "huber": huber,
    "mse": mse,
    "laplace": laplace,
}


def task_losses(told: torch.Tensor, targets: torch.Tensor, loss: str = "l1") -> tuple[torch.Tensor, torch.Tensor]:
    """(T,) losses and (T,) whether the task is present, from told (B, T, told) and standardised targets (B, T).

    A missing label is NaN and gives no gradient: it is replaced before the subtraction, since zero times NaN is NaN.
    A task without labels here has the loss 0, and is not present.
    """
    known = torch.isfinite(targets)
    errors = LOSSES[loss](told, targets.nan_to_num(0.0)) * known
    counts = known.sum(dim=0)
    return errors.sum(dim=0) / counts.clamp(min=1), counts > 0


def masked_loss(told: torch.Tensor, targets: torch.Tensor, loss: str = "l1") -> torch.Tensor:
    """One number: the mean of the losses of the tasks that are present."""
    losses, present = task_losses(told, targets, loss)
    return losses.sum() / present.sum().clamp(min=1)
