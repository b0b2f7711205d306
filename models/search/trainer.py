"""Trainer: answers what a strategy asks, from the ledgers where the run is finished, else by training it.

Every run is a whole run of a recipe of its own, so that the ledger needs no word of who asked: a search that was
killed, a second strategy and the full grid find each other's runs, and none is trained twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

import polars as pl

from lake.spoken import duration
from models.grid.cost import cost, pace
from models.grid.full import How
from models.ledger import SCHEMA, Ledger
from models.pool import spread
from models.recipe import Recipe
from models.run import Run
from models.search.ground import Ground
from models.search.purse import Ask

COMMAND = "python -m benchmarks.learning.search"
SMALLEST = 1e-12  # errors below count as this one: a logarithm needs one above zero
CHECKPOINTS = "search"  # below models/, apart from those that predict


class Missing(LookupError):
    """Runs that nobody has trained yet; `wanted` says which, on which ground."""

    def __init__(self, wanted: list[tuple[Ground, Recipe]]) -> None:
        super().__init__(f"{len(wanted)} runs are not in the ledger")
        self.wanted = wanted


@dataclass(frozen=True)
class Trainer:
    """Asks -> validation errors; of a group the geometric mean over its tasks, which no task's unit can sway.

    grounds: by name of the space.  ledgers: the first is written, all are read.  dry: raise Missing, train nothing.
    """

    grounds: Mapping[str, Ground]
    ledgers: Sequence[Ledger]
    how: How = How()  # noqa: RUF009
    dry: bool = False

    def __call__(self, asks: Sequence[Ask]) -> list[float]:
        """The errors, in the order of the asks."""
        pieces = [(self.grounds[ask.space], self.recipe(ask)) for ask in asks]
        self.train(pieces)
        return [_error(self.lines(*piece)) for piece in pieces]

    def recipe(self, ask: Ask) -> Recipe:
        """The run that is asked for."""
        return self.grounds[ask.space].space.recipe(ask.point, ask.epochs)

    def lines(self, ground: Ground, recipe: Recipe) -> pl.DataFrame:
        """One per task, from the first ledger that has it; none where none has."""
        found = [ledger.found(recipe, ground.rows.digest, ground.graphs) for ledger in self.ledgers]
        return next((lines for lines in found if len(lines) == len(recipe.tasks)), found[0].clear())

    def all_lines(self, ground: Ground) -> pl.DataFrame:
        """Every line on this ground, each recipe once."""
        same = (pl.col("data") == ground.rows.digest) & (pl.col("graphs") == ground.graphs)
        lines = pl.concat([ledger.rows().select(list(SCHEMA)) for ledger in self.ledgers]).filter(same)
        return lines.unique(["recipe", "property"], keep="first", maintain_order=True)

    def pace(self) -> float:
        """Seconds that single runs took for each second thought, over all ledgers."""
        lines = pl.concat([ledger.rows().select(list(SCHEMA)) for ledger in self.ledgers])
        alone = [len(Recipe.from_json(fields).tasks) == 1 for fields in lines["fields"]]
        return pace(lines.filter(pl.Series(alone, dtype=pl.Boolean)))

    def train(self, pieces: Sequence[tuple[Ground, Recipe]]) -> None:
        """Train those that no ledger has, the longest first."""
        missing = {recipe: ground for ground, recipe in pieces if not len(self.lines(ground, recipe))}
        if missing and self.dry:
            raise Missing([(ground, recipe) for recipe, ground in missing.items()])
        todo = sorted(missing, key=lambda recipe: -seconds(missing[recipe], recipe))
        came = 0

        def keep(run: Run) -> None:
            nonlocal came
            came += 1
            ground = missing[run.recipe]
            self.ledgers[0].add(run, ground.graphs, COMMAND)
            self.how.tell(run, ground.graphs)
            told = f"{ground.space.name} {name_of(run.recipe)}, {len(run.history)} epochs, seed {run.recipe.seed}"
            self.how.say(f"{told}: {came} of {len(todo)} runs of this round, {duration(run.seconds)}")

        sent = [(missing[recipe].bare(), recipe, missing[recipe].licences) for recipe in todo]
        spread(train_one, sent, "search", self.how.processes, keep)


def train_one(ground: Ground, recipe: Recipe, licences: tuple[str, ...]) -> Run:
    """Train one recipe on its ground (the piece of work of a process)."""
    from lake.graphs.shards import GraphStore
    from models.fit import fit

    folder = Path(ground.root) / "models" / CHECKPOINTS
    return fit(recipe, ground.rows, GraphStore(ground.lake), folder, licences, ground.snapshot)


def seconds(ground: Ground, recipe: Recipe) -> float:
    """What the run is thought to take; a group's rows are all that carry a label of one of its tasks."""
    limit = recipe.limit or 1
    return cost(recipe, rows=limit) * len(ground.rows.of("train")) / limit


def name_of(recipe: Recipe) -> str:
    """The network of a recipe in a few figures: 4/2/64, and a decoder of its own behind it: 4/2/64-128."""
    if len(recipe.tasks) == 1:
        told = f"{recipe.gnn_layers}/{recipe.decoder_layers}/{recipe.width}"
        return told + "".join(f"-{width}" for _, _, width in recipe.decoders)
    own = {task: (layers, width) for task, layers, width in recipe.decoders}
    decoders = (own.get(task, (recipe.decoder_layers, recipe.width)) for task in recipe.tasks)
    return f"{recipe.gnn_layers}/{recipe.width} + " + " ".join(f"{layers}/{width}" for layers, width in decoders)


def _error(lines: pl.DataFrame) -> float:
    return exp(sum(log(max(error, SMALLEST)) for error in lines["mae_validation"]) / len(lines))
