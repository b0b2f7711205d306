"""Optimisers and schedules by name: how the weights step, and how fast in the course of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, OneCycleLR

from models.recipe import Recipe
from models.sharing.scheme import Group

MOMENTUM = 0.9  # of sgd
MILESTONES, DROP = (100,), 0.1  # of `steps`: after these epochs the rate falls to a tenth (CGCNN's own schedule)


def _adamw(groups: list[dict], recipe: Recipe) -> Optimizer:
    # one pass over all weights; on one CPU thread it takes a fraction of the loop over tensors
    return AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)


def _sgd(groups: list[dict], recipe: Recipe) -> Optimizer:
    rate, decay = recipe.learning_rate, recipe.weight_decay
    return SGD(groups, lr=rate, momentum=MOMENTUM, weight_decay=decay, fused=True)


def _onecycle(optimiser: Optimizer, recipe: Recipe, epochs: int, per_epoch: int) -> LRScheduler:
    highest = [group["lr"] for group in optimiser.param_groups]
    return OneCycleLR(optimiser, highest, total_steps=epochs * per_epoch + 1)


def _steps(optimiser: Optimizer, recipe: Recipe, epochs: int, per_epoch: int) -> LRScheduler:
    return MultiStepLR(optimiser, [epoch * per_epoch for epoch in MILESTONES], DROP)


# adamw: Loshchilov and Hutter, arXiv 1711.05101. sgd: with momentum.
OPTIMISERS: dict[str, Callable[[list[dict], Recipe], Optimizer]] = {"adamw": _adamw, "sgd": _sgd}

# onecycle: up to the recipe's rate and down to nothing (Smith and Topin, arXiv 1708.07120). steps: the recipe's rate,
# a tenth of it after each milestone. Both are asked once per gradient step.
SCHEDULES: dict[str, Callable[[Optimizer, Recipe, int, int], LRScheduler]] = {"onecycle": _onecycle, "steps": _steps}


def optimiser_for(groups: Sequence[Group], recipe: Recipe) -> Optimizer:
    """The recipe's optimiser on these groups of weights."""
    told = []
    for group in groups:
        decay = recipe.weight_decay if group.weight_decay is None else group.weight_decay
        rate = recipe.learning_rate * group.rate
        told.append({"params": group.parameters, "lr": rate, "weight_decay": decay})
    return OPTIMISERS[recipe.optimiser](told, recipe)


def schedule_for(optimiser: Optimizer, recipe: Recipe, epochs: int, per_epoch: int) -> LRScheduler:
    """The recipe's schedule over so many epochs of so many steps."""
    return SCHEDULES[recipe.schedule](optimiser, recipe, epochs, per_epoch)


def limited(net: nn.Module, largest: float | None) -> None:
    """Shorten the gradient to this norm where it is longer: a rare step further would only undo what was learnt."""
    if largest is not None:
        torch.nn.utils.clip_grad_norm_(net.parameters(), largest)
