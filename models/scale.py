"""Scaler: from a property's values to what a network learns, and back. Fitted on training rows only. No torch here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from models.task import task_named

ROUNDING = 1e-12  # relative
# of a recipe -> whether logarithms are learnt; None leaves it to the task
TRANSFORMS = {"catalog": None, "none": False, "log": True}
FLOOR = 0.01  # zero has no logarithm: values below this share of the training median count as that


@dataclass(frozen=True)
class Scaler:
    """Per task: logarithm where the catalog says so (of the value or the floor), then minus mean, over deviation."""

    tasks: tuple[str, ...]
    floor: tuple[float | None, ...]  # in the property's unit; None where no logarithm is taken
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def fit(cls, tasks: tuple[str, ...], targets: np.ndarray, transform: str = "catalog") -> Scaler:
        """From the training rows' targets (n, T) with NaN where missing. Constant tasks are refused by the dataset.

        transform: as in Recipe, which tasks are learnt as logarithms.
        """
        floors, means, deviations = [], [], []
        for name, column in zip(tasks, np.asarray(targets, dtype=np.float64).T, strict=True):
            known = column[np.isfinite(column)]
            log = TRANSFORMS[transform] if TRANSFORMS[transform] is not None else task_named(name).log
            floor = _floor(known) if log else None
            known = known if floor is None else np.log(np.maximum(known, floor))
            floors.append(floor)
            means.append(float(known.mean()))
            deviations.append(_deviation(known))
        return cls(tasks, tuple(floors), tuple(means), tuple(deviations))

    def forward(self, targets: np.ndarray) -> np.ndarray:
        """(n, T) values in the properties' units to (n, T) float32 of mean 0 and deviation 1; NaN stays NaN."""
        out = np.array(targets, dtype=np.float64)
        for task, floor in enumerate(self.floor):
            if floor is not None:
                out[:, task] = np.log(np.maximum(out[:, task], floor))
        return ((out - self.mean) / self.deviation).astype(np.float32)

    def inverse(self, outputs: np.ndarray) -> np.ndarray:
        """(n, T) network outputs to (n, T) float64 values in the properties' units."""
        out = np.asarray(outputs, dtype=np.float64) * self.deviation + self.mean
        for task, floor in enumerate(self.floor):
            if floor is not None:
                out[:, task] = np.exp(out[:, task])
        return out

    def to_json(self) -> str:
        """The scaler as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Scaler:
        """The scaler that `to_json` wrote."""
        return cls(**{name: tuple(values) for name, values in json.loads(text).items()})


def _deviation(known: np.ndarray) -> float:
    """Standard deviation, 1 where the values differ by rounding only: rounding is nothing to learn."""
    spread = float(known.std())
    return spread if spread > ROUNDING * float(np.abs(known).max()) else 1.0


def _floor(known: np.ndarray) -> float:
    positive = known[known > 0]
    return FLOOR * float(np.median(positive)) if len(positive) else 1.0
