"""Choices: which recipe the validation rows gave each set, in a CSV file; made before any look at test rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from models.recipe import Recipe

OPENING = 2  # splits on which every candidate is tried
FINALISTS = 2  # which are then tried on all splits
COLUMNS = ("set", "recipe", "tried", "splits", "mae_validation", "mae_validation_first", "fields")


class PeekError(RuntimeError):
    """A choice that would come after a look at the test rows."""


def before_looks(names: Iterable[str], seen: Iterable[str]) -> None:
    """Raise PeekError where a set of these is among those whose test rows were looked at."""
    if late := sorted(set(names) & set(seen)):
        raise PeekError(f"a recipe is chosen before any look at test rows, found looks at {', '.join(late)}")


@dataclass(frozen=True)
class Choices:
    """The file at this path.

    splits: on how many the choice was made.  mae_validation, mae_validation_first: of the chosen candidate and of the
    first, over the opening's splits, where all candidates are.
    """

    path: Path

    def recipes(self) -> dict[str, Recipe]:
        """Set -> its recipe, of seed 0."""
        if not self.path.exists():
            return {}
        lines = pl.read_csv(self.path, schema_overrides={"recipe": pl.String})
        return {name: Recipe.from_json(told) for name, told in lines.select("set", "fields").iter_rows()}

    def add(self, name: str, best: Recipe, tried: Sequence[Recipe], splits: int, errors: tuple[float, float]) -> None:
        """Write the choice of one set behind the others. errors: the two of the opening's splits."""
        line = (name, best.digest, len(tried), splits, *(f"{error:.6g}" for error in errors), best.to_json())
        new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            if new:
                lines.writerow(COLUMNS)
            lines.writerow(line)
