"""A missing label changes nothing but itself, a task counts once, and a scale that is told follows the noise."""

from __future__ import annotations

import pytest
import torch

from models.heads import Decoder
from models.losses import LOSSES, SMALLEST_LOG_SCALE, masked_loss

NAN = float("nan")


@pytest.mark.parametrize("loss", LOSSES)
def test_a_missing_label_gives_no_gradient(loss: str) -> None:
    told = torch.randn(4, 2, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    targets = torch.tensor([[0.0, NAN], [1.0, NAN], [NAN, 2.0], [NAN, NAN]])
    masked_loss(told, targets, loss).backward()
    assert torch.isfinite(told.grad).all()
    assert (told.grad[torch.isnan(targets)] == 0).all()
    assert (told.grad[torch.isfinite(targets)][:, 0] != 0).all()


def test_a_task_counts_by_its_mean_and_an_absent_task_not_at_all() -> None:
    targets = torch.tensor([[1.0, 4.0, NAN], [1.0, NAN, NAN], [1.0, NAN, NAN]])
    assert masked_loss(torch.zeros(3, 3, 1), targets) == pytest.approx((1 + 4) / 2)


def test_huber_is_smooth_where_it_bends_and_as_steep_as_l1_beyond() -> None:
    errors = torch.tensor([[0.0], [0.4999], [0.5001], [-3.0]], requires_grad=True)
    LOSSES["huber"](errors, torch.zeros(4)).sum().backward()
    torch.testing.assert_close(errors.grad[:, 0], torch.tensor([0.0, 0.9998, 1.0, -1.0]))


def test_no_label_at_all_is_no_loss() -> None:
    assert masked_loss(torch.zeros(2, 1, 1), torch.full((2, 1), NAN)) == 0


def test_under_laplace_the_value_learns_as_under_l1_and_the_loss_is_the_likelihood() -> None:
    told = torch.randn(50, 2, generator=torch.Generator().manual_seed(1)).requires_grad_()
    targets = torch.linspace(-2, 2, 50)
    loss = LOSSES["laplace"](told, targets)
    known = -torch.distributions.Laplace(told[:, 0], told[:, 1].exp()).log_prob(targets) - torch.log(torch.tensor(2.0))
    torch.testing.assert_close(loss, known)
    loss.sum().backward()
    torch.testing.assert_close(told.grad[:, 0], (told[:, 0] - targets).sign().detach())


def test_before_training_every_scale_is_that_of_the_values_and_none_can_pass_the_floor() -> None:
    decoder = Decoder(8, 1, told=2)
    torch.testing.assert_close(decoder(torch.randn(5, 8))[:, 1], torch.zeros(5), atol=1e-2, rtol=0)
    torch.nn.init.constant_(decoder.steps[-1].bias, -1e4)
    assert (decoder(torch.randn(5, 8))[:, 1] >= SMALLEST_LOG_SCALE).all()


def test_the_scale_follows_the_noise() -> None:
    """Values with noise of a scale that depends on the input: what is told is that scale, and the value no worse."""
    draws = torch.Generator().manual_seed(2)
    vectors = torch.rand(2000, 4, generator=draws) * 2 - 1
    log_scale = 1.5 * vectors[:, 0] - 2
    noise = torch.distributions.Laplace(0.0, 1.0).icdf(torch.rand(2000, generator=draws).clamp(1e-6, 1 - 1e-6))
    targets = (vectors[:, 1] + log_scale.exp() * noise).unsqueeze(1)
    errors = {}
    for loss, told in (("l1", 1), ("laplace", 2)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            decoder = Decoder(4, 1, told)
        widened = torch.nn.Sequential(torch.nn.Linear(4, 4), decoder)
        torch.nn.init.eye_(widened[0].weight)
        optimiser = torch.optim.AdamW(widened.parameters(), lr=2e-2)
        for _ in range(300):
            optimiser.zero_grad()
            masked_loss(widened(vectors).unsqueeze(1), targets, loss).backward()
            optimiser.step()
        said = widened(vectors).detach()
        errors[loss] = (said[:, 0] - vectors[:, 1]).abs().mean()
    assert torch.corrcoef(torch.stack([said[:, 1], log_scale]))[0, 1] > 0.95
    assert (said[:, 1] - log_scale).mean().abs() < 0.1
    assert errors["laplace"] < 1.2 * errors["l1"] + 0.01
