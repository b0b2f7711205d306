"""Problem: crystals, what is known of them, and the split: all that a transfer map is drawn of. No torch here."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lake.graphs.gathered import GatheredGraphs
from lake.graphs.shards import GraphStore
from models.dataset import SPLIT_NAMES

PART = 4096  # graphs that are looked at together


class ProblemError(ValueError):
    """A problem that is none, or a task that it does not have; the message names the rule and what was found."""


@dataclass(frozen=True, eq=False)
class Problem:
    """n crystals with labels of T tasks, and the part of the split that each belongs to.

    names: T different names of tasks, any.
    targets: (n, T) float32 in the tasks' own units, NaN where there is no label.
    split: (n,) str, each train, validation or test.
    graphs: a `GatheredGraphs` or `GraphStore`.  at: (n,) int64, the crystals' rows in it.
    groups: (n,) str, what never crosses the split: reduced formulas.
    Raises ProblemError where a rule is broken.
    """

    names: tuple[str, ...]
    targets: np.ndarray
    split: np.ndarray
    graphs: GatheredGraphs | GraphStore
    at: np.ndarray
    groups: np.ndarray

    def __post_init__(self) -> None:
        set_to = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731
        set_to("names", tuple(self.names))
        set_to("targets", np.ascontiguousarray(self.targets, dtype=np.float32))
        set_to("split", np.asarray(self.split, dtype=str))
        set_to("at", np.asarray(self.at, dtype=np.int64))
        set_to("groups", np.asarray(self.groups, dtype=str))
        n, tasks = len(self.at), len(self.names)
        if not tasks or len(set(self.names)) < tasks:
            raise ProblemError(f"tasks need names, each once; found {', '.join(self.names) or 'none'}")
        if self.targets.shape != (n, tasks):
            raise ProblemError(f"targets are (crystals, tasks), here {n, tasks}; found {self.targets.shape}")
        for field in ("split", "groups"):
            if getattr(self, field).shape != (n,):
                raise ProblemError(f"{field} has one word per crystal, {n}; found {getattr(self, field).shape}")
        if unknown := sorted(set(self.split) - set(SPLIT_NAMES)):
            raise ProblemError(f"a crystal is in {', '.join(SPLIT_NAMES)}; found {', '.join(unknown)}")
        if np.isinf(self.targets).any():
            raise ProblemError("labels are finite, NaN where missing; found infinity")
        if n and not (self.at.min() >= 0 and self.at.max() < len(self.graphs)):
            found = f"{self.at.min()}..{self.at.max()}"
            raise ProblemError(f"at names rows of the {len(self.graphs)} graphs, from 0; found {found}")
        parts = Counter(group for group, _ in set(zip(self.groups.tolist(), self.split.tolist(), strict=True)))
        if crossing := sorted(group for group, count in parts.items() if count > 1):
            raise ProblemError(f"a group is in one part of the split; {len(crossing)} cross it, first {crossing[0]}")

    def __len__(self) -> int:
        return len(self.at)

    def column(self, task: str) -> np.ndarray:
        """(n,) float32, the labels of one task; ProblemError lists the tasks there are."""
        if task not in self.names:
            raise ProblemError(f"no task is named {task!r}; there are: {', '.join(self.names)}")
        return self.targets[:, self.names.index(task)]

    def rows(self, task: str, split: str) -> np.ndarray:
        """Numbers of the crystals of one part of the split that have a label of this task, rising."""
        return np.flatnonzero((self.split == split) & np.isfinite(self.column(task)))

    def of(self, *names: str) -> Problem:
        """The same crystals with these tasks only."""
        if not names:
            raise ProblemError("a problem needs a task, found none")
        return replace(self, names=names, targets=np.stack([self.column(name) for name in names], axis=1))

    @cached_property
    def digest(self) -> str:
        """Content address of all of it, 16 hex digits; the order of tasks does not matter, that of crystals does."""
        digest = hashlib.blake2b(self.graphs.version.encode(), digest_size=8)
        for name in sorted(self.names):
            labels = self.column(name)
            digest.update(f"\n{name}\n".encode())
            digest.update(np.where(np.isnan(labels), np.float32(np.nan), labels).tobytes())  # there are many NaNs
        for words in (self.split, self.groups):
            digest.update("\n".join(words).encode())
        for low in range(0, len(self), PART):
            graphs = self.graphs.batch(self.at[low : low + PART])
            for array in (graphs.numbers, graphs.counts, graphs.starts, graphs.index, graphs.distance, graphs.weight):
                digest.update(array.tobytes())
            if graphs.times is not None:
                digest.update(graphs.times.tobytes())
        return digest.hexdigest()
