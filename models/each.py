"""Each: one network per task, each with the weights that were best for it on validation, told side by side.

What a run under the criterion `each` leaves. It takes as many passes as there are tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from models.batch import Batch
from models.recipe import Recipe
from models.sharing import sharing_named
from models.sharing.scheme import key
from models.sharing.structure import Structure


class Each(nn.Module):
    """Batch -> (B, T, told). heard: the vectors are those of the first task's network."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({key(task): sharing_named(recipe.sharing)(recipe) for task in recipe.tasks})

    def heard(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What each task's network tells of it, and the first one's vectors."""
        heard = [network.heard(batch) for network in self.networks.values()]
        return torch.stack([told[:, task] for task, (told, _) in enumerate(heard)], dim=1), heard[0][1]

    def forward(self, batch: Batch) -> torch.Tensor:
        """Per task the standardised value, and what else the loss asks for."""
        return self.heard(batch)[0]

    def structures(self) -> list[Structure]:
        """What was learnt about the tasks: of each its own network's row."""
        alike = zip(*(network.structures() for network in self.networks.values()), strict=True)
        return [replace(told[0], values=np.stack([of.values[task] for task, of in enumerate(told)])) for told in alike]

    def fill(self, states: Mapping[str, Mapping[str, torch.Tensor]]) -> Each:
        """Load each task's weights, by its name."""
        for task, state in states.items():
            self.networks[key(task)].load_state_dict(state)
        return self
