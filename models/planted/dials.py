"""Dials: everything that can be turned, its defaults (those of the scored benchmark), its checks and its digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

VERSION = 1  # counted up by whoever changes what any dials and seed give
BLOCK = 12  # tasks come by the dozen: menu.py
MOST_TASKS = 4 * BLOCK
SMALLEST_CELL = 2  # atoms
MISSING = ("random", "low")


@dataclass(frozen=True)
class Dials:
    """What a benchmark is made by, together with a seed. Another value of one dial leaves the rest as it was.

    tasks: 12, 24, 36 or 48; each dozen holds the dozens before it.
    crystals: how many; twelve tasks of 128 labels need 1,900, forty-eight 7,400.
    largest: atoms of the largest primitive cell, from 2; 12 leaves spinels (14) and tilted perovskites (20) out.
    labels: training labels per task, or one number for each task by name, t01 first.
    validation: validation labels per training label.
    overlap: share of the smaller labelled set that two tasks have in common, 0 to 1, exact (labels.py).
    noise: deviation of the noise over that of the signal.
    scale: each task has a unit of its own, up to this factor from 1 either way.
    imbalance: tasks of even number have so many times the labels.
    missing: "random", or "low": in training and validation only the lower half of the values has been measured.
    nonlinear: whether tasks bend their factor (monotone) or are straight.
    turned: whether directions are turned at random, so that each task mixes all latents; else each keeps to one or two,
        in an order from the seed, and tasks at right angles have no latent in common.
    """

    tasks: int = 12
    crystals: int = 8000
    largest: int = 12
    labels: int | tuple[int, ...] = 128
    validation: float = 0.25
    overlap: float = 0.3
    noise: float = 0.3
    scale: float = 1.0
    imbalance: float = 1.0
    missing: str = "random"
    nonlinear: bool = True
    turned: bool = True

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be made."""
        if isinstance(self.labels, list):
            object.__setattr__(self, "labels", tuple(self.labels))
        counts = self.labels if isinstance(self.labels, tuple) else (self.labels,)
        rules = {
            f"tasks must be one of 12, 24, 36, 48, found {self.tasks}": self.tasks
            in range(BLOCK, MOST_TASKS + 1, BLOCK),
            f"crystals must be 100 or more, found {self.crystals}": self.crystals >= 100,
            f"largest must be {SMALLEST_CELL} atoms or more, found {self.largest}": self.largest >= SMALLEST_CELL,
            f"labels must be one number or one for each of {self.tasks} tasks, found {len(counts)}": not isinstance(
                self.labels, tuple
            )
            or len(counts) == self.tasks,
            f"labels must be 2 or more, found {min(counts, default=0)}": min(counts, default=0) >= 2,
            f"validation must be above 0, found {self.validation}": self.validation > 0,
            f"overlap must lie in 0..1, found {self.overlap}": 0 <= self.overlap <= 1,
            f"noise must not be negative, found {self.noise}": self.noise >= 0,
            f"scale must be 1 or more, found {self.scale}": self.scale >= 1,
            f"imbalance must be above 0, found {self.imbalance}": self.imbalance > 0,
            f"missing must be one of {MISSING}, found {self.missing!r}": self.missing in MISSING,
        }
        for broken in (rule for rule, holds in rules.items() if not holds):
            raise ValueError(broken)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tasks: t01, t02 and so on; they say nothing of what a task is."""
        return tuple(f"t{number:02d}" for number in range(1, self.tasks + 1))

    def training_labels(self) -> tuple[int, ...]:
        """Training labels of each task, in the order of the names."""
        counts = self.labels if isinstance(self.labels, tuple) else (self.labels,) * self.tasks
        return tuple(max(round(n * (self.imbalance if at % 2 else 1)), 2) for at, n in enumerate(counts))

    @property
    def digest(self) -> str:
        """16 hex digits of all dials and the version."""
        told = json.dumps({"version": VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
