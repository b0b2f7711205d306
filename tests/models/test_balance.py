"""Balances skip tasks that are absent, remember in their state only, and keep the promise of their method."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.balance import BALANCES, balance_named
from models.balance.balance import Balance
from models.balance.by_gradients import ByGradients
from models.batch import Batch
from models.dataset import TrainingRows, training_rows
from models.fit import fit
from models.network import network
from models.recipe import Recipe, RecipeError
from models.training import Training
from tests.models.test_fit import Interrupted, Stopping, weights

TASKS = ("band_gap", "bulk_modulus", "shear_modulus")
BY_LOSSES = ("uw", "dwa", "famo")
BY_GRADIENTS = ("imtl_g", "pcgrad", "cagrad", "nash_mtl", "upgrad", "mgda")
# whose direction stays where one task's loss is told in other units. For the others a bigger loss counts more (mgda:
# less); uw learns it away in the course of a run, and dwa's weights stay, not its direction.
SCALE_FREE = ("famo", "imtl_g", "nash_mtl")
ALL_PRESENT = torch.tensor([True, True, True])


class Toy(nn.Module):
    """A shared vector, one vector per task, and losses whose gradients over the shared one are `pulls` (T, n)."""

    def __init__(self, pulls: torch.Tensor) -> None:
        super().__init__()
        self.encoder = nn.Parameter(torch.zeros(pulls.shape[1]))
        self.decoders = nn.Parameter(torch.zeros(len(pulls)))
        self.register_buffer("pulls", pulls)

    def shared(self) -> list[nn.Parameter]:
        return [self.encoder]

    def losses(self, level: float = 2.0) -> torch.Tensor:
        return level + self.pulls @ self.encoder + self.decoders


def made(name: str, pulls: torch.Tensor) -> tuple[Balance, Toy]:
    toy = Toy(pulls)
    return balance_named(name)(Recipe(TASKS[: len(pulls)], sharing="hard", balance=name), toy), toy


def direction(
    name: str,
    pulls: torch.Tensor,
    present: torch.Tensor | None = None,
    price: float | None = None,
    units: torch.Tensor | float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of the shared weights and of the tasks' own."""
    torch.manual_seed(0)
    balance, toy = made(name, pulls)
    present = ALL_PRESENT[: len(pulls)] if present is None else present
    paid = None if price is None else price * (toy.encoder.sum() + toy.decoders.sum())
    balance.backward(torch.where(present, toy.losses() * units, 0.0), present, paid)
    return toy.encoder.grad, toy.decoders.grad


def pulls(seed: int = 0, tasks: int = 3, size: int = 6) -> torch.Tensor:
    return torch.randn(tasks, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", BALANCES)
def test_a_task_alone_or_alone_present_makes_the_step_that_it_makes_under_equal(name: str) -> None:
    several, alone = pulls(), torch.tensor([False, True, False])
    shared, own = direction(name, several, alone)
    torch.testing.assert_close(shared, several[1])
    assert own.tolist() == [0, 1, 0]
    torch.testing.assert_close(direction(name, several[:1])[0], several[0])


@pytest.mark.parametrize("name", BALANCES)
def test_an_absent_task_changes_nothing(name: str) -> None:
    several = pulls()
    without, _ = direction(name, several[[0, 2]])
    absent, own = direction(name, several, torch.tensor([True, False, True]))
    torch.testing.assert_close(absent, without, rtol=1e-4, atol=1e-5)
    assert own[1] == 0
    assert torch.isfinite(direction(name, several, torch.tensor([False, False, False]))[0]).all()


@pytest.mark.parametrize("name", BALANCES)
def test_where_tasks_agree_it_is_the_mean(name: str) -> None:
    same = pulls()[:1].repeat(3, 1)
    shared, own = direction(name, same)
    torch.testing.assert_close(shared, same[0], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(own, torch.full((3,), 1 / 3))


@pytest.mark.parametrize("name", BALANCES)
def test_tasks_that_stand_alike_count_alike_and_their_order_cannot_matter(name: str) -> None:
    alike = torch.tensor([[1.0, 0.3], [0.3, 1.0]])
    shared, _ = direction(name, alike)
    torch.testing.assert_close(shared[0], shared[1], rtol=1e-2, atol=1e-3)
    if name != "pcgrad":  # which meets others in random order
        several = pulls()
        there, back = direction(name, several)[0], direction(name, several.flip(0))[0]
        torch.testing.assert_close(there, back, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("name", BALANCES)
def test_a_price_reaches_every_weight_once_whatever_the_balance(name: str) -> None:
    several = pulls()
    shared, own = direction(name, several, price=2.0)
    plain_shared, plain_own = direction(name, several)
    torch.testing.assert_close(shared - plain_shared, torch.full((6,), 2.0))
    torch.testing.assert_close(own - plain_own, torch.full((3,), 2.0))


@pytest.mark.parametrize("name", BY_GRADIENTS)
def test_weights_that_are_not_shared_learn_as_under_equal(name: str) -> None:
    torch.testing.assert_close(direction(name, pulls())[1], direction("equal", pulls())[1])


@pytest.mark.parametrize(("name", "seed"), itertools.product(("upgrad", "mgda", "nash_mtl"), range(4)))
def test_the_direction_harms_no_task(name: str, seed: int) -> None:
    several = pulls(seed) * torch.tensor([[1.0], [1.0], [0.05]])
    several[1] = 0.1 * several[1] - several[0]
    assert (several @ several.T).min() < 0
    shared, _ = direction(name, several)
    gains = torch.nn.functional.normalize(several, dim=1) @ torch.nn.functional.normalize(shared, dim=0)
    assert gains.min() > (-0.05 if name == "mgda" else -1e-3)  # Frank-Wolfe comes near its answer


@pytest.mark.parametrize("name", ["pcgrad", "cagrad"])
def test_the_direction_is_better_than_the_mean_for_the_task_worst_off(name: str) -> None:
    several = torch.tensor([[1.0, 0.2], [-0.6, 0.5]])
    worst = [(several @ direction(way, several)[0]).min() for way in (name, "equal")]
    assert worst[0] > worst[1]


def test_nash_and_impartial_answers_are_those_of_their_papers() -> None:
    apart = torch.tensor([[2.0, 0.0], [0.0, 0.5]])
    for name in ("nash_mtl", "imtl_g"):  # orthogonal gradients weigh as one over their lengths
        torch.testing.assert_close(direction(name, apart)[0], torch.tensor([0.4, 0.4]), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", BALANCES)
def test_where_a_loss_is_told_in_other_units_only_these_keep_their_direction(name: str) -> None:
    turned = [direction(name, pulls(), units=units)[0] for units in (1.0, torch.tensor([1.0, 30.0, 1.0]))]
    alike = torch.nn.functional.cosine_similarity(*turned, dim=0)
    assert (alike > 0.999) == (name in SCALE_FREE)


def test_where_there_is_no_bargain_the_weights_begun_with_stand_and_that_is_told() -> None:
    balance, _ = made("nash_mtl", pulls())
    against = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)  # what one gains the other loses
    torch.testing.assert_close(balance.weights(against), torch.full((2,), 0.5, dtype=torch.float64))
    with pytest.warns(RuntimeWarning, match="in 1 steps"):
        balance.closed()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        balance.weights(torch.eye(3, dtype=torch.float64))
        balance.closed()


@pytest.mark.parametrize("name", BY_GRADIENTS)
def test_a_task_that_does_not_pull_has_no_say_and_a_gradient_that_is_not_a_number_shows(name: str) -> None:
    idle = torch.cat([pulls(tasks=2), torch.zeros(1, 6)])
    torch.testing.assert_close(direction(name, idle)[0], direction(name, idle[:2])[0] * 2 / 3)
    assert direction(name, torch.cat([pulls(tasks=2), torch.full((1, 6), torch.nan)]))[0].isnan().any()


def test_uncertainty_and_adaptive_weights_begin_as_the_mean_and_absent_tasks_do_not_move_them() -> None:
    for name in BY_LOSSES:
        balance, toy = made(name, pulls())
        optimiser = torch.optim.AdamW([*balance.parameters(), *toy.parameters()], lr=1e-2, fused=True)
        for present in (ALL_PRESENT, torch.tensor([True, False, True])):
            before = {n: t.clone() for n, t in balance.state_dict().items()}
            optimiser.zero_grad()
            balance.backward(torch.where(present, toy.losses(), 0.0), present, None)
            if present.all():
                torch.testing.assert_close(toy.encoder.grad, toy.pulls.mean(0))
            optimiser.step()
            balance.stepped(lambda p=present, t=toy: (torch.where(p, t.losses(1.9), 0.0).detach(), p))
            moved = [
                (t.nan_to_num(-1) != before[n].nan_to_num(-1)).reshape(-1) for n, t in balance.state_dict().items()
            ]
            if name == "uw":
                assert torch.cat(moved).tolist() == present.tolist()
            else:
                assert torch.stack(moved).any(0).tolist() == present.tolist()


def test_famo_gives_weight_to_the_loss_that_falls_slowest() -> None:
    balance, toy = made("famo", pulls())
    for _ in range(3):
        balance.backward(toy.losses(), ALL_PRESENT, None)
        balance.stepped(lambda: (torch.tensor([1.0, 1.9, 1.0]), ALL_PRESENT))
    assert balance.logits.argmax() == 1


def test_dwa_gives_weight_to_the_loss_that_falls_slowest() -> None:
    balance, toy = made("dwa", torch.eye(3))
    for losses in ([2.0, 2.0, 2.0], [2.0, 1.0, 2.0]):
        present = torch.tensor([True, True, False])
        balance.backward(torch.tensor(losses, requires_grad=True) * present, present, None)
        balance.closed()
    balance.backward(toy.losses(), ALL_PRESENT, None)
    shares = torch.softmax(torch.tensor([1.0, 0.5, 1.0]) / 2, dim=0)  # the third has no epochs yet: its ratio is 1
    torch.testing.assert_close(toy.encoder.grad, shares)


@pytest.mark.parametrize("name", BY_LOSSES)
def test_losses_below_zero_are_refused_where_they_mean_nothing(name: str) -> None:
    balance, _ = made(name, pulls())
    with pytest.raises(RecipeError, match=r"found -0\.5: try 'equal'"):
        balance.backward(torch.tensor([1.0, -0.5, 1.0], requires_grad=True), ALL_PRESENT, None)
    with pytest.raises(RecipeError, match="laplace"):
        balance_named(name)(Recipe(TASKS, sharing="hard", balance=name, loss="laplace"), Toy(pulls()))


@pytest.fixture(scope="module")
def rows(salts: Lake) -> TrainingRows:
    """The second task has so few labels that it is absent from most batches."""
    rows = training_rows(salts, TASKS[:2])
    sparse = rows.targets.copy()
    sparse[np.flatnonzero(np.isfinite(sparse[:, 1]))[6:], 1] = np.nan
    return TrainingRows(rows.tasks, rows.frame, sparse)


@pytest.mark.parametrize("name", BALANCES)
def test_it_learns_and_a_run_that_was_stopped_is_the_run_that_was_not(
    name: str, rows: TrainingRows, salts: Lake, tmp_path: Path
) -> None:
    store = GraphStore(salts)
    recipe = Recipe(TASKS[:2], sharing="hard", balance=name, width=8, gnn_layers=1, batch_size=32, epochs=4)
    whole = fit(recipe, rows, store, tmp_path / "whole")
    losses = [epoch["loss_train"] for epoch in whole.history]
    assert losses[-1] < losses[0]
    torch.manual_seed(3)
    for batches in (4, 99):
        try:
            again = fit(recipe, rows, Stopping(store, batches), tmp_path / "stopped", every=0)
            break
        except Interrupted:
            pass
    assert (again.history, again.scores) == (whole.history, whole.scores)
    assert weights(again) == weights(whole)


class Even(ByGradients):
    """Weights of the mean, by gradients."""

    def weights(self, gramian: torch.Tensor) -> torch.Tensor:
        return torch.full((len(gramian),), 1 / len(gramian), dtype=gramian.dtype)


def test_gradients_task_by_task_add_up_to_those_of_the_mean(rows: TrainingRows, salts: Lake) -> None:
    store, told = GraphStore(salts), []
    recipe = Recipe(TASKS[:2], sharing="hard", width=8, gnn_layers=2)
    labelled = np.flatnonzero(np.isfinite(rows.targets[:, 1]))
    batch = Batch.of(store.batch(store.rows(rows.frame["structure_hash"])[labelled]))
    for balance in (balance_named("equal"), Even):
        net = network(recipe).train()
        losses, present, _ = net.losses(batch, torch.from_numpy(rows.targets[labelled]), "l1")
        balance(recipe, net).backward(losses, present, net.decoders["band_gap"].steps[1].weight.square().sum())
        told.append({name: weight.grad for name, weight in net.named_parameters()})
    assert present.all()
    torch.testing.assert_close(told[1], told[0])


def test_famos_second_look_leaves_no_trace(rows: TrainingRows, salts: Lake) -> None:
    recipe = Recipe(TASKS[:2], sharing="hard", balance="famo", width=8, gnn_layers=1, batch_size=16, epochs=4)
    store, told = GraphStore(salts), {}
    batch = Batch.of(store.batch(store.rows(rows.frame["structure_hash"])[:16]))
    for name in ("famo", "equal"):
        net = network(recipe).train()
        training = Training(replace(recipe, balance=name), net, len(rows.of("train")))
        torch.manual_seed(0)
        training.step(batch, torch.from_numpy(rows.targets[:16] - 5))
        told[name] = {n: b.clone() for n, b in net.named_buffers()}, torch.get_rng_state()
    assert torch.equal(told["famo"][1], told["equal"][1])
    assert all(torch.equal(b, told["equal"][0][n]) for n, b in told["famo"][0].items())
