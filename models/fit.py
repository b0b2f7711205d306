"""fit: one recipe, one set of rows, one trained network. The only training loop of the house."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lake.graphs.gathered import GatheredGraphs
from lake.graphs.shards import GraphStore
from lake.progress import track
from models.batch import Batch, batches, shuffled
from models.checkpoint import save
from models.dataset import TrainingRows
from models.far import reference
from models.losses import LOSSES, masked_loss
from models.metrics import mean_absolute_errors, mean_predictor_errors
from models.network import device, network, outputs
from models.recipe import Recipe, RecipeError
from models.run import Run
from models.scale import TRANSFORMS, Scaler
from models.streams import generator, stream

Store = GraphStore | GatheredGraphs
OPTIMISERS = {"adamw": torch.optim.AdamW}
LARGEST_GRADIENT = 1.0  # norm; a rare step further than this would only undo what was learnt


def fit(
    recipe: Recipe,
    rows: TrainingRows,
    graphs: Store,
    folder: Path,
    licences: tuple[str, ...] = (),
    snapshot: str = "",
) -> Run:
    """Train on the rows' training split, keep the state that was best on validation, score it on test.

    licences, snapshot: of the rows, for the books. One process, one thread; the same seed gives the same run on a CPU
    (on CUDA sums may be taken in another order). Raises TaskError or RecipeError before training where a task cannot be
    learnt or a name is not known.
    """
    began = time.perf_counter()
    _checked(recipe, rows)
    scaler = Scaler.fit(rows.tasks, rows.targets[rows.of("train")], recipe.transform)
    with _one_thread(), stream(recipe.seed, "training"):
        net = network(recipe).to(device())
        at = graphs.rows(rows.frame["structure_hash"])
        history = _train(recipe, net, graphs, at, rows, scaler.forward(rows.targets))
        scores = _scores(net, graphs, at, rows, scaler)
        seconds = time.perf_counter() - began
        checkpoint = Path(folder) / f"{recipe.slug}.safetensors"
        run = Run(recipe, scores, history, checkpoint, seconds, rows.digest, licences, snapshot)
        elements = np.unique(graphs.batch(at[rows.of("train")]).numbers)
        near = reference(net, graphs, at[rows.of("train")], at[rows.of("validation")])
        save(run, net, scaler, graphs.version, tuple(int(z) for z in elements), near)
    return run


def _checked(recipe: Recipe, rows: TrainingRows) -> None:
    if rows.tasks != recipe.tasks:
        raise RecipeError(f"rows of tasks {rows.tasks} cannot train a recipe of tasks {recipe.tasks}")
    for field, known in (("optimiser", OPTIMISERS), ("loss", LOSSES), ("transform", TRANSFORMS)):
        if getattr(recipe, field) not in known:
            raise RecipeError(f"{field} must be one of {', '.join(known)}, found {getattr(recipe, field)!r}")
    rows.checked()


def _train(
    recipe: Recipe, net: nn.Module, graphs: Store, at: np.ndarray, rows: TrainingRows, targets: np.ndarray
) -> list[dict[str, float | int | None]]:
    """Walk the epochs; leaves the best state in the network and returns the curves."""
    train, validation = rows.of("train"), rows.of("validation")
    per_epoch = batches(len(train), recipe.batch_size)
    epochs = recipe.epochs if recipe.steps is None else -(-recipe.steps // per_epoch)
    optimiser = OPTIMISERS[recipe.optimiser](
        net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=epochs * per_epoch + 1)
    draws, history, best = generator(recipe.seed, "batches"), [], _Best(net)
    for epoch in track(range(1, epochs + 1), recipe.slug):
        net.train()
        total = 0.0
        for picked in shuffled(len(train), recipe.batch_size, draws):
            part = train[picked]
            total += _step(net, graphs, at[part], targets[part], optimiser, recipe.loss)
            schedule.step()
        loss = _loss(net, graphs, at[validation], targets[validation], recipe.loss)
        best.consider(loss)
        rate = schedule.get_last_lr()[0]
        history.append(
            {"epoch": epoch, "learning_rate": rate, "loss_train": total / per_epoch, "loss_validation": loss}
        )
    best.restore()
    return history


def _step(
    net: nn.Module, graphs: Store, at: np.ndarray, targets: np.ndarray, optimiser: torch.optim.Optimizer, loss: str
) -> float:
    where = next(net.parameters()).device
    value = masked_loss(net(Batch.of(graphs.batch(at), where)), torch.from_numpy(targets).to(where), loss)
    optimiser.zero_grad(set_to_none=True)
    value.backward()
    nn.utils.clip_grad_norm_(net.parameters(), LARGEST_GRADIENT)
    optimiser.step()
    return float(value.detach())


def _loss(net: nn.Module, graphs: Store, at: np.ndarray, targets: np.ndarray, loss: str) -> float | None:
    if not len(at):
        return None
    found = torch.from_numpy(outputs(net, graphs, at))
    return float(masked_loss(found, torch.from_numpy(targets), loss))


def _scores(
    net: nn.Module, graphs: Store, at: np.ndarray, rows: TrainingRows, scaler: Scaler
) -> dict[str, dict[str, float | int | None]]:
    errors = {}
    for split in ("validation", "test"):
        part = rows.of(split)
        predicted = scaler.inverse(outputs(net, graphs, at[part])[..., 0].reshape(len(part), len(rows.tasks)))
        errors[split] = mean_absolute_errors(predicted, rows.targets[part])
    floor = mean_predictor_errors(rows.targets[rows.of("train")], rows.targets[rows.of("test")])
    columns = {f"n_{split}": rows.labels(split).tolist() for split in ("train", "validation", "test")}
    columns |= {"mae_validation": errors["validation"], "mae_test": errors["test"], "mae_mean_predictor": floor}
    return {task: {name: column[t] for name, column in columns.items()} for t, task in enumerate(rows.tasks)}


class _Best:
    """The network's state at its lowest validation loss; without validation rows, the last one stays."""

    def __init__(self, net: nn.Module) -> None:
        self.net, self.loss, self.state = net, float("inf"), None

    def consider(self, loss: float | None) -> None:
        if loss is not None and loss < self.loss:
            self.loss, self.state = loss, {k: v.detach().clone() for k, v in self.net.state_dict().items()}

    def restore(self) -> None:
        if self.state is not None:
            self.net.load_state_dict(self.state)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Inside, torch uses one thread: runs share a machine one per core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
