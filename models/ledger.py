"""Ledger: finished runs of a long study as lines of a committed CSV file, so that a new machine goes on from there.

Checkpoints are not committed, figures are: a recipe that stands in the ledger, on these very rows and graphs, is never
trained again for its figures. A line is added whole, under a lock, when its run is finished; none is ever changed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from models.recipe import Recipe
from models.run import Run
from models.task import task_named

FOLDER = Path(__file__).parents[1] / "docs" / "results"
SCHEMA = {
    "property": pl.String, "recipe": pl.String, "seed": pl.Int64, "data": pl.String, "graphs": pl.String,
    "snapshot": pl.String, "unit": pl.String, "n_train": pl.Int64, "n_validation": pl.Int64, "n_test": pl.Int64,
    "mae_validation": pl.Float64, "mae_test": pl.Float64, "mae_mean_predictor": pl.Float64, "epochs": pl.Int64,
    "seconds": pl.Float64, "date": pl.String, "command": pl.String, "fields": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Ledger:
    """The ledger of one study: a line per run and property.

    recipe: the recipe's digest.  data: digest of the rows (`TrainingRows.digest`).  graphs: version of the graphs.
    fields: the whole recipe as JSON.  command: what to run to get the line again.
    further: columns of this study alone, and their types.
    """

    path: Path
    further: Mapping[str, type[pl.DataType]] = field(default_factory=dict)

    @classmethod
    def of(cls, study: str, folder: Path = FOLDER, **further: type[pl.DataType]) -> Ledger:
        """The ledger of this name among the committed results."""
        return cls(folder / f"{study}.csv", further)

    @property
    def schema(self) -> dict[str, type[pl.DataType]]:
        """Columns and their types."""
        return SCHEMA | dict(self.further)

    def rows(self) -> pl.DataFrame:
        """All lines, oldest first, with the columns of the schema; what is empty in a text is an empty text."""
        if not self.path.exists():
            return pl.DataFrame(schema=self.schema)
        return pl.read_csv(self.path, schema=self.schema).with_columns(pl.col(pl.String).fill_null(""))

    def found(self, recipe: Recipe, data: str, graphs: str) -> pl.DataFrame:
        """The lines of this recipe on these rows and graphs: one per task where it is finished, else none."""
        same = (pl.col("recipe") == recipe.digest) & (pl.col("data") == data) & (pl.col("graphs") == graphs)
        return self.rows().filter(same).unique("property", keep="first", maintain_order=True)

    def add(self, run: Run, graphs: str, command: str, **further: object) -> None:
        """Write a finished run behind the others; several processes may do so at once."""
        from filelock import FileLock

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")):
            new = not self.path.exists()
            with self.path.open("a", newline="") as file:
                lines = csv.DictWriter(file, list(self.schema), lineterminator="\n")
                if new:
                    lines.writeheader()
                lines.writerows(_line(run, task, graphs, command) | further for task in run.recipe.tasks)


def _line(run: Run, task: str, graphs: str, command: str) -> dict[str, object]:
    return {
        "property": task,
        "recipe": run.recipe.digest,
        "seed": run.recipe.seed,
        "data": run.data,
        "graphs": graphs,
        "snapshot": run.snapshot,
        "unit": task_named(task).unit,
        **{name: _short(value) for name, value in run.scores[task].items()},
        "epochs": len(run.history),
        "seconds": round(run.seconds, 1),
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "fields": run.recipe.to_json(),
    }


def _short(value: float | int | None) -> float | int | None:
    """Six significant digits: more than the seeds agree on, and lines that a person can read."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
