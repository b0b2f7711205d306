"""Results: the table of best sizes beside the mission's own, and a line of words for each property."""

from __future__ import annotations

from typing import Any

import polars as pl

from lake.store import Lake
from lake.tables import GRID
from models.grid.asha import rungs
from models.grid.full import FIRST
from models.grid.sizes import FOUND_BEFORE, Size
from models.grid.verdict import FULL, SIZE, agreement, verdict
from models.recipe import Recipe


def compared(lake: Lake) -> list[dict[str, Any]]:
    """A row per property that has runs, in the mission's order.

    property, unit, called and before (the mission's word and size, None without), best, error, error_test (None before
    the full grid has a run), before_excess (how much larger the former size's error is than the lowest, both from the
    first seed), words (on confidence), agreement (on ASHA, None before both modes are done), runs, hours (of a core).
    """
    rows = lake.read(GRID)
    order = [name for name in FOUND_BEFORE if name in set(rows["property"])]
    order += sorted(set(rows["property"]) - set(order))
    return [summed_up(name, rows.filter(pl.col("property") == name)) for name in order]


def summed_up(name: str, rows: pl.DataFrame) -> dict[str, Any]:
    """One row of `compared`, from one property's rows of GRID."""
    judged, before = verdict(rows), FOUND_BEFORE.get(name)
    seen = agreement(rows, rungs(Recipe.from_json(rows["recipe"][0]).epochs))
    return {
        "property": name,
        "unit": rows["unit"][0],
        "called": before.called if before else None,
        "before": str(before.size) if before else None,
        "best": str(judged.best) if judged else None,
        "error": judged.error if judged else None,
        "error_test": judged.error_test if judged else None,
        "before_excess": _excess(rows, before.size) if before else None,
        "words": judged.words if judged else "The full grid has no run yet.",
        "agreement": seen.words if seen else None,
        "runs": len(rows),
        "hours": rows["seconds"].sum() / 3600,
    }


def _excess(rows: pl.DataFrame, size: Size) -> float | None:
    first = rows.filter((pl.col("mode") == FULL) & (pl.col("seed") == FIRST)).drop_nulls("mae_validation")
    mine = first.filter(pl.struct(SIZE) == pl.lit(size._asdict(), pl.Struct(dict.fromkeys(SIZE, pl.Int64))))
    return mine["mae_validation"][0] / first["mae_validation"].min() - 1 if len(mine) else None
