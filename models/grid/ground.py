"""Ground: what the runs of one property stand on. Its rows, their licences, the snapshot, the version of the graphs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lake.graphs.build import VERSION
from lake.snapshots import at
from lake.store import Lake
from models.dataset import TaskError, TrainingRows, training_rows
from models.grid.sizes import BUDGETS, Size
from models.grid.sizes import recipe as recipe_of
from models.licences import learnt_from
from models.recipe import Recipe
from models.task import task_named


@dataclass(frozen=True)
class Ground:
    """One property of one lake under one budget; small, so that processes can be told it.

    root: the lake's folder.  snapshot: the one whose tables are learnt from, empty for the lake as it is.
    """

    root: Path
    name: str
    budget: str = "real"
    snapshot: str = ""

    @property
    def lake(self) -> Lake:
        """The lake as it was in the snapshot."""
        return at(Lake(self.root), self.snapshot) if self.snapshot else Lake(self.root)

    @cached_property
    def rows(self) -> TrainingRows:
        """The rows of every run; raises TaskError where this lake cannot teach the property or choose a size."""
        rows = training_rows(self.lake, (self.name,), BUDGETS[self.budget]["limit"]).checked()
        if not rows.labels("validation")[0]:
            raise TaskError(f"sizes of {self.name} are chosen by validation, found no labelled validation row")
        return rows

    @cached_property
    def licences(self) -> tuple[str, ...]:
        """Those of all rows."""
        return learnt_from(self.lake, self.rows)

    @property
    def graphs(self) -> str:
        """The version of the graphs."""
        return VERSION

    @property
    def unit(self) -> str:
        """Of the errors."""
        return task_named(self.name).unit

    def recipe(self, size: Size, seed: int = 0) -> Recipe:
        """The run of this size and seed."""
        return recipe_of(self.name, size, seed, self.budget)

    def bare(self) -> Ground:
        """The same without its rows: what a process is sent."""
        return Ground(self.root, self.name, self.budget, self.snapshot)
