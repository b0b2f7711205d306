"""How much of each element the Earth's continental crust holds: `abundance.csv`, whose header says where it is from."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl

TABLE = Path(__file__).with_name("abundance.csv")


@cache
def abundance() -> dict[str, float]:
    """Element symbol -> mass fraction in parts per million, of the elements that the crust holds measurably."""
    return dict(pl.read_csv(TABLE, comment_prefix="#").iter_rows())
