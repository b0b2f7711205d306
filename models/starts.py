"""Starts: what a run takes from earlier ones, of the big properties for the small; and how the two stay bound together.

A run that began with another is known by its rows and by those of the other: were that one trained again on other rows,
this one would be another run, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from models.checkpoint import Checkpoint, CheckpointError, read
from models.dataset import TrainingRows
from models.recipe import Recipe, RecipeError


def starts_of(recipe: Recipe, folder: Path) -> list[Checkpoint]:
    """The checkpoints that the recipe begins with; RecipeError names one that is not in the folder."""
    found = []
    for slug in recipe.starts:
        path = Path(folder) / f"{slug}.safetensors"
        try:
            found.append(read(path))
        except CheckpointError as error:
            raise RecipeError(f"a recipe begins with finished runs of the same folder: {error}") from error
    return found


def digest(rows: TrainingRows, starts: Sequence[Checkpoint]) -> str:
    """Of all that was learnt from, 16 hex digits: that of the rows where nothing came before."""
    return bound(rows.digest, [start.run.data for start in starts])


def bound(rows: str, starts: Sequence[str]) -> str:
    """The same of digests: that of the rows, and those that the earlier runs have."""
    return hashlib.blake2b(" ".join([rows, *starts]).encode(), digest_size=8).hexdigest() if starts else rows


def licences(own: Sequence[str], starts: Sequence[Checkpoint]) -> tuple[str, ...]:
    """Those of the rows and of all that the earlier runs learnt from."""
    return tuple(sorted({*own, *(licence for start in starts for licence in start.run.licences)}))
