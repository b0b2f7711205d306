"""By reduced formula, the default: polymorphs of one composition stay together, and so does every duplicate.

The part hangs on a hash of the formula alone: nobody has to remember a draw.
"""

from __future__ import annotations

import polars as pl

from lake.structures.splits.scheme import Scheme, parts

RULE = "hash of reduced formula, 80/10/10, v1"


def formulas(materials: pl.DataFrame) -> pl.Series:
    """Their reduced formulas."""
    return materials["reduced_formula"]


def draw(materials: pl.DataFrame) -> pl.Series:
    """The parts of their formulas."""
    return parts(RULE, formulas(materials))


SCHEME = Scheme("reduced_formula", RULE, draw, formulas)
