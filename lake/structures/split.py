"""Train, validation, test: which part of the split a material stands in.

The part hangs on a hash of the reduced formula alone: no formula crosses, so no duplicate does; a new material never
moves an old one; and nobody has to remember a draw.
"""

from __future__ import annotations

import hashlib

import polars as pl

from lake.store import Lake
from lake.tables import MATERIALS, SPLITS

RULE = "hash of reduced formula, 80/10/10, v1"
SCHEME = "reduced_formula"
TRAIN, VALIDATION = 0.8, 0.9  # upper ends of their pieces of 0..1; the rest is test


def part(reduced_formula: str) -> str:
    """train, validation or test."""
    digest = hashlib.blake2b(f"{RULE}|{reduced_formula}".encode(), digest_size=8).digest()
    draw = int.from_bytes(digest, "big") / 2**64
    return "train" if draw < TRAIN else "validation" if draw < VALIDATION else "test"


def splits(materials: pl.DataFrame) -> pl.DataFrame:
    """The SPLITS table of these materials, in their order."""
    formulas = materials["reduced_formula"].unique().to_list()
    drawn = pl.DataFrame({"reduced_formula": formulas, "split": [part(formula) for formula in formulas]},
                         schema={"reduced_formula": pl.String, "split": pl.String})  # fmt: skip
    rows = materials.select("material_id", "reduced_formula").join(drawn, on="reduced_formula", maintain_order="left")
    return SPLITS.checked(rows.with_columns(scheme=pl.lit(SCHEME), rule=pl.lit(RULE)).select(SPLITS.schema.names()))


def write_splits(lake: Lake) -> dict[str, int]:
    """Write the table anew from the materials as they are; returns how many stand in each part."""
    drawn = splits(lake.scan(MATERIALS).select("material_id", "reduced_formula").collect())
    lake.replace(SPLITS, drawn)
    return dict(drawn["split"].value_counts().sort("split").iter_rows())
