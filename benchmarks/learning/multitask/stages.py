"""Stages: what is trained in which order. Best value first, so that what is there when it is stopped is of use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.learning.multitask.lookup import look_up
from benchmarks.learning.multitask.regimes import CHOICE, REGIMES
from benchmarks.learning.multitask.study import (
    Piece,
    Source,
    Study,
    has_checkpoint,
    has_source,
    look,
    looked,
    of,
    train,
    train_and_look,
    train_source,
    trained,
    validation_error,
)
from benchmarks.learning.published.choices import FINALISTS, OPENING, before_looks
from lake.store import Lake
from models.pool import spread
from models.published import PUBLISHED
from models.published.overlap import overlap
from models.recipe import Recipe

GRAPHS_PER_SECOND = 2000.0  # trained on one core at width 64 and 3 layers; only estimates of time depend on it
LATEST, FEW = 60, 5  # trainings that tell how fast this goes


# Encoders


def compare(study: Study, processes: int | None) -> None:
    """Find which crystals are the same, of all published sets, whichever the study is of."""
    if not (study.overlap_folder / "crystals.parquet").exists():
        overlap([of(study.data, name) for name in PUBLISHED], Lake(study.lake), processes).write(study.overlap_folder)


def lost(study: Study, pieces: Iterable[Piece]) -> list[Source]:
    """The encoders that these begin with and that are not at hand, the dearest first."""
    sources = dict.fromkeys(source for piece in pieces for source in piece.sources(study))
    return sorted((s for s in sources if not has_source(study, s)), key=lambda source: -_graphs(study, source))


def pretrain(study: Study, processes: int | None) -> None:
    """Train the encoders that the next stage begins with: before a choice all of seed 0, after it those it needs."""
    compare(study, processes)
    untrained = [piece for piece in opening(study) if not trained(study, piece)]
    unseen = [piece for several in seeded(study) for piece in several if not looked(study, [piece])]
    _encoders(study, untrained + unseen, processes)


def _encoders(study: Study, pieces: Iterable[Piece], processes: int | None) -> None:
    spread(train_source, [(study, source) for source in lost(study, pieces)], "encoders", processes)


# Choice


def opening(study: Study) -> list[Piece]:
    """Every candidate of the sets that have no recipe yet, on the first splits."""
    splits, done = range(min(OPENING, study.splits)), study.choices.recipes()
    names = [name for name in study.sets if name not in done]
    return [Piece(name, recipe, CHOICE, s) for name in names for recipe in study.candidates(name) for s in splits]


def final(study: Study, name: str) -> list[Recipe]:
    """The candidates that come into question after the opening, best first."""
    splits = range(min(OPENING, study.splits))
    ranked = sorted(study.candidates(name), key=lambda recipe: _mean_error(study, name, recipe, splits))
    return ranked[:FINALISTS]


def choose(study: Study, processes: int | None) -> None:
    """Give every set its recipe: the one of lowest mean error on the validation rows."""
    names = [name for name in study.sets if name not in study.choices.recipes()]
    seen = {name for regime in REGIMES for name in study.looks(regime).rows()["set"]}
    before_looks(names, seen)
    pretrain(study, processes)
    _train(study, opening(study), "first splits", processes)
    finals = {name: final(study, name) for name in names}
    several = [name for name in names if len(finals[name]) > 1]
    rest = [Piece(name, r, CHOICE, s) for name in several for r in finals[name] for s in range(study.splits)]
    _train(study, rest, "all splits", processes)
    for name in names:
        splits = range(study.splits if name in several else min(OPENING, study.splits))
        best = min(finals[name], key=lambda recipe: _mean_error(study, name, recipe, splits))
        _write_choice(study, name, best, len(splits))


def _mean_error(study: Study, name: str, recipe: Recipe, splits: Iterable[int]) -> float:
    return float(np.mean([validation_error(study, Piece(name, recipe, CHOICE, split)) for split in splits]))


def _write_choice(study: Study, name: str, best: Recipe, splits: int) -> None:
    tried, opened = study.candidates(name), range(min(OPENING, study.splits))
    errors = _mean_error(study, name, best, opened), _mean_error(study, name, tried[0], opened)
    study.choices.add(name, best, tried, splits, errors)


def _train(study: Study, pieces: Sequence[Piece], doing: str, processes: int | None) -> None:
    todo = [piece for piece in pieces if not trained(study, piece)]
    _encoders(study, todo, processes)
    spread(train, [(study, piece) for piece in sorted(todo, key=lambda piece: -_size(study, piece))], doing, processes)


# Looks


def seeded(study: Study) -> list[list[Piece]]:
    """Of every regime, set with a recipe and split, the pieces of all seeds; what claims rest on first."""
    recipes = study.choices.recipes()
    return [
        [Piece(name, study.seeded(recipes[name], seed), regime, split) for seed in range(study.seeds)]
        for regime in (CHOICE, "all", "underived")
        for name in study.sets
        if name in recipes
        for split in range(study.splits)
    ]


def waves(study: Study) -> list[list[Piece]]:
    """All pieces that are looked at: all seeds of the regime that chose, then one seed after the other of the rest."""
    pieces = [piece for several in seeded(study) for piece in several]
    first = [piece for piece in pieces if piece.regime == CHOICE]
    rest = [[p for p in pieces if p.regime != CHOICE and p.recipe.seed == seed] for seed in range(study.seeds)]
    return [first, *rest]


def look_at(study: Study, processes: int | None) -> None:
    """The chosen recipes on every split under every regime: each seed's test error, then that of the seeds' mean."""
    compare(study, processes)
    look_up(study)
    for wave in waves(study):
        todo = [piece for piece in wave if not looked(study, [piece])]
        _encoders(study, todo, processes)
        spread(train_and_look, [(study, piece) for piece in todo], "published splits", processes)
    for several in seeded(study):
        if study.seeds > 1 and not looked(study, several) and all(has_checkpoint(study, piece) for piece in several):
            look(study, several)


# Plan


@dataclass(frozen=True)
class Left:
    """What a stage still has to train: runs, and seconds on one core."""

    stage: str
    runs: int
    seconds: float


def left(study: Study) -> list[Left]:
    """What each stage still has to train; where nothing is chosen yet, as if first candidates won."""
    recipes = study.choices.recipes()
    first = {name: recipes.get(name) or study.candidates(name)[0] for name in study.sets}
    opened = opening(study)
    finals = [Piece(name, r, CHOICE, s) for name in study.sets if name not in recipes
              for r in study.candidates(name)[:FINALISTS] for s in range(OPENING, study.splits)]  # fmt: skip
    choosing = [piece for piece in opened + finals if not trained(study, piece)]
    looks = [Piece(name, study.seeded(first[name], seed), regime, split)
             for regime in REGIMES for name in study.sets for split in range(study.splits)
             for seed in range(study.seeds)]  # fmt: skip
    looking = [piece for piece in looks if not looked(study, [piece])]
    encoders = {s for piece in choosing + looking for s in piece.sources(study) if not has_source(study, s)}
    speed = GRAPHS_PER_SECOND / pace(study)
    return [
        Left("pretrain", len(encoders), sum(_graphs(study, source) for source in encoders) / speed),
        Left("choose", len(choosing), sum(_size(study, piece) for piece in choosing) / speed),
        Left("look", len(looking), sum(_size(study, piece) for piece in looking) / speed),
    ]


def pace(study: Study) -> float:
    """By how much the latest trainings in the ledgers were slower than expected; 1 where there are few."""
    ledgers = [ledger.rows() for ledger in (study.ledger, study.sources_ledger)]
    latest = pl.concat([rows.select("fields", "n_train", "n_validation", "epochs", "seconds") for rows in ledgers])
    ratios = [
        seconds / _cost(Recipe.from_json(told), n_train, n_validation) * GRAPHS_PER_SECOND
        for told, n_train, n_validation, _, seconds in latest.tail(LATEST).rows()
        if len(Recipe.from_json(told).tasks) == 1
    ]
    ratio = float(np.median(ratios)) if len(ratios) >= FEW else 1.0
    return ratio or 1.0  # of trials so short that the ledger tells no seconds


def _graphs(study: Study, source: Source) -> float:
    rows = source.rows(study)
    return _cost(source.recipe, len(rows.of("train")), len(rows.of("validation")))


def _size(study: Study, piece: Piece) -> float:
    rows = piece.rows(study)
    return _cost(piece.recipe, len(rows.of("train")), len(rows.of("validation")))


def _cost(recipe: Recipe, n_train: int, n_validation: int) -> float:
    """Graphs that a network of width 64 and 3 layers would train on in the same time."""
    mixed = 1 + max(0, len(recipe.starts) - 1) / 2  # the encoders of a mixture are mostly not trained
    size = (recipe.gnn_layers + 1) / 4 * (recipe.width / 64) ** 1.3 * mixed
    return recipe.epochs * (n_train + n_validation / 3) * size
