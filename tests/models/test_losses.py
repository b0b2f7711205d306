"""A missing label changes nothing but itself, and a task counts once, however many labels it has."""

from __future__ import annotations

import pytest
import torch

from models.losses import ERRORS, masked_loss

NAN = float("nan")


@pytest.mark.parametrize("loss", ERRORS)
def test_a_missing_label_gives_no_gradient(loss: str) -> None:
    outputs = torch.randn(4, 2, requires_grad=True)
    targets = torch.tensor([[0.0, NAN], [1.0, NAN], [NAN, 2.0], [NAN, NAN]])
    masked_loss(outputs, targets, loss).backward()
    assert torch.isfinite(outputs.grad).all()
    assert (outputs.grad[torch.isnan(targets)] == 0).all()
    assert (outputs.grad[torch.isfinite(targets)] != 0).all()


def test_a_task_counts_by_its_mean_and_an_absent_task_not_at_all() -> None:
    outputs = torch.zeros(3, 3)
    targets = torch.tensor([[1.0, 4.0, NAN], [1.0, NAN, NAN], [1.0, NAN, NAN]])
    assert masked_loss(outputs, targets) == pytest.approx((1 + 4) / 2)


def test_huber_is_smooth_where_it_bends_and_as_steep_as_l1_beyond() -> None:
    errors = torch.tensor([0.0, 0.4999, 0.5001, -3.0], requires_grad=True)
    ERRORS["huber"](errors).sum().backward()
    torch.testing.assert_close(errors.grad, torch.tensor([0.0, 0.9998, 1.0, -1.0]))


def test_no_label_at_all_is_no_loss() -> None:
    assert masked_loss(torch.zeros(2, 1), torch.full((2, 1), NAN)) == 0
