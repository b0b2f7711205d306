"""Ledger of a map: finished small runs as lines of a committed CSV file, a line per run, so that nothing is run twice.

A line says the problem (its digest), the size (its digest), the seed, the tasks with + between them (a permuted one
with a ~ before it), the target that its sources knew the test crystals of, and the errors on test, one per task that
was scored, in the order of the names. Lines are short: a study may have a hundred thousand.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from models.transfer_map.asked import Asked

if TYPE_CHECKING:
    from models.transfer_map.networks.size import Size

DIGITS = 8  # of a problem's digest
FOLDER = Path(__file__).parents[2] / "docs" / "results"
SCHEMA = {
    "problem": pl.String, "size": pl.String, "seed": pl.Int64, "tasks": pl.String, "target": pl.String,
    "test": pl.String,
}  # fmt: skip
RUNS = {
    "tasks": pl.List(pl.String), "placebo": pl.List(pl.String), "target": pl.String, "seed": pl.Int64,
    "task": pl.String, "error": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class RunLedger:
    """The ledger at this path. Errors keep five digits: more than two runs of one seed on two machines agree on."""

    path: Path

    @classmethod
    def of(cls, study: str, folder: Path = FOLDER) -> RunLedger:
        """The ledger of this name among the committed results."""
        return cls(folder / f"{study}.csv")

    def rows(self) -> pl.DataFrame:
        """All lines, oldest first."""
        if not self.path.exists():
            return pl.DataFrame(schema=SCHEMA)
        return pl.read_csv(self.path, schema=SCHEMA).with_columns(pl.col(pl.String).fill_null(""))

    def finished(self, digests: Mapping[int, str], size: Size) -> set[Asked]:
        """The runs it has of these problems (digest by seed) and this size."""
        return {Asked(seed, *_read(tasks), target) for seed, tasks, target in self._lines(digests, size).select(
            "seed", "tasks", "target").iter_rows()}  # fmt: skip

    def found(self, asked: Iterable[Asked], digests: Mapping[int, str], size: Size) -> pl.DataFrame:
        """RUNS of those asked, as far as it has them: a row per run and task scored. Permuted tasks have no row."""
        wanted, rows = {(one.seed, _written(one), one.target) for one in asked}, []
        for _, _, seed, written, target, test in self._lines(digests, size).iter_rows():
            if (seed, written, target) not in wanted:
                continue
            tasks, placebo = _read(written)
            scored = (target,) if target else tasks
            for task, error in zip(scored, test.split("+"), strict=True):
                if task not in placebo:
                    rows.append((tasks, placebo, target, seed, task, float(error) if error else None))
        return pl.DataFrame(rows, schema=RUNS, orient="row")

    def add(self, found: Sequence[tuple[Asked, Mapping[str, float]]], digests: Mapping[int, str], size: Size) -> None:
        """Write finished runs behind the others; several processes may do so at once."""
        from filelock import FileLock

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")):
            new = not self.path.exists()
            with self.path.open("a", newline="") as file:
                lines = csv.writer(file, lineterminator="\n")
                if new:
                    lines.writerow(SCHEMA)
                for one, errors in found:
                    told = "+".join(_short(errors[task]) for task in sorted(errors))
                    problem = digests[one.seed][:DIGITS]
                    lines.writerow((problem, size.digest, one.seed, _written(one), one.target, told))

    def _lines(self, digests: Mapping[int, str], size: Size) -> pl.DataFrame:
        problems = [digest[:DIGITS] for digest in digests.values()]
        same = pl.DataFrame({"seed": list(digests), "problem": problems}, schema_overrides=SCHEMA)
        mine = self.rows().filter(size=size.digest)
        return mine.join(same, on=["seed", "problem"], how="semi").unique(
            ["seed", "tasks", "target"], keep="first", maintain_order=True
        )


def _written(one: Asked) -> str:
    return "+".join(f"~{task}" if task in one.placebo else task for task in one.tasks)


def _read(written: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tasks and placebo."""
    marked = written.split("+")
    return tuple(sorted(task.removeprefix("~") for task in marked)), tuple(
        sorted(task[1:] for task in marked if task.startswith("~"))
    )


def _short(value: float) -> str:
    return f"{value:.5g}" if value == value else ""  # NaN: there are no labels in that part
