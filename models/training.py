"""Training: a run under way. It knows the network and where it stands, and nothing of graphs, rows or files.

All that decides how it goes on is in `state`: weights, optimiser, schedule, random numbers, the place within the epoch,
the best weights so far. A run that goes on from its state is the run that was never interrupted, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import nn

from models.balance import balance_named
from models.batch import Batch, batches, drawn, shuffled
from models.network import precision, trained
from models.optimisers import limited, optimiser_for, schedule_for
from models.recipe import Recipe
from models.sharing.scheme import ALL, Group
from models.state import State
from models.streams import generator

History = list[dict[str, float | int | None]]


class Training:
    """Walk `rows` training rows by the recipe; the weights are the network's.

    shares: (rows,) how often each is drawn, None for once per epoch.
    epochs: how many there are.  history: one entry per closed epoch (`Run.history`).
    """

    def __init__(self, recipe: Recipe, net: nn.Module, rows: int, shares: np.ndarray | None = None) -> None:
        self.recipe, self.net, self.rows, self.shares = recipe, net, rows, shares
        self.where = next(net.parameters()).device
        self.turns = net.turns(rows)
        self.per_epoch = sum(batches(len(part), recipe.batch_size) for _, part in self.turns)
        self.epochs = recipe.epochs if recipe.steps is None else -(-recipe.steps // self.per_epoch)
        self.history: History = []
        self._balance = balance_named(recipe.balance)(recipe, net).to(self.where)
        balancing = list(self._balance.parameters())
        self._groups = [*net.groups(), *([Group(balancing, weight_decay=0.0)] if balancing else [])]
        self._optimiser = optimiser_for(self._groups, recipe)
        self._schedule = schedule_for(self._optimiser, recipe, self.epochs, self.per_epoch)
        self._draws = generator(recipe.seed, "batches")
        self._order = self._draws.get_state()  # what the open epoch's order is drawn from
        self._done = 0  # batches of the open epoch
        self._total = self._nothing()  # loss of the open epoch, on the device: asking for it would wait for the step
        names = recipe.tasks if recipe.criterion == "each" else (ALL,)
        self._best: dict[str, dict[str, torch.Tensor]] = {name: {} for name in names}
        self._lowest = dict.fromkeys(names, float("inf"))
        self._waited = 0

    @property
    def over(self) -> bool:
        """Whether the epochs are through, or patience is."""
        patience = self.recipe.patience
        return len(self.history) >= self.epochs or (patience is not None and self._waited >= patience)

    def left(self) -> Iterator[tuple[str, np.ndarray]]:
        """The batches of the open epoch that are still to come: the turn, and numbers of training rows."""
        self.net.train()
        self._draws.set_state(self._order)
        for number, (turn, picked) in enumerate(self._walk()):
            if number >= self._done:
                yield turn, picked

    def step(self, batch: Batch, targets: torch.Tensor, turn: str = ALL) -> None:
        """Learn from one batch and its standardised targets (B, T), NaN where missing."""
        self.net.at((len(self.history) * self.per_epoch + self._done) / (self.epochs * self.per_epoch))
        self._optimiser.zero_grad(set_to_none=True)
        self._total += self._balance.backward(*self._losses(batch, targets))
        for group in self._groups:
            if group.turn not in (None, turn):
                for weight in group.parameters:
                    weight.grad = None
        limited(self.net, self.recipe.largest_gradient)
        self._optimiser.step()
        self._schedule.step()
        self._balance.stepped(lambda: self._losses(batch, targets)[:2])
        self._done += 1

    def close(self, validation: float | None, each: Mapping[str, float] | None = None) -> None:
        """End the epoch; keep its weights where validation was never better. None: there are no validation rows.

        each: the loss of every task that has validation rows, where each keeps its own best.
        """
        self.history.append({
            "epoch": len(self.history) + 1,
            "learning_rate": self._schedule.get_last_lr()[0],
            "loss_train": self._total.item() / self.per_epoch,
            "loss_validation": validation,
        })  # fmt: skip
        self._order, self._done, self._total = self._draws.get_state(), 0, self._nothing()
        self._waited += self.net.settled
        losses = {"joint": {ALL: validation}, "each": each or {}, "last": {}}[self.recipe.criterion]
        found = {name: loss for name, loss in losses.items() if loss is not None and self.net.settled}
        better = [name for name, loss in found.items() if loss < self._lowest[name]]
        for name in better:  # copies for each: a file does not take tensors that share memory
            self._waited, self._lowest[name] = 0, losses[name]
            self._best[name] = {of: tensor.detach().clone() for of, tensor in self.net.state_dict().items()}
        self._balance.closed()

    def finish(self) -> nn.Module:
        """The network with its best weights, or each task's with its own; the last ones where validation chose none."""
        self.net.at(1.0)
        last = self.net.state_dict()
        best = {name: state or last for name, state in self._best.items()}
        if self.recipe.criterion == "each":
            return trained(self.recipe).to(self.where).fill(best)
        self.net.load_state_dict(best[ALL])
        return self.net

    def state(self) -> State:
        """All that decides how the run goes on. Valid between steps; the tensors are not copies."""
        optimiser = self._optimiser.state_dict()
        tensors = {f"network/{name}": tensor for name, tensor in self.net.state_dict().items()}
        tensors |= {f"best/{of}/{name}": t for of, best in self._best.items() for name, t in best.items()}
        tensors |= {f"balance/{name}": tensor for name, tensor in self._balance.state_dict().items()}
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
        self._best = {
            of: {name: tensor.to(self.where) for name, tensor in state.part(f"best/{of}").items()} for of in self._best
        }
        self._balance.load_state_dict(state.part("balance"))
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

    def _losses(self, batch: Batch, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        with precision(self.where):
            return self.net.losses(batch, targets, self.recipe.loss)

    def _walk(self) -> Iterator[tuple[str, np.ndarray]]:
        """One epoch, turn by turn."""
        size = self.recipe.batch_size
        for turn, part in self.turns:
            if self.shares is None:
                picks = shuffled(len(part), size, self._draws)
            else:
                picks = drawn(len(part), size, self._draws, self.shares[part])
            yield from ((turn, part[picked]) for picked in picks)

    def _nothing(self) -> torch.Tensor:
        return torch.zeros((), dtype=torch.float64, device=self.where)


def _plain(schedule: dict[str, Any]) -> dict[str, Any]:
    """Where the schedule stands: numbers and lists of them. The rest of it follows from the recipe."""

    def told(value: object) -> bool:
        return isinstance(value, Number) or (isinstance(value, list) and all(map(told, value)))

    return {name: value for name, value in schedule.items() if told(value)}
