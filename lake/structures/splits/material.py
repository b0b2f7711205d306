"""By material: no duplicate crosses, but polymorphs of one formula may. The mildest split.

The part hangs on a hash of the id a material has when it is first drawn. The id changes when a preferred source joins,
so that draw has to stand.
"""

from __future__ import annotations

import polars as pl

from lake.structures.splits.scheme import Scheme, parts

RULE = "hash of material id as first drawn, 80/10/10, v1"


def ids(materials: pl.DataFrame) -> pl.Series:
    """Their ids: one for all that tell the same crystal."""
    return materials["material_id"]


def draw(materials: pl.DataFrame) -> pl.Series:
    """The parts of their ids."""
    return parts(RULE, ids(materials))


SCHEME = Scheme("material", RULE, draw, ids, remembers=True)
