"""What the shared tests of sharing train: every scheme, small, with what it needs to begin."""

from __future__ import annotations

from importlib.util import find_spec

from models.recipe import Recipe
from models.sharing import SHARINGS

TASKS = ("band_gap", "bulk_modulus")
THERE = [name for name, told in SHARINGS.items() if name != "single" and find_spec(told.split(":")[0])]
SMALL = {"width": 8, "gnn_layers": 2, "batch_size": 32, "epochs": 3, "learning_rate": 1e-2}

EXPERTS = [Recipe((task,), **SMALL | {"epochs": 1}) for task in TASKS]  # what `experts` begins with
OWN: dict[str, dict[str, object]] = {"experts": {"starts": tuple(recipe.slug for recipe in EXPERTS)}}


def recipe_of(name: str, tasks: tuple[str, ...] = TASKS, **fields: object) -> Recipe:
    """A small recipe of this scheme."""
    return Recipe(tasks, sharing=name, **SMALL | OWN.get(name, {}) | fields)
