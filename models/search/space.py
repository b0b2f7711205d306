"""Space: what a search may choose of the network for one property or for a group learnt together, and the recipes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import log2, prod

import numpy as np

from models.grid.full import FIRST
from models.grid.sizes import BUDGETS, DECODER_LAYERS, GNN_LAYERS, LOSSES, WIDTHS, Size
from models.grid.sizes import recipe as recipe_of
from models.recipe import Recipe

Point = tuple[int, ...]  # a value for each axis, in their order
MOST = 10_000  # points of a space that may be listed


class SearchError(ValueError):
    """A search that cannot be; the message says the rule and what was found."""


@dataclass(frozen=True)
class Space:
    """The choices of a search.

    tasks: learnt by one network.  axes: names and choices.  budget: a name in BUDGETS, the fields of all recipes.
    Axes are fields of Recipe, `decoder_width` where the decoder may have its own, and in a group `layers of <task>` and
    `width of <task>` for the decoder of each.
    """

    tasks: tuple[str, ...]
    axes: tuple[tuple[str, tuple[int, ...]], ...]
    budget: str = "real"

    @property
    def name(self) -> str:
        """Of the property, or all names of the group."""
        return "+".join(self.tasks)

    @property
    def whole(self) -> int:
        """Epochs of a whole run."""
        return BUDGETS[self.budget]["epochs"]

    def __len__(self) -> int:
        return prod(len(choices) for _, choices in self.axes)

    def points(self) -> list[Point]:
        """All of them, in one order."""
        if len(self) > MOST:
            raise SearchError(f"a space that is listed has {MOST} points or fewer, found {len(self)}: try 'tpe'")
        return list(product(*(choices for _, choices in self.axes)))

    def places(self, points: Sequence[Point]) -> np.ndarray:
        """(n, axes): where points lie, from 0 to 1 on the logarithm of each axis: 1 to 2 is as far as 4 to 8."""
        columns = []
        for at, (_, choices) in enumerate(self.axes):
            low, high = log2(min(choices)), log2(max(choices))
            columns.append([(log2(point[at]) - low) / (high - low or 1) for point in points])
        return np.array(columns).T.reshape(len(points), len(self.axes))

    def recipe(self, point: Point, epochs: int | None = None, seed: int = FIRST) -> Recipe:
        """The run of this point on its own schedule of so many epochs; a whole run of the grid is the grid's recipe."""
        found = self._single(point, seed) if len(self.tasks) == 1 else self._joint(point, seed)
        return replace(found, epochs=epochs or self.whole)

    def _single(self, point: Point, seed: int) -> Recipe:
        told = dict(zip((name for name, _ in self.axes), point, strict=True))
        width = told.pop("decoder_width", told["width"])
        size = Size(told["gnn_layers"], told["decoder_layers"], told["width"])
        own = () if width == size.width else ((*self.tasks, size.decoder_layers, width),)
        return replace(recipe_of(*self.tasks, size, seed, self.budget), decoders=own)

    def _joint(self, point: Point, seed: int) -> Recipe:
        """Batches are twice as large, as in every joint study; one loss for all: Huber's where one task needs it."""
        told, fields = dict(zip((name for name, _ in self.axes), point, strict=True)), dict(BUDGETS[self.budget])
        fields["batch_size"] *= 2
        fields["loss"] = next((LOSSES[task] for task in self.tasks if task in LOSSES), fields["loss"])
        width = told["width"]
        own = [(task, told[f"layers of {task}"], told[f"width of {task}"]) for task in self.tasks]
        own = tuple(each for each in own if each[1:] != (1, width))
        return Recipe(
            self.tasks, seed=seed, sharing="hard", gnn_layers=told["gnn_layers"], width=width, decoders=own, **fields
        )


def grid_space(name: str, budget: str = "real") -> Space:
    """The grid's own 40 sizes of one property."""
    axes = (("gnn_layers", GNN_LAYERS), ("decoder_layers", DECODER_LAYERS), ("width", WIDTHS))
    return Space((name,), axes, budget)


def wide_space(name: str, budget: str = "real") -> Space:
    """Beyond the grid: the decoder's width is chosen apart from the encoder's, 80 sizes."""
    return Space((name,), (*grid_space(name).axes, ("decoder_width", WIDTHS)), budget)


def group_space(names: Sequence[str], budget: str = "real") -> Space:
    """One encoder for all, of some depth and width, and a decoder of its own depth and width for each."""
    if len(set(names)) < 2:
        raise SearchError(f"a group is two properties or more, found {', '.join(names) or 'none'}")
    tasks = Recipe(tuple(names), sharing="hard").tasks  # in the order of recipes
    own = [(f"{what} of {task}", of) for task in tasks for what, of in (("layers", DECODER_LAYERS), ("width", WIDTHS))]
    return Space(tasks, (("gnn_layers", GNN_LAYERS), ("width", WIDTHS), *own), budget)
