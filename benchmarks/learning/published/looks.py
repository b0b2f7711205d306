"""Looks: every time that test rows were scored, as lines of a CSV file that only ever grows.

A look that stands is not taken again: the same recipe and seed on the same rows and graphs has one line.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from filelock import FileLock

from models.dataset import TrainingRows
from models.task import task_named

SCHEMA = {
    "date": pl.String, "set": pl.String, "split": pl.Int64, "seed": pl.String, "recipe": pl.String, "data": pl.String,
    "graphs": pl.String, "unit": pl.String, "n_train": pl.Int64, "n_test": pl.Int64, "mae_test": pl.Float64,
    "mae_median_predictor": pl.Float64, "median_error": pl.Float64, "median_error_median_predictor": pl.Float64,
    "command": pl.String,
}  # fmt: skip
KEY = ("set", "split", "seed", "recipe", "data", "graphs")


@dataclass(frozen=True)
class Looks:
    """The log at this path.

    seed: of the run, or `0+1+2` for the mean of three runs' predictions.  recipe: digest of the recipe of seed 0.
    data: digest of the rows, test included.  mae_median_predictor: of always telling the training median.
    median_error: median of |error| over the test rows.
    """

    path: Path

    def rows(self) -> pl.DataFrame:
        """All lines, oldest first."""
        return pl.read_csv(self.path, schema=SCHEMA) if self.path.exists() else pl.DataFrame(schema=SCHEMA)

    def stands(self, **key: object) -> bool:
        """Whether this look was taken; key: every name in KEY."""
        if set(key) != set(KEY):
            raise ValueError(f"a look is known by {', '.join(KEY)}, found {', '.join(key)}")
        return len(self.rows().filter(*(pl.col(name) == value for name, value in key.items()))) > 0

    def add(self, **line: object) -> bool:
        """Write one line behind the others, with today's date; False where this look stands already."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")):
            if self.stands(**{name: line[name] for name in KEY}):
                return False
            new = not self.path.exists()
            with self.path.open("a", newline="") as file:
                lines = csv.DictWriter(file, list(SCHEMA), lineterminator="\n")
                if new:
                    lines.writeheader()
                lines.writerow({"date": datetime.now(UTC).date().isoformat(), **line})
        return True

    def score(self, key: Mapping[str, object], rows: TrainingRows, told: np.ndarray, command: str) -> bool:
        """Write down how far (n,) values are from the test labels of the rows' first task; False as `add`."""
        labels, test = rows.targets[:, 0].astype(np.float64), rows.of("test")
        middle = np.median(labels[rows.of("train")])
        errors, floor = np.abs(told - labels[test]), np.abs(middle - labels[test])
        figures = {
            "mae_test": errors.mean(),
            "mae_median_predictor": floor.mean(),
            "median_error": np.median(errors),
            "median_error_median_predictor": np.median(floor),
        }
        return self.add(
            **key,
            unit=task_named(rows.tasks[0]).unit,
            n_train=len(rows.of("train")),
            n_test=len(test),
            command=command,
            **{name: float(f"{value:.6g}") for name, value in figures.items()},
        )
