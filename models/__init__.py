"""models: WHAT can be learned? torch lives here; dagster and mlflow do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import polars as pl
    from pymatgen.core import Structure

    from lake.crystal import Crystal
    from lake.store import Lake
    from models.run import Run


def predict(
    crystals: Mapping[str, Crystal | Structure] | Iterable[Crystal | Structure],
    models: Lake | Path,
    properties: Sequence[str] | None = None,
) -> pl.DataFrame:
    """What trained models say of these crystals, with 90 % intervals: a row for every crystal and property.

    models: a lake, or a folder of checkpoints. Columns and errors: `models.predicting.predict_crystals`.
    """
    from models.predicting import predict_crystals

    return predict_crystals(models, crystals, properties)


def train(
    lake: Lake,
    sharing: str,
    tasks: Sequence[str],
    sources: Sequence[str] = (),
    budget: str = "",
    processes: int | None = None,
    snapshot: str = "",
    **fields: object,
) -> list[Run]:
    """Train one network by a way of sharing, with all that comes before it; the runs, the chosen one first.

    sharing: a name in `models/sharing`.  tasks: properties.  sources: those whose single runs `experts` begins with.
    budget: sample or real, whose sizes of network are taken, by default as the lake is; steps and limit are not.
    fields: any further field of `Recipe`: epochs, seed, balance, encoder. Checkpoints are in `models/checkpoints`.
    Raises RecipeError, which lists the names there are, and TaskError before any training.
    """
    from models.recipe import Recipe
    from models.study import budget_of, run_method

    size = {name: value for name, value in budget_of(lake, budget).items() if name not in ("steps", "limit")}
    recipe = Recipe(tuple(tasks), sharing=sharing, **size | fields)
    return run_method(lake, recipe, sources, processes, snapshot)
