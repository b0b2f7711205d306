"""By time: what was published first teaches, what was published last is tested. For materials whose year is known.

A material's year is the earliest of its entries'. An older record may join a material that was drawn as new: the draw
stands, since nobody who learnt on the training part has seen it.
"""

from __future__ import annotations

import polars as pl

from lake.structures.splits.material import ids
from lake.structures.splits.scheme import PARTS, Scheme

LAST_OF_TRAIN, LAST_OF_VALIDATION = 2009, 2014  # round years, chosen and not fitted to any data
RULE = f"earliest year of any entry, train to {LAST_OF_TRAIN}, validation to {LAST_OF_VALIDATION}, test after, v1"


def draw(materials: pl.DataFrame) -> pl.Series:
    """The parts of their years, null where no entry tells one."""
    train, validation, test = map(pl.lit, PARTS)
    year = pl.col("year")
    later = pl.when(year <= LAST_OF_VALIDATION).then(validation).when(year.is_not_null()).then(test)
    return materials.select(split=pl.when(year <= LAST_OF_TRAIN).then(train).otherwise(later)).to_series()


SCHEME = Scheme("time", RULE, draw, ids, remembers=True)
