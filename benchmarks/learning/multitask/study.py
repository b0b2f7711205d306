"""Study: where its files are, how large it is, and one piece of its work: a training, or a look at what it gave.

Training never sees test rows: they are taken away before. A look loads the checkpoint and scores them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.learning.chang2022.study import of, untested
from benchmarks.learning.multitask.candidates import candidates
from benchmarks.learning.multitask.company import together
from benchmarks.learning.multitask.regimes import taught
from benchmarks.learning.multitask.sources import SOURCES, source_rows
from benchmarks.learning.published.choices import Choices
from benchmarks.learning.published.looks import Looks
from lake.graphs.gathered import GatheredGraphs
from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.dataset import TrainingRows
from models.ledger import Ledger
from models.published.overlap import Overlap
from models.recipe import Recipe
from models.starts import bound

SPLITS = 5


@dataclass(frozen=True)
class Study:
    """lake: that the encoders learn from.  data: folder of the published files.  work: of checkpoints.

    results: of the ledgers.  epochs, recipes, splits, seeds: smaller for a trial; None and the defaults are the study.
    """

    lake: Path
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
        """Of every training of a small set."""
        return Ledger.of("multitask_validation", self.results, target=pl.String, regime=pl.String)

    @property
    def sources_ledger(self) -> Ledger:
        """Of every encoder's training."""
        return Ledger.of("multitask_pretraining", self.results, regime=pl.String)

    def looks(self, regime: str) -> Looks:
        """At test rows, by networks whose encoders learnt under this regime."""
        return Looks(self.results / f"multitask_looks_{regime}.csv")

    @property
    def choices(self) -> Choices:
        """One line per set: the recipe that its validation rows chose."""
        return Choices(self.results / "multitask_chosen.csv")

    @property
    def overlap_folder(self) -> Path:
        """Which crystals are the same; of data, so not among the results."""
        return self.work / "overlap"

    @property
    def sources(self) -> dict[str, Recipe]:
        """Name -> recipe of seed 0."""
        return {name: self.shortened(recipe) for name, recipe in SOURCES.items()}

    def shortened(self, recipe: Recipe) -> Recipe:
        """With the epochs of a trial."""
        return recipe if self.epochs is None else replace(recipe, epochs=self.epochs)

    def candidates(self, name: str) -> list[Recipe]:
        """What is tried for a set, of seed 0."""
        tried = candidates(name)[: self.recipes]
        return [self.shortened(candidate.recipe(name, self.sources)) for candidate in tried]

    def seeded(self, recipe: Recipe, seed: int) -> Recipe:
        """A candidate of another seed, which begins with sources of that seed."""
        slugs = {source.slug: source for source in self.sources.values()}
        starts = tuple(replace(slugs[slug], seed=seed).slug for slug in recipe.starts)
        return replace(recipe, seed=seed, starts=starts)

    def plain(self, recipe: Recipe) -> Recipe:
        """The same of seed 0: what `seeded` makes others of."""
        slugs = {replace(source, seed=recipe.seed).slug: source for source in self.sources.values()}
        return replace(recipe, seed=0, starts=tuple(slugs[slug].slug for slug in recipe.starts))


# Encoders


@dataclass(frozen=True)
class Source:
    """An encoder: its recipe, with its seed, under a regime."""

    recipe: Recipe
    regime: str

    def folder(self, study: Study) -> Path:
        """Of the checkpoint; the regimes' recipes are named alike."""
        return study.work / self.regime

    def checkpoint(self, study: Study) -> Path:
        """Where training leaves it."""
        return self.folder(study) / f"{self.recipe.slug}.safetensors"

    def rows(self, study: Study) -> TrainingRows:
        """What it learns from."""
        return _source_rows(study.lake, study.overlap_folder, self.recipe.tasks, self.regime)


@lru_cache(maxsize=32)
def _source_rows(lake: Path, overlaps: Path, tasks: tuple[str, ...], regime: str) -> TrainingRows:
    return taught(_all_rows(lake, tasks), overlap_of(overlaps), regime)


@lru_cache(maxsize=8)
def _all_rows(lake: Path, tasks: tuple[str, ...]) -> TrainingRows:
    return source_rows(Lake(lake), tasks)


@lru_cache(maxsize=2)
def overlap_of(path: Path) -> Overlap:
    """As the first stage left it, read once per process."""
    return Overlap.read(path)


def has_source(study: Study, source: Source) -> bool:
    """Whether the checkpoint of exactly this training is at hand."""
    return _stands(source.checkpoint(study), source.recipe, source.rows(study).digest)


def train_source(study: Study, source: Source) -> None:
    """Train an encoder, and write it to the ledger if it does not stand there."""
    from models.fit import fit

    graphs = GraphStore(Lake(study.lake))
    rows = source.rows(study)
    run = fit(source.recipe, rows, graphs, source.folder(study))
    if not len(study.sources_ledger.found(source.recipe, rows.digest, graphs.version)):
        study.sources_ledger.add(run, graphs.version, study.command, regime=source.regime)


# Small sets


@dataclass(frozen=True)
class Piece:
    """One recipe, with its seed, for one set on one of its splits, under a regime."""

    name: str
    recipe: Recipe
    regime: str
    split: int

    @property
    def others(self) -> tuple[str, ...]:
        """The sets that learn with it."""
        return tuple(task for task in self.recipe.tasks if task != self.name)

    def rows(self, study: Study) -> TrainingRows:
        """All rows of the split, test included, and those of its company."""
        return _rows(study.data, study.overlap_folder, self.name, self.others, self.split)

    def graphs(self, study: Study) -> GatheredGraphs:
        """Of all these rows."""
        return of(study.data, self.name).graphs if not self.others else _graphs(study.data, self.recipe.tasks)

    def sources(self, study: Study) -> list[Source]:
        """The encoders that it begins with."""
        seed = self.recipe.seed
        there = [replace(source, seed=seed) for source in study.sources.values()]
        slugs = {source.slug: source for source in there}
        return [Source(slugs[slug], self.regime) for slug in self.recipe.starts]

    def data(self, study: Study, rows: TrainingRows) -> str:
        """Digest of all that was learnt from, rows (of this split) and encoders' rows."""
        return bound(rows.digest, [source.rows(study).digest for source in self.sources(study)])

    def folder(self, study: Study) -> Path:
        """Of the checkpoint: recipes are named alike on every split."""
        return study.work / self.regime / self.name / str(self.split)

    def checkpoint(self, study: Study) -> Path:
        """Where training leaves it."""
        return self.folder(study) / f"{self.recipe.slug}.safetensors"


@lru_cache(maxsize=256)
def _rows(data: Path, overlaps: Path, name: str, others: tuple[str, ...], split: int) -> TrainingRows:
    rows = of(data, name).splits[split]
    return together(rows, [of(data, other) for other in others], overlap_of(overlaps)) if others else rows


@lru_cache(maxsize=3)
def _graphs(data: Path, names: tuple[str, ...]) -> GatheredGraphs:
    return GatheredGraphs([crystal for name in names for crystal in of(data, name).crystals])


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
    data = piece.data(study, untested(piece.rows(study)))
    found = study.ledger.found(piece.recipe, data, GatheredGraphs.version)
    return found.filter(pl.col("property") == piece.name)


def train(study: Study, piece: Piece) -> None:
    """Train without the test rows, and write it to the ledger if it does not stand there."""
    from models.fit import fit

    for source in piece.sources(study):  # a recipe begins with runs of its own folder
        _beside(source.checkpoint(study), piece.folder(study))
    graphs = piece.graphs(study)
    run = fit(piece.recipe, untested(piece.rows(study)), graphs, piece.folder(study))
    if not trained(study, piece):
        study.ledger.add(run, graphs.version, study.command, target=piece.name, regime=piece.regime)


def _beside(checkpoint: Path, folder: Path) -> None:
    """A link to it in the folder; that of an encoder trained anew is the new one's."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / checkpoint.name
    if link.is_symlink() or link.exists():
        return
    try:
        link.symlink_to(os.path.relpath(checkpoint, folder))
    except FileExistsError:  # another process was faster
        return


def has_checkpoint(study: Study, piece: Piece) -> bool:
    """Whether the checkpoint of exactly this training is at hand."""
    data = piece.data(study, untested(piece.rows(study)))
    return _stands(piece.checkpoint(study), piece.recipe, data)


def _stands(path: Path, recipe: Recipe, data: str) -> bool:
    from models.checkpoint import CheckpointError, read

    try:
        found = read(path)
    except CheckpointError:
        return False
    return found.recipe == recipe and found.run.data == data


def train_and_look(study: Study, piece: Piece) -> None:
    """Train where no checkpoint is at hand, then score the test rows and write the look down."""
    if not has_checkpoint(study, piece):
        train(study, piece)
    look(study, [piece])


def look_key(study: Study, pieces: Sequence[Piece]) -> dict[str, object]:
    """What a look at one split with these pieces' checkpoints (one, or all seeds of a recipe) is known by."""
    first = pieces[0]
    return {
        "set": first.name,
        "split": first.split,
        "seed": "+".join(str(piece.recipe.seed) for piece in pieces),
        "recipe": study.plain(first.recipe).digest,
        "data": first.data(study, first.rows(study)),
        "graphs": GatheredGraphs.version,
    }


def looked(study: Study, pieces: Sequence[Piece]) -> bool:
    """Whether this look was taken."""
    return study.looks(pieces[0].regime).stands(**look_key(study, pieces))


def look(study: Study, pieces: Sequence[Piece]) -> None:
    """Score the test rows once with the mean of these pieces' predictions, and write it down."""
    from models.checkpoint import read
    from models.evaluate import predicted

    if looked(study, pieces):
        return
    first = pieces[0]
    rows, graphs = first.rows(study), first.graphs(study)
    column = rows.tasks.index(first.name)
    checkpoints = [read(piece.checkpoint(study)) for piece in pieces]
    told = np.mean([predicted(checkpoint, rows, graphs, "test")[:, column] for checkpoint in checkpoints], axis=0)
    rows = of(study.data, first.name).splits[first.split]
    study.looks(first.regime).score(look_key(study, pieces), rows, told, study.command)
