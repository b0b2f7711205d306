"""No sharing: one task, one encoder, one decoder. The baseline under every claim about learning together."""

from __future__ import annotations

from models.recipe import Recipe, RecipeError
from models.sharing.hard import Hard


class Single(Hard):
    """Batch -> (B, 1, told): hard sharing among one, so that the two can be compared weight for weight."""

    def __init__(self, recipe: Recipe) -> None:
        if len(recipe.tasks) != 1:
            raise RecipeError(f"sharing 'single' learns one task, found {len(recipe.tasks)}")
        super().__init__(recipe)
