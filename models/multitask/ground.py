"""Ground: the rows that all methods learn from, of one lake under one budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lake.graphs.build import VERSION
from lake.snapshots import at
from lake.store import Lake
from models.dataset import TaskError, TrainingRows, limited, training_rows, unlearnable
from models.licences import learnt_from
from models.multitask.plan import BUDGETS, LOW, TASKS, Budget
from models.task import in_order

FOLDER = "multitask"  # below models/, apart from the checkpoints that predict


@dataclass(frozen=True)
class Ground:
    """root: the lake's folder.  budget: a name in BUDGETS.  snapshot: the one learnt from, empty for the lake as it is.

    Small, so that processes can be told it.
    """

    root: Path
    budget: str = "real"
    snapshot: str = ""

    @property
    def lake(self) -> Lake:
        """The lake as it was in the snapshot."""
        return at(Lake(self.root), self.snapshot) if self.snapshot else Lake(self.root)

    @property
    def spent(self) -> Budget:
        """What runs may spend."""
        return BUDGETS[self.budget]

    @property
    def graphs(self) -> str:
        """The version of the graphs."""
        return VERSION

    @cached_property
    def left_out(self) -> dict[str, str]:
        """Tasks that this lake cannot teach, or of which it has no validation label, with the reason."""
        rows = training_rows(self.lake, TASKS, self.spent.size.get("limit"))
        found = unlearnable(rows)
        for task, labels in zip(rows.tasks, rows.labels("validation"), strict=True):
            if not labels:
                found.setdefault(task, "methods are compared by validation, found no labelled validation row")
        return found

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """The others, in the order of recipes; TaskError with fewer than two, since nothing can be shared then."""
        able = in_order(task for task in TASKS if task not in self.left_out)
        if len(able) < 2:
            raise TaskError(f"sharing needs two tasks that the lake can teach, found {len(able)} of {', '.join(TASKS)}")
        return able

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Labels of the low-data curve: fewer than there are."""
        if LOW not in self.tasks:
            return ()
        return tuple(n for n in self.spent.counts if n < self.rows((LOW,)).labels("train")[0])

    def rows(self, tasks: Sequence[str], labels: int = 0) -> TrainingRows:
        """All rows of these tasks; of LOW so many training labels alone, where a number is said, and a quarter of it
        for validation: who has 50 labels has no thousand to validate on."""
        known, key = self.__dict__.setdefault("_rows", {}), (tuple(tasks), labels)
        if key not in known:
            rows = training_rows(self.lake, tasks, self.spent.size.get("limit"))
            few = {"train": labels, "validation": max(labels // 4, 1)}
            known[key] = limited(rows, few, [LOW]) if labels else rows
        return known[key]

    def licences(self, tasks: Sequence[str], labels: int = 0) -> tuple[str, ...]:
        """Those of these rows."""
        known, key = self.__dict__.setdefault("_licences", {}), (tuple(tasks), labels)
        if key not in known:
            known[key] = learnt_from(self.lake, self.rows(tasks, labels))
        return known[key]

    def folder(self, labels: int = 0) -> Path:
        """Where checkpoints go: one folder for each number of labels, since recipes do not tell them."""
        return self.root / "models" / FOLDER / (str(labels) if labels else "all")

    def bare(self) -> Ground:
        """The same without its rows: what a process is sent."""
        return Ground(self.root, self.budget, self.snapshot)
