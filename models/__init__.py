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
