"""Ground: what the runs of one search stand on. Its space, its rows, their licences, the version of the graphs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lake.graphs.build import VERSION
from lake.snapshots import at
from lake.store import Lake
from models.dataset import TaskError, TrainingRows, training_rows
from models.grid.sizes import BUDGETS
from models.licences import learnt_from
from models.search.space import Space


@dataclass(frozen=True)
class Ground:
    """One space in one lake; small, so that processes can be told it.

    root: the lake's folder.  snapshot: the one whose tables are learnt from, empty for the lake as it is.
    """

    root: Path
    space: Space
    snapshot: str = ""

    @property
    def lake(self) -> Lake:
        """The lake as it was in the snapshot."""
        return at(Lake(self.root), self.snapshot) if self.snapshot else Lake(self.root)

    @cached_property
    def rows(self) -> TrainingRows:
        """Those of every run, the grid's own for one property; raises TaskError where they cannot teach or choose."""
        rows = training_rows(self.lake, self.space.tasks, BUDGETS[self.space.budget]["limit"]).checked()
        for task, n in zip(rows.tasks, rows.labels("validation"), strict=True):
            if not n:
                raise TaskError(f"sizes of {task} are chosen by validation, found no labelled validation row")
        return rows

    @cached_property
    def licences(self) -> tuple[str, ...]:
        """Those of all rows."""
        return learnt_from(self.lake, self.rows)

    @property
    def graphs(self) -> str:
        """The version of the graphs."""
        return VERSION

    def bare(self) -> Ground:
        """The same without its rows: what a process is sent."""
        return Ground(self.root, self.space, self.snapshot)
