"""Books: finished trials as lines of committed CSV files: of runs, and of what networks learnt about their tasks."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from filelock import FileLock

from lake.store import Lake
from models.ledger import FOLDER, Ledger
from models.multitask.ground import Ground
from models.multitask.trial import Done

COMMAND = "crystal-lake multitask"
FURTHER = {"method": pl.String, "labels": pl.Int64, "stage": pl.String, "rows": pl.String}
STRUCTURES = {
    "recipe": pl.String, "rows": pl.String, "graphs": pl.String, "method": pl.String, "seed": pl.Int64,
    "name": pl.String, "about": pl.String, "row": pl.String, "column": pl.String, "row_at": pl.Int64,
    "column_at": pl.Int64, "value": pl.Float64,
}  # fmt: skip
LAST, BEFORE = "last", "before"  # stages


@dataclass(frozen=True)
class Books:
    """runs: a line per run and property.  structures: a line per number of a matrix; where it is kept."""

    runs: Ledger
    structures: Path

    @classmethod
    def of(cls, lake: Lake) -> Books:
        """The committed ones; a sample lake has its own, since what it learns is nobody's result."""
        folder = lake.root / "models" / "ledgers" if (lake.root / "SAMPLE").exists() else FOLDER
        return cls.within(folder)

    @classmethod
    def within(cls, folder: Path) -> Books:
        """Those of this folder."""
        return cls(Ledger.of("multitask", folder, **FURTHER), folder / "multitask_structures.csv")

    def matrices(self) -> pl.DataFrame:
        """All numbers of matrices, oldest first."""
        if not self.structures.exists():
            return pl.DataFrame(schema=STRUCTURES)
        return pl.read_csv(self.structures, schema=STRUCTURES)

    def add(self, ground: Ground, done: Done) -> None:
        """Write a finished trial behind the others."""
        trial = done.trial
        for stage, runs in ((BEFORE, done.before), (LAST, done.last)):
            for run in runs:
                rows = ground.rows(run.recipe.tasks, trial.labels).digest
                further = {"method": trial.method, "labels": trial.labels, "stage": stage, "rows": rows}
                self.runs.add(run, ground.graphs, f"{COMMAND} --method {trial.method}", **further)
        if done.structures and not trial.labels:
            self._add_matrices(ground, done)

    def _add_matrices(self, ground: Ground, done: Done) -> None:
        with FileLock(self.structures.with_suffix(".lock")):
            new = not self.structures.exists()
            with self.structures.open("a", newline="") as file:
                lines = csv.DictWriter(file, list(STRUCTURES), lineterminator="\n")
                if new:
                    lines.writeheader()
                for matrix in done.structures:
                    for (row, column), value in np.ndenumerate(matrix.values):
                        lines.writerow({
                            "recipe": done.last[0].recipe.digest,
                            "rows": ground.rows(done.trial.tasks).digest, "graphs": ground.graphs,
                            "method": done.trial.method, "seed": done.trial.seed, "name": matrix.name,
                            "about": matrix.about, "row": matrix.rows[row], "column": matrix.columns[column],
                            "row_at": row, "column_at": column,
                            "value": float(f"{value:.4g}") if np.isfinite(value) else None,
                        })  # fmt: skip
