"""Study: where its files are, how large it is, and one piece of its work: a training, or a look at what it gave.

Training never sees test rows: they are taken away before. A look loads the checkpoint and scores them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.learning.chang2022.candidates import candidates
from benchmarks.learning.chang2022.grouped import SPLITS, grouped
from benchmarks.learning.published.choices import Choices
from benchmarks.learning.published.looks import Looks
from lake.graphs.gathered import GatheredGraphs
from models.dataset import TrainingRows
from models.ledger import Ledger
from models.published.chang2022 import ReadSet, read_set
from models.recipe import Recipe

KINDS = {"published": "chang2022_looks", "grouped": "chang2022_grouped"}
ATOMS_PER_SECOND = 8000.0  # trained on one core, width 64 and 3 layers; only estimates of time depend on it
LATEST, FEW = 40, 5  # trainings that tell how fast this goes


@dataclass(frozen=True)
class Study:
    """data: folder of the published files.  work: of checkpoints.  results: of the ledgers.

    epochs, recipes, splits, seeds: smaller for a trial; None and the defaults are the study itself.
    """

    data: Path
    work: Path
    results: Path
    sets: tuple[str, ...]
    command: str
    epochs: int | None = None
    recipes: int | None = None
    splits: int = SPLITS
    seeds: int = 3

    @property
    def ledger(self) -> Ledger:
        """Of every training."""
        return Ledger.of("chang2022_validation", self.results)

    def looks(self, kind: str) -> Looks:
        """At the test rows of the published splits, or of the grouped ones."""
        return Looks(self.results / f"{KINDS[kind]}.csv")

    @property
    def choices(self) -> Choices:
        """One line per set: the recipe that its validation rows chose."""
        return Choices(self.results / "chang2022_chosen.csv")

    def candidates(self, name: str) -> list[Recipe]:
        """What is tried for a set."""
        tried = candidates(rows_of(self.data, name, "published", 0))[: self.recipes]
        return tried if self.epochs is None else [replace(recipe, epochs=self.epochs) for recipe in tried]


@dataclass(frozen=True)
class Piece:
    """One recipe, with its seed, on one split of a kind."""

    recipe: Recipe
    kind: str
    split: int

    @cached_property
    def name(self) -> str:
        """Of the set."""
        return self.recipe.tasks[0]

    def rows(self, study: Study) -> TrainingRows:
        """All rows of the split, test included."""
        return rows_of(study.data, self.name, self.kind, self.split)

    def folder(self, study: Study) -> Path:
        """Of the checkpoint: recipes are named alike on every split."""
        return study.work / self.name / f"{self.kind}-{self.split}"

    def checkpoint(self, study: Study) -> Path:
        """Where training leaves it."""
        return self.folder(study) / f"{self.recipe.slug}.safetensors"

    def seconds(self, study: Study) -> float:
        """What training it is expected to take on one core."""
        rows = self.rows(study)
        return expected(study, self.recipe, len(rows.of("train")), len(rows.of("validation")))


def expected(study: Study, recipe: Recipe, n_train: int, n_validation: int) -> float:
    """Seconds of one core for so many crystals of the recipe's set, at ATOMS_PER_SECOND."""
    crystals = of(study.data, recipe.tasks[0]).crystals
    atoms = sum(map(len, crystals)) / len(crystals) * (n_train + n_validation / 3)
    size = (recipe.gnn_layers + 1) / 4 * (recipe.width / 64) ** 1.2
    return recipe.epochs * atoms * size / ATOMS_PER_SECOND


def pace(study: Study) -> float:
    """By how much the latest trainings in the ledger were slower than expected; 1 where there are few."""
    latest = study.ledger.rows().tail(LATEST).select("fields", "n_train", "n_validation", "seconds").rows()
    ratios = [s / expected(study, Recipe.from_json(told), n, v) for told, n, v, s in latest]
    return float(np.median(ratios)) if len(ratios) >= FEW else 1.0


@lru_cache(maxsize=32)
def of(data: Path, name: str) -> ReadSet:
    """The published set, read once per process."""
    return read_set(name, data)


@lru_cache(maxsize=32)
def _grouped(data: Path, name: str) -> list[TrainingRows]:
    return grouped(of(data, name))


def rows_of(data: Path, name: str, kind: str, split: int) -> TrainingRows:
    """The rows of one split, test included."""
    return of(data, name).splits[split] if kind == "published" else _grouped(data, name)[split]


def untested(rows: TrainingRows) -> TrainingRows:
    """The rows that training may see."""
    return rows.without("test")


def trained(study: Study, piece: Piece) -> bool:
    """Whether the ledger has its validation error."""
    return len(_found(study, piece)) > 0


def validation_error(study: Study, piece: Piece) -> float:
    """Of a finished training, in the set's unit; KeyError where there is none."""
    found = _found(study, piece)
    if not len(found):
        raise KeyError(f"{piece.recipe.slug} is not trained on split {piece.split}")
    return found["mae_validation"].item()


def _found(study: Study, piece: Piece) -> pl.DataFrame:
    return study.ledger.found(piece.recipe, untested(piece.rows(study)).digest, GatheredGraphs.version)


def train(study: Study, piece: Piece) -> None:
    """Train without the test rows, and write it to the ledger if it does not stand there."""
    from models.fit import fit

    graphs = of(study.data, piece.name).graphs
    run = fit(piece.recipe, untested(piece.rows(study)), graphs, piece.folder(study))
    if not trained(study, piece):
        study.ledger.add(run, graphs.version, study.command)


def train_and_look(study: Study, piece: Piece) -> None:
    """Train where no checkpoint is at hand, then score the test rows and write the look down."""
    if not has_checkpoint(study, piece):
        train(study, piece)
    look(study, [piece])


def has_checkpoint(study: Study, piece: Piece) -> bool:
    """Whether the checkpoint of exactly this training is at hand."""
    from models.checkpoint import CheckpointError, read

    try:
        found = read(piece.checkpoint(study))
    except CheckpointError:
        return False
    return found.recipe == piece.recipe and found.run.data == untested(piece.rows(study)).digest


def look_key(study: Study, pieces: Sequence[Piece]) -> dict[str, object]:
    """What a look at one split with these pieces' checkpoints (one, or all seeds of a recipe) is known by."""
    first = pieces[0]
    return {
        "set": first.name,
        "split": first.split,
        "seed": "+".join(str(piece.recipe.seed) for piece in pieces),
        "recipe": replace(first.recipe, seed=0).digest,
        "data": first.rows(study).digest,
        "graphs": GatheredGraphs.version,
    }


def looked(study: Study, pieces: Sequence[Piece]) -> bool:
    """Whether this look was taken."""
    return study.looks(pieces[0].kind).stands(**look_key(study, pieces))


def look(study: Study, pieces: Sequence[Piece]) -> None:
    """Score the test rows once with the mean of these pieces' predictions, and write it down."""
    from models.checkpoint import read
    from models.evaluate import predicted

    if looked(study, pieces):
        return
    first = pieces[0]
    rows = first.rows(study)
    graphs, checkpoints = of(study.data, first.name).graphs, [read(piece.checkpoint(study)) for piece in pieces]
    told = np.mean([predicted(checkpoint, rows, graphs, "test")[:, 0] for checkpoint in checkpoints], axis=0)
    study.looks(first.kind).score(look_key(study, pieces), rows, told, study.command)
