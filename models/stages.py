"""Stages: the runs that a way of sharing takes, in turn. Most take one; some begin with others. No torch here.

The runs of the last stage are candidates: validation chooses among them (`models/sharing/adashare.py` draws several
policies, one of which is kept).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.recipe import Recipe

POLICIES = 4  # drawn from what AdaShare learnt, and trained from the beginning; the paper draws eight


def stages(recipe: Recipe, sources: Sequence[str] = ()) -> list[list[Recipe]]:
    """The runs for this recipe, stage by stage; it is the last one, or what several last ones are made of.

    sources: tasks whose single runs the scheme `experts` begins with, the recipe's own where none are named.
    A recipe that says what it begins with is taken as it is.
    """
    if recipe.starts:
        return [[recipe]]
    if recipe.sharing == "adashare":
        drawn = [
            replace(recipe, starts=(recipe.slug,), options=(*recipe.options, ("draw", draw)))
            for draw in range(POLICIES)
        ]
        return [[recipe], drawn]
    if recipe.sharing == "experts":
        single = {"sharing": "single", "balance": "equal", "temperature": None, "decoders": (), "options": ()}
        single |= {"criterion": "joint", "start_rate": 1.0}  # one encoder each, that learns as a single run's
        alone = [replace(recipe, tasks=(task,), **single) for task in sources or recipe.tasks]
        return [alone, [replace(recipe, starts=tuple(run.slug for run in alone))]]
    return [[recipe]]
