"""Crystals as baselines see them: graphs and volumes of structures that lie in a lake, some at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from lake.graphs.arrays import GraphBatch
from lake.store import Lake
from lake.tables import ENTRIES

AT_ONCE = 1000  # crystals: bounds memory, a few hundred MB for large cells


def batches(lake: Lake, structures: pl.Series) -> Iterator[tuple[GraphBatch, np.ndarray]]:
    """Union graphs and volumes of the cells in A^3, (B,), in the structures' order. MissingGraph names one without."""
    from lake.graphs.shards import GraphStore

    store = GraphStore(lake)
    rows = store.rows(structures)
    asked = pl.col("structure_hash").is_in(structures.unique().implode())
    known = lake.scan(ENTRIES).filter(asked).select("structure_hash", "volume").collect().unique("structure_hash")
    volumes = structures.to_frame("structure_hash").join(known, on="structure_hash", how="left", maintain_order="left")
    for start in range(0, len(rows), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        yield store.whole(rows[part]), volumes["volume"][part].to_numpy()


def tidy(features: np.ndarray) -> np.ndarray:
    """The features to five significant digits, float32: a crystal written in another way is to be the same row.

    Sums in another order differ in their last digits, and a forest would branch on them.
    """
    values = np.asarray(features, dtype=np.float64)
    digits = 4 - np.floor(np.log10(np.maximum(np.abs(values), 1e-6)))
    scale = 10.0**digits
    return (np.round(values * scale) / scale).astype(np.float32)
