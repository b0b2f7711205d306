"""Losses on a sparse label matrix: per task the mean over labelled rows, then the mean over the tasks present."""

from __future__ import annotations

from collections.abc import Callable

import torch


def huber(errors: torch.Tensor, bend: float = 0.5) -> torch.Tensor:
    """|error| far out, quadratic within `bend` (Huber, Ann. Math. Stat. 35, 73, 1964), of slope 1 outside."""
    size = errors.abs()
    return torch.where(size < bend, size.square() / (2 * bend), size - bend / 2)


ERRORS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"l1": torch.abs, "huber": huber, "mse": torch.square}


def masked_loss(outputs: torch.Tensor, targets: torch.Tensor, loss: str = "l1") -> torch.Tensor:
    """One number from outputs (B, T) and standardised targets (B, T) with NaN where missing.

    A missing label gives no gradient: NaN is replaced before the subtraction, since zero times NaN is NaN.
    """
    known = torch.isfinite(targets)
    errors = ERRORS[loss](outputs - targets.nan_to_num(0.0)) * known
    counts = known.sum(dim=0)
    per_task = errors.sum(dim=0) / counts.clamp(min=1)
    return per_task.sum() / (counts > 0).sum().clamp(min=1)
