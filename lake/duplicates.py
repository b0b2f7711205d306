"""Crystals that are told more than once, and what each database calls them."""

from __future__ import annotations

import polars as pl

from lake.lookup import reduced
from lake.sources import EVERY
from lake.sql import query
from lake.store import Lake


def duplicates(lake: Lake, formula: str = "", source: str = "", within: str = "") -> pl.DataFrame:
    """Materials of several entries, the most often told first: rows of the view `names`, ids as told by each database.

    formula: only of this composition, in any spelling: O2Si is SiO2. source: only those that this database tells.
    within: only those that this database alone tells more than once. Databases that tell none of them have no column.
    """
    wanted = ["entries > 1"]
    if formula:
        wanted.append(f"reduced_formula = '{reduced(formula)}'")
    if source:
        wanted.append(f"{_slug(source)} IS NOT NULL")
    if within:
        wanted.append(f"len({_slug(within)}) > 1")
    rows = query(lake, f"SELECT * FROM names WHERE {' AND '.join(wanted)} ORDER BY entries DESC, material_id")
    return rows.drop(name for name in EVERY if rows[name].null_count() == len(rows))


def _slug(source: str) -> str:
    if source not in EVERY:
        raise ValueError(f"no source is called {source!r}; there are {', '.join(EVERY)}")
    return source
