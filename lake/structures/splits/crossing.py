"""What crosses: whether rows of SPLITS hold to what their schemes forbid. For checks and tests; nothing here draws."""

from __future__ import annotations

import polars as pl

from lake.structures.splits import SCHEMES


def crossing(splits: pl.DataFrame) -> dict[str, int]:
    """Scheme -> formulas, chemical systems or materials that stand in more than one of its parts. All should be 0."""
    return {name: _crossing(splits.filter(pl.col("scheme") == name), name) for name in SCHEMES}


def _crossing(rows: pl.DataFrame, scheme: str) -> int:
    named = rows.select("split", SCHEMES[scheme].whole(rows).alias("whole"))
    return int((named.group_by("whole").n_unique()["split"] > 1).sum())
