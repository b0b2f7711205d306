"""Training: a run under way. It knows the network and where it stands, and nothing of graphs, rows or files.

All that decides how it goes on is in `state`: weights, optimiser, schedule, random numbers, the place within the epoch,
the best weights so far. A run that goes on from its state is the run that was never interrupted, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import nn

from models.batch import Batch, batches, shuffled
from models.losses import masked_loss
from models.network import precision
from models.optimisers import limited, optimiser_for, schedule_for
from models.recipe import Recipe
from models.state import State
from models.streams import generator

History = list[dict[str, float | int | None]]


class Training:
    """Walk `rows` training rows by the recipe; the weights are the network's.

    epochs: how many there are.  history: one entry per closed epoch (`Run.history`).
    """

    def __init__(self, recipe: Recipe, net: nn.Module, rows: int) -> None:
        self.recipe, self.net, self.rows = recipe, net, rows
        self.where = next(net.parameters()).device
        self.per_epoch = batches(rows, recipe.batch_size)
        self.epochs = recipe.epochs if recipe.steps is None else -(-recipe.steps // self.per_epoch)
        self.history: History = []
        self._optimiser = optimiser_for(net, recipe)
        self._schedule = schedule_for(self._optimiser, recipe, self.epochs, self.per_epoch)
        self._draws = generator(recipe.seed, "batches")
        self._order = self._draws.get_state()  # what the open epoch's order is drawn from
        self._done = 0  # batches of the open epoch
        self._total = self._nothing()  # loss of the open epoch, on the device: asking for it would wait for the step
        self._best: dict[str, torch.Tensor] = {}
        self._lowest, self._waited = float("inf"), 0

    @property
    def over(self) -> bool:
        """Whether the epochs are through, or patience is."""
        patience = self.recipe.patience
        return len(self.history) >= self.epochs or (patience is not None and self._waited >= patience)

    def left(self) -> Iterator[np.ndarray]:
        """The batches of the open epoch that are still to come: numbers of training rows."""
        self.net.train()
        self._draws.set_state(self._order)
        for number, picked in enumerate(shuffled(self.rows, self.recipe.batch_size, self._draws)):
            if number >= self._done:
                yield picked

    def step(self, batch: Batch, targets: torch.Tensor) -> None:
        """Learn from one batch and its standardised targets (B, T), NaN where missing."""
        with precision(self.where):
            told = self.net(batch)
        loss = masked_loss(told.float(), targets, self.recipe.loss)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        limited(self.net, self.recipe.largest_gradient)
        self._optimiser.step()
        self._schedule.step()
        self._total += loss.detach()
        self._done += 1

    def close(self, validation: float | None) -> None:
        """End the epoch; keep its weights where validation was never better. None: there are no validation rows."""
        self.history.append({
            "epoch": len(self.history) + 1,
            "learning_rate": self._schedule.get_last_lr()[0],
            "loss_train": self._total.item() / self.per_epoch,
            "loss_validation": validation,
        })  # fmt: skip
        self._order, self._done, self._total = self._draws.get_state(), 0, self._nothing()
        self._waited += 1
        if validation is not None and validation < self._lowest:
            self._lowest, self._waited = validation, 0
            self._best = {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}

    def finish(self) -> None:
        """Leave the best weights in the network; without validation rows, the last ones stay."""
        if self._best:
            self.net.load_state_dict(self._best)

    def state(self) -> State:
        """All that decides how the run goes on. Valid between steps; the tensors are not copies."""
        optimiser = self._optimiser.state_dict()
        tensors = {f"network/{name}": tensor for name, tensor in self.net.state_dict().items()}
        tensors |= {f"best/{name}": tensor for name, tensor in self._best.items()}
        tensors |= {f"optimiser/{at}/{n}": t for at, kept in optimiser["state"].items() for n, t in kept.items()}
        tensors |= {"random/torch": torch.get_rng_state(), "random/order": self._order, "total": self._total}
        if self.where.type == "cuda":
            tensors["random/cuda"] = torch.cuda.get_rng_state(self.where)
        numbers = {
            "groups": optimiser["param_groups"], "schedule": _plain(self._schedule.state_dict()), "done": self._done,
            "history": self.history, "lowest": self._lowest, "waited": self._waited,
        }  # fmt: skip
        return State(tensors, numbers)

    def restore(self, state: State) -> None:
        """Go on from there."""
        self.net.load_state_dict(state.part("network"))
        self._best = {name: tensor.to(self.where) for name, tensor in state.part("best").items()}
        kept: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in state.part("optimiser").items():
            at, what = name.split("/")
            kept.setdefault(int(at), {})[what] = tensor
        self._optimiser.load_state_dict({"state": kept, "param_groups": state.numbers["groups"]})
        self._schedule.load_state_dict(state.numbers["schedule"])
        torch.set_rng_state(state.tensors["random/torch"])
        if "random/cuda" in state.tensors and self.where.type == "cuda":
            torch.cuda.set_rng_state(state.tensors["random/cuda"], self.where)
        self._order, self._total = state.tensors["random/order"], state.tensors["total"].to(self.where)
        self._done, self.history = state.numbers["done"], state.numbers["history"]
        self._lowest, self._waited = state.numbers["lowest"], state.numbers["waited"]

    def _nothing(self) -> torch.Tensor:
        return torch.zeros((), dtype=torch.float64, device=self.where)


def _plain(schedule: dict[str, Any]) -> dict[str, Any]:
    """Where the schedule stands: numbers and lists of them. The rest of it follows from the recipe."""

    def told(value: object) -> bool:
        return isinstance(value, Number) or (isinstance(value, list) and all(map(told, value)))

    return {name: value for name, value in schedule.items() if told(value)}
