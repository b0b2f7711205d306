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


def masked_loss(told: torch.Tensor, targets: torch.Tensor, loss: str = "l1") -> torch.Tensor:
    """One number from what was told (B, T, told) and standardised targets (B, T) with NaN where missing.

    A missing label gives no gradient: NaN is replaced before the subtraction, since zero times NaN is NaN.
    """
    known = torch.isfinite(targets)
    errors = LOSSES[loss](told, targets.nan_to_num(0.0)) * known
    counts = known.sum(dim=0)
    per_task = errors.sum(dim=0) / counts.clamp(min=1)
    return per_task.sum() / (counts > 0).sum().clamp(min=1)
