"""A recipe is a value: it names itself, survives JSON, and refuses what cannot be trained."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest

from lake.properties import UnknownProperty
from models.recipe import ORIGINAL, Recipe, RecipeError


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(("band_gap", "bulk_modulus"), seed=3, sharing="hard", steps=10, limit=5)
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_the_published_recipe_is_a_recipe() -> None:
    assert Recipe.from_json(Recipe(("band_gap",), **ORIGINAL).to_json()) == Recipe(("band_gap",), **ORIGINAL)
    assert set(ORIGINAL) < {field.name for field in fields(Recipe)}


def test_the_order_of_tasks_cannot_matter() -> None:
    one = Recipe(("bulk_modulus", "band_gap"), sharing="hard")
    assert one == Recipe(("band_gap", "bulk_modulus"), sharing="hard")


def test_every_field_changes_the_digest_and_the_slug_is_safe() -> None:
    recipe = Recipe(("band_gap",))
    changed = {
        "seed": 1, "width": 8, "steps": 9, "limit": 7, "optimiser": "sgd", "schedule": "steps", "loss": "mse",
        "largest_gradient": None, "transform": "none",
    }  # fmt: skip
    others = [Recipe(("band_gap",), **{field: value}) for field, value in changed.items()]
    assert len({recipe.digest, *(o.digest for o in others)}) == 1 + len(changed)
    assert set(recipe.slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-")


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"tasks": ("band_gapp",)}, UnknownProperty, "band_gap"),
        ({"tasks": ()}, RecipeError, "at least one task"),
        ({"tasks": ("band_gap", "bulk_modulus")}, RecipeError, "hard"),
        ({"tasks": ("band_gap",), "epochs": 0}, RecipeError, "epochs"),
        ({"tasks": ("band_gap",), "patience": 5}, RecipeError, "onecycle"),
        ({"tasks": ("band_gap",), "largest_gradient": 0.0}, RecipeError, "largest_gradient"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(fields: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        Recipe(**fields)


def test_a_recipe_of_another_version_is_refused() -> None:
    with pytest.raises(RecipeError, match="flavour"):
        Recipe.from_json('{"tasks": ["band_gap"], "flavour": 1}')


def test_digests_stand_in_ledgers_and_never_change() -> None:
    assert Recipe(("band_gap",)).digest == "fbacbba7"
    assert Recipe(("band_gap", "bulk_modulus"), seed=2, sharing="hard", width=128, loss="huber").digest == "c742cc99"


def test_planning_needs_no_torch() -> None:
    check = "import sys, models.study, models.predicting, models.transfer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
