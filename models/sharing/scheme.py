"""Scheme: what training and prediction ask of every way of sharing, and the plain answers to it.

A scheme says what it must: `heard`. The rest it answers otherwise only where its method does: how losses come about,
which weights learn from which rows, what changes in the course of a run, what it takes from earlier runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from models.batch import Batch
from models.heads import Decoder
from models.losses import task_losses
from models.recipe import Recipe, RecipeError
from models.sharing.structure import Structure
from models.streams import stream

Options = TypeVar("Options")
ALL = "all"  # the turn in which everything learns


@dataclass(frozen=True, eq=False)
class Group:
    """Weights that learn alike.

    rate: times the recipe's learning rate.  weight_decay: the recipe's where None.
    turn: the one in which they learn, None for every one.
    """

    parameters: list[nn.Parameter]
    rate: float = 1.0
    weight_decay: float | None = None
    turn: str | None = None


@dataclass(frozen=True, eq=False)
class Start:
    """What an earlier run gives: its recipe and its weights by name."""

    recipe: Recipe
    weights: Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class NoOptions:
    """Of a scheme that asks nothing."""


class Scheme(nn.Module):
    """Batch -> (B, T, told): per task of the recipe the standardised value, and what else the loss asks for.

    All that is random draws from `stream(recipe.seed, name)`, names being tasks or parts, so that neither other tasks
    nor their order matter. Atoms count by `times`, edges by `weight`: graphs may be folded.
    OPTIONS: the scheme's own ones, a frozen dataclass whose fields all have defaults.
    """

    OPTIONS: type = NoOptions

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe, self.options = recipe, options(recipe, self.OPTIONS)

    def heard(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, told), and (B, V) vectors of the crystals, by which far is told from near."""
        raise NotImplementedError

    def forward(self, batch: Batch) -> torch.Tensor:
        """Per task the standardised value, and what else the loss asks for."""
        return self.heard(batch)[0]

    def losses(
        self, batch: Batch, targets: torch.Tensor, loss: str
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """(T,) losses, (T,) whether the task is present, and what is added whatever the balance, or None."""
        return *task_losses(self(batch).float(), targets, loss), None

    def shared(self) -> list[nn.Parameter]:
        """The weights over which tasks may conflict, for balances that look at gradients: the encoder's,
        save where it stays as it came.
        """
        return [weight for weight in self.encoder.parameters() if weight.requires_grad]

    def groups(self) -> list[Group]:
        """All weights, each in one group; what came from earlier runs learns at the recipe's `start_rate`."""
        if not self.recipe.starts or self.recipe.start_rate == 1.0:
            return [Group(list(self.parameters()))]
        came = {id(weight) for weight in self.carried()}
        new = [weight for weight in self.parameters() if id(weight) not in came]
        kept = Group(self.carried(), self.recipe.start_rate)
        return [Group(new), kept] if self.recipe.start_rate else [Group(new)]

    def turns(self, rows: int) -> list[tuple[str, np.ndarray]]:
        """What an epoch is made of: turns with the training rows that are walked in them."""
        return [(ALL, np.arange(rows))]

    def at(self, progress: float) -> None:
        """Told before each step how much of the run is done, from 0 to 1."""

    @property
    def settled(self) -> bool:
        """Whether its weights may be kept as the run's best: not before the scheme is what it will be at the end."""
        return True

    def begin(self, starts: Sequence[Start]) -> None:
        """Take what earlier runs give, before the first step: here the encoder of one run of the same encoder."""
        if len(starts) != 1:
            raise RecipeError(f"sharing {self.recipe.sharing!r} begins with one run, found {len(starts)}")
        take(self.encoder, starts[0], self.recipe)
        if not self.recipe.start_rate:  # else gradients that no step clears would add up, and shorten those that count
            self.encoder.requires_grad_(False)

    def meets(self, graphs: object, at: np.ndarray) -> None:
        """Told before the first step the store and the rows that training walks: what stays may be computed once."""

    def carried(self) -> list[nn.Parameter]:
        """The weights that come from earlier runs, where there are any."""
        return list(self.encoder.parameters()) if self.recipe.starts else []

    def structures(self) -> list[Structure]:
        """What it learnt about its tasks, as matrices to look at."""
        return []

    def train(self, mode: bool = True) -> Scheme:
        """Training mode, save for what is carried over unchanged: its running statistics stand as its weights do."""
        super().train(mode)
        if mode and self.recipe.starts and not self.recipe.start_rate:
            self.encoder.eval()
        return self


def take(encoder: nn.Module, start: Start, recipe: Recipe) -> None:
    """Give an encoder the weights of an earlier run's; RecipeError where the two are not alike."""
    for field in ("encoder", "width", "gnn_layers"):
        mine, found = getattr(recipe, field), getattr(start.recipe, field)
        if mine != found:
            raise RecipeError(f"{field} must be that of the run begun with, {found!r}, found {mine!r}")
    prefix = "encoder."
    weights = {name.removeprefix(prefix): w for name, w in start.weights.items() if name.startswith(prefix)}
    try:
        encoder.load_state_dict(weights)
    except RuntimeError as error:
        raise RecipeError(f"run {start.recipe.slug} has no such encoder to begin with: {error}") from error


def options(recipe: Recipe, kind: type[Options]) -> Options:
    """The scheme's own options, a dataclass with defaults; RecipeError lists the names and types there are."""
    known = {field.name: field.type for field in fields(kind)}
    unknown = sorted({name for name, _ in recipe.options} - set(known))
    if unknown:
        there = ", ".join(known) or "none"
        raise RecipeError(f"sharing {recipe.sharing!r} has the options {there}; found {', '.join(unknown)}")
    return kind(**dict(recipe.options))


def decoders_of(recipe: Recipe, width: int | None = None) -> nn.ModuleDict:
    """A decoder for each task of the recipe, each from its own random stream. width: of what is decoded."""
    own = {task: (layers, hidden) for task, layers, hidden in recipe.decoders}
    made = nn.ModuleDict()
    for task in recipe.tasks:
        layers, hidden = own.get(task, (recipe.decoder_layers, recipe.width))
        with stream(recipe.seed, task):
            made[key(task)] = Decoder(width or recipe.width, layers, recipe.told, hidden)
    return made


def key(task: str) -> str:
    """A task's name as torch can keep it: the dot is its own."""
    return task.replace(".", ":")
