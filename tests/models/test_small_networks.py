"""Small networks in compiled code: the same network and the same training as torch's, and runs that can be compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lake.crystal import Crystal
from lake.graphs.gathered import GatheredGraphs
from models.batch import Batch
from models.losses import masked_loss
from models.recipe import Recipe
from models.sharing.hard import Hard
from models.sharing.scheme import key
from models.training import Training
from models.transfer_map.networks.small import Size, beginning, decoder_weights, encoder_weights, walked
from models.transfer_map.problem import Problem
from tests.models._made import PAIRS, rock_salt

NAMES = ("band_gap", "bulk_modulus")
SIZE = Size(width=8, steps=6, batch=12, depth=2, largest_gradient=0.3)


def problem_of(names: tuple[str, ...] = NAMES, scale: float = 1.0) -> Problem:
    """Rock salts and cells of five atoms at no particular places; a fifth of the labels is missing."""
    rng, crystals = np.random.default_rng(0), []
    for at, (cation, anion) in enumerate(PAIRS * 2):
        if at % 2:
            crystals.append(rock_salt(cation, anion, rng.uniform(4.2, 6.5)))
        else:
            crystals.append(Crystal(np.eye(3) * rng.uniform(4, 5), rng.random((5, 3)), [cation, 22, anion, anion, 8]))
    volume = np.array([c.volume / len(c) for c in crystals])
    columns = {NAMES[0]: volume, NAMES[1]: volume**0.5 + rng.normal(0, 0.2, len(volume)), "noise": rng.random(96)}
    columns = {
        name: np.where(np.random.default_rng(len(name)).random(96) < 0.2, np.nan, c) for name, c in columns.items()
    }
    groups = np.array([c.reduced_formula for c in crystals])
    part = {g: ("test", "validation", "train", "train", "train")[at % 5] for at, g in enumerate(np.unique(groups))}
    targets = np.stack([scale * columns[name] for name in names], axis=1)
    return Problem(names, targets, np.array([part[g] for g in groups]), GatheredGraphs(crystals), np.arange(96), groups)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return problem_of()


def lessons(problem: Problem, steps: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised labels, and rows drawn for each step and task, with some drawn for both."""
    labels = (problem.targets - np.nanmean(problem.targets, 0)) / np.nanstd(problem.targets, 0)
    rng, rows, bounds = np.random.default_rng(1), [], [0]
    for _ in range(steps):
        for task in problem.names:
            rows.append(rng.choice(problem.rows(task, "train"), size, replace=False))
            bounds.append(bounds[-1] + size)
    ends = np.array(bounds)
    return labels.astype(np.float32), np.concatenate(rows), np.stack([ends[0:-2:2], ends[1:-1:2], ends[2::2]], axis=1)


def taught(problem: Problem, labels: np.ndarray, rows: np.ndarray, bounds: np.ndarray) -> tuple[Batch, torch.Tensor]:
    """One step's batch for torch: each row once, with the labels of the tasks that drew it."""
    union = np.array(list(dict.fromkeys(rows[bounds[0] : bounds[-1]])))
    known = np.full((len(union), labels.shape[1]), np.nan, np.float32)
    for t in range(labels.shape[1]):
        drawn = np.isin(union, rows[bounds[t] : bounds[t + 1]])
        known[drawn, t] = labels[union[drawn], t]
    return Batch.of(problem.graphs.batch(problem.at[union])), torch.from_numpy(known)


def flat(net: Hard) -> np.ndarray:
    """Its weights as the kernels order them."""
    decoders = [decoder_weights(net.decoders[key(task)]) for task in NAMES]
    return np.concatenate([encoder_weights(net.encoder), *decoders])


def torch_run(size: Size) -> tuple[Hard, Training]:
    recipe = Recipe(
        NAMES, seed=3, sharing="hard", width=size.width, gnn_layers=size.layers, decoder_layers=size.depth,
        epochs=size.steps, learning_rate=size.learning_rate, loss=size.loss, largest_gradient=size.largest_gradient,
    )  # fmt: skip
    net = Hard(recipe).train()
    for layer in net.encoder.layers:
        layer.mix.bias.requires_grad_(False)  # the norm takes it out again: its gradient is rounding
    return net, Training(recipe, net, 1)


@pytest.mark.parametrize(
    "size", [Size(width=4, steps=1, batch=12), Size(width=16, steps=1, batch=9, loss="huber", depth=2)]
)
def test_loss_and_every_gradient_are_those_of_torch(problem: Problem, size: Size) -> None:
    labels, rows, bounds = lessons(problem, 1, size.batch)
    net, _ = torch_run(size)
    weights, running = beginning(NAMES, 3, size)
    assert np.array_equal(weights, flat(net))
    batch, targets = taught(problem, labels, rows, bounds[0])
    loss = masked_loss(net(batch), targets, size.loss)
    loss.backward()
    _, losses, gradient = walked(problem, labels, rows, bounds, size, weights, running, np.array([0]))
    for weight in net.parameters():
        weight.data = torch.zeros_like(weight) if weight.grad is None else weight.grad
    assert losses[0] == pytest.approx(loss.item(), rel=1e-5)
    wanted = flat(net)
    print(
        np.abs(gradient - wanted).max(),
        np.abs(wanted).max(),
        np.linalg.norm(gradient - wanted) / np.linalg.norm(wanted),
    )
    assert np.linalg.norm(gradient - wanted) < 1e-4 * np.linalg.norm(wanted)
    assert np.abs(gradient - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_weights_and_answers_stay_those_of_torch_over_steps(problem: Problem) -> None:
    labels, rows, bounds = lessons(problem, SIZE.steps, SIZE.batch)
    net, training = torch_run(SIZE)
    weights, running = beginning(NAMES, 3, SIZE)
    for part in bounds:
        training.step(*taught(problem, labels, rows, part))
    asked = np.arange(len(problem))
    told, _, _ = walked(problem, labels, rows, bounds, SIZE, weights, running, asked)
    wanted = flat(net)
    print(np.abs(weights - wanted).max(), np.abs(wanted - beginning(NAMES, 3, SIZE)[0]).max())
    assert np.abs(weights - wanted).max() < 1e-3 * np.abs(wanted).max()
    with torch.no_grad():
        answers = net.eval()(Batch.of(problem.graphs.batch(problem.at)))[..., 0].numpy()
    print(np.abs(told - answers).max())
    assert np.abs(told - answers).max() < 1e-3 * np.abs(answers).max()
