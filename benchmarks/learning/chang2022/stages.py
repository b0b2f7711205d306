"""Stages: what is trained in which order. Best value first, so that what is there when it is stopped is of use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from benchmarks.learning.chang2022.study import (
    Piece,
    Study,
    has_checkpoint,
    look,
    looked,
    train,
    train_and_look,
    trained,
    validation_error,
)
from benchmarks.learning.published.choices import FINALISTS, OPENING, before_looks
from models.pool import spread
from models.recipe import Recipe

# Choice


def opening(study: Study) -> list[Piece]:
    """Every candidate of the sets that have no recipe yet, on the first splits."""
    splits = range(min(OPENING, study.splits))
    names = [name for name in study.sets if name not in study.choices.recipes()]
    return [Piece(recipe, "published", s) for name in names for recipe in study.candidates(name) for s in splits]


def final(study: Study, name: str) -> list[Recipe]:
    """The candidates that come into question after the opening, best first."""
    splits = range(min(OPENING, study.splits))
    ranked = sorted(study.candidates(name), key=lambda recipe: _mean_error(study, recipe, splits))
    return ranked[:FINALISTS]


def choose(study: Study, processes: int | None) -> None:
    """Give every set its recipe: the one of lowest mean error on the validation rows."""
    names = [name for name in study.sets if name not in study.choices.recipes()]
    seen = set(study.looks("published").rows()["set"]) | set(study.looks("grouped").rows()["set"])
    before_looks(names, seen)
    _train(study, opening(study), "first splits", processes)
    finals = {name: final(study, name) for name in names}
    several = [name for name in names if len(finals[name]) > 1]
    rest = [Piece(r, "published", s) for name in several for r in finals[name] for s in range(study.splits)]
    _train(study, rest, "all splits", processes)
    for name in names:
        splits = range(study.splits if name in several else min(OPENING, study.splits))
        best = min(finals[name], key=lambda recipe: _mean_error(study, recipe, splits))
        _write_choice(study, name, best, len(splits))


def _mean_error(study: Study, recipe: Recipe, splits: Iterable[int]) -> float:
    errors = [validation_error(study, Piece(recipe, "published", split)) for split in splits]
    return sum(errors) / len(errors)


def _write_choice(study: Study, name: str, best: Recipe, splits: int) -> None:
    tried, opened = study.candidates(name), range(min(OPENING, study.splits))
    errors = _mean_error(study, best, opened), _mean_error(study, tried[0], opened)
    study.choices.add(name, best, tried, splits, errors)


def _train(study: Study, pieces: list[Piece], doing: str, processes: int | None) -> None:
    spread(train, [(study, piece) for piece in pieces if not trained(study, piece)], doing, processes)


# Looks


def seeded(study: Study, kind: str, seeds: int) -> list[list[Piece]]:
    """Of every set with a recipe and every split, the pieces of all seeds."""
    recipes = study.choices.recipes()
    return [
        [Piece(replace(recipes[name], seed=seed), kind, split) for seed in range(seeds)]
        for name in study.sets
        if name in recipes
        for split in range(study.splits)
    ]


def look_at(study: Study, kind: str, seeds: int, processes: int | None) -> None:
    """The chosen recipes on every split of a kind: each seed's test error, then that of the seeds' mean prediction."""
    together = seeded(study, kind, seeds)
    pieces = [piece for one_seed in zip(*together, strict=True) for piece in one_seed]  # all sets before the next seed
    todo = [piece for piece in pieces if not looked(study, [piece])]
    spread(train_and_look, [(study, piece) for piece in todo], f"{kind} splits", processes)
    for several in together:
        if seeds > 1 and all(has_checkpoint(study, piece) for piece in several):
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
    recipes, sets = study.choices.recipes(), study.sets
    first = {name: recipes.get(name) or study.candidates(name)[0] for name in sets}
    opened = opening(study)
    open_sets = [name for name in sets if name not in recipes]
    finals = [Piece(r, "published", s) for n in open_sets for r in study.candidates(n)[:FINALISTS]
              for s in range(OPENING, study.splits)]  # fmt: skip
    choosing = _left(study, "choose", [piece for piece in opened + finals if not trained(study, piece)])
    done = {(piece.recipe, piece.split) for piece in opened + finals}
    seeds = [Piece(replace(first[n], seed=k), "published", s)
             for n in sets for s in range(study.splits) for k in range(study.seeds)]  # fmt: skip
    unseen = [piece for piece in seeds if not looked(study, [piece]) and not has_checkpoint(study, piece)]
    looking = _left(study, "look", [piece for piece in unseen if (piece.recipe, piece.split) not in done])
    ours = [Piece(first[name], "grouped", split) for name in sets for split in range(study.splits)]
    grouping = _left(study, "grouped", [p for p in ours if not looked(study, [p]) and not has_checkpoint(study, p)])
    return [choosing, looking, grouping]


def _left(study: Study, stage: str, pieces: list[Piece]) -> Left:
    return Left(stage, len(pieces), sum(piece.seconds(study) for piece in pieces))
