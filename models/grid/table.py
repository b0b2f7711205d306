"""Table: rows of GRID from the ledgers' lines, and the one function that trains what is missing and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from lake.spoken import duration
from lake.store import Lake
from lake.tables import GRID
from models.dataset import TaskError
from models.grid.asha import asha_ledger, rungs, train_asha, waiting
from models.grid.cost import cost, pace, seconds_left
from models.grid.full import FINALISTS, FRESH, How, finished, first_runs, fresh_runs, lines_of, run_of, train_full
from models.grid.ground import Ground
from models.grid.sizes import SIZES, Size, size_of
from models.grid.verdict import ASHA, FULL
from models.ledger import FOLDER, Ledger
from models.pool import cores
from models.recipe import Recipe

MODES = (FULL, ASHA)


@dataclass(frozen=True)
class Ledgers:
    """Where finished runs stand: one ledger per mode."""

    full: Ledger
    asha: Ledger

    @classmethod
    def of(cls, lake: Lake) -> Ledgers:
        """The committed ones; a sample lake has its own, since what it learns is nobody's result."""
        folder = lake.root / "models" / "ledgers" if (lake.root / "SAMPLE").exists() else FOLDER
        return cls(Ledger.of("grid", folder), asha_ledger(folder))


def grounds_of(lake: Lake, names: Sequence[str], budget: str = "", snapshot: str = "") -> list[Ground]:
    """What these properties' runs stand on. budget: by default as the lake is, sample or real."""
    chosen = budget or ("sample" if (lake.root / "SAMPLE").exists() else "real")
    return [Ground(lake.root, name, chosen, snapshot) for name in names]


def teachable(grounds: Sequence[Ground]) -> tuple[list[Ground], list[str]]:
    """Those of the properties that their lake can teach, and of the others why it cannot."""
    able, wrong = [], []
    for ground in grounds:
        try:
            ground.rows  # noqa: B018
        except TaskError as fault:
            wrong.append(str(fault))
        else:
            able.append(ground)
    return able, wrong


def write_grid(
    grounds: Sequence[Ground], mode: str = FULL, how: How = How(), ledgers: Ledgers | None = None,  # noqa: B008
    sizes: Sequence[Size] = SIZES,
) -> None:  # fmt: skip
    """Train what the mode's ledger lacks, tell the books of all, and write these properties' rows of both modes.

    Raises TaskError before any training where the lake cannot teach one of the properties.
    """
    ledgers = ledgers or Ledgers.of(Lake(grounds[0].root))
    for ground in grounds:
        for line in lines_of(ground, ledgers.full if mode == FULL else ledgers.asha).iter_rows(named=True):
            how.tell(run_of(ground, line), ground.graphs)
    if mode == FULL:
        train_full(grounds, ledgers.full, how, sizes)
    else:
        train_asha(grounds, ledgers.asha, how, sizes)
    for ground in grounds:
        Lake(ground.root).replace(GRID, grid_rows(ground, ledgers, sizes), ground.name)


def grid_rows(ground: Ground, ledgers: Ledgers, sizes: Sequence[Size] = SIZES) -> pl.DataFrame:
    """One property's rows of GRID: all lines of both ledgers that are of this grid, these rows and these graphs."""
    mine = {ground.recipe(size, seed).digest for size in sizes for seed in (0, *FRESH)}
    parts = ((FULL, lines_of(ground, ledgers.full)), (ASHA, lines_of(ground, ledgers.asha)))
    lines = [(mode, line) for mode, part in parts for line in part.iter_rows(named=True) if line["recipe"] in mine]
    return GRID.frame([_row(ground, mode, line) for mode, line in lines])


def left(
    grounds: Sequence[Ground], mode: str = FULL, processes: int | None = None, ledgers: Ledgers | None = None,
    sizes: Sequence[Size] = SIZES,
) -> tuple[pl.DataFrame, list[str]]:  # fmt: skip
    """What a call of `write_grid` would train: a row per property and for all, and what cannot be learnt, with reasons.

    The time comes from the ledger's own seconds; where it has no line of a property, from the other properties', and
    without any from short runs that were measured once. Of ASHA nobody knows who goes on: one third at each rung.
    """
    ledgers = ledgers or Ledgers.of(Lake(grounds[0].root))
    processes = processes or cores()
    ledger = ledgers.full if mode == FULL else ledgers.asha
    rows, costs = [], []
    able, wrong = teachable(grounds)
    for ground in able:
        done, todo = _todo(ground, mode, ledger, sizes)
        own = lines_of(ground, ledger)
        scale = pace(own if len(own) else ledger.rows())
        took = [seconds * scale for seconds in todo]
        rows.append(_forecast(ground.name, mode, done, took, processes))
        costs += took
    if len(rows) > 1:
        rows.append(_forecast("all", mode, sum(row["done"] for row in rows), costs, processes))
    return pl.DataFrame(rows), wrong


def _todo(ground: Ground, mode: str, ledger: Ledger, sizes: Sequence[Size]) -> tuple[int, list[float]]:
    """How many runs are done, and what each of the others is thought to take."""
    n = int(ground.rows.labels("train")[0])
    if mode == ASHA:
        todo = [cost(ground.recipe(size), rows=n) for size in waiting(ground, ledger, sizes)]
        return len(sizes) - len(todo), [seconds * _share(ground.recipe(sizes[0]).epochs) for seconds in todo]
    first, fresh = first_runs(ground, ledger, sizes), fresh_runs(ground, ledger, sizes)
    asked: list[Recipe] = [*first, *fresh]
    todo = [cost(recipe, rows=n) for recipe in asked if not finished(ground, ledger, recipe)]
    unknown = 0 if fresh else min(FINALISTS, len(sizes)) * len(FRESH)  # nobody knows the finalists: of mean cost
    done = len(asked) - len(todo)
    return done, todo + [sum(cost(recipe, rows=n) for recipe in first) / len(first)] * unknown


def _share(epochs: int) -> float:
    """Of a run's epochs that a run of ASHA takes in the mean, where one third goes on at each rung."""
    ends = [*rungs(epochs), epochs]
    begun = [0, *ends]
    return sum((end - at) / 3**k for k, (at, end) in enumerate(zip(begun, ends, strict=False))) / epochs


def _forecast(name: str, mode: str, done: int, took: list[float], processes: int) -> dict[str, object]:
    time = duration(seconds_left(took, 1.0, processes)) if took else "0 s"
    hours = round(sum(took) / 3600, 2)
    return {"property": name, "mode": mode, "done": done, "left": len(took), "core_hours": hours,
            "processes": processes, "time": time}  # fmt: skip


def _row(ground: Ground, mode: str, line: dict[str, object]) -> dict[str, object]:
    recipe = Recipe.from_json(line["fields"])
    seen = [float(loss) for loss in line.get("rungs", "").split()]
    kept = ("property", "seed", "unit", "n_train", "n_validation", "n_test", "mae_validation", "mae_test",
            "mae_mean_predictor", "epochs", "seconds", "graphs", "data", "snapshot")  # fmt: skip
    return {
        **{name: line[name] for name in kept},
        **size_of(recipe)._asdict(),
        "mode": mode,
        "state": line.get("state", "finished"),
        "rungs": seen,
        "recipe": line["fields"],
        "licences": list(ground.licences),
    }
