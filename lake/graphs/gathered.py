"""Graphs of crystals that are in no lake, found by their structures' hashes like those of the store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from lake.crystal import Crystal
from lake.graphs.arrays import GraphBatch, Graphs
from lake.graphs.build import VERSION, build
from lake.graphs.folded import fold
from lake.graphs.shards import MissingGraph


class GatheredGraphs:
    """The graphs of these crystals, each distinct structure once; what training asks of a `GraphStore` holds here."""

    version = VERSION

    def __init__(self, crystals: Sequence[Crystal]) -> None:
        distinct = {crystal.structure_hash: crystal for crystal in crystals}
        self.graphs: Graphs = build(list(distinct.values()))
        self._folded = fold(self.graphs)
        self._at = {structure: row for row, structure in enumerate(distinct)}

    def __len__(self) -> int:
        return len(self._at)

    def rows(self, structure_hashes: Sequence[str] | pl.Series) -> np.ndarray:
        """The rows of these structures, (n,) int64; MissingGraph names one that has none."""
        lost = [structure for structure in structure_hashes if structure not in self._at]
        if lost:
            raise MissingGraph(f"{len(lost)} of {len(structure_hashes)} structures are not here, first {lost[0]}")
        return np.array([self._at[structure] for structure in structure_hashes], dtype=np.int64)

    def batch(self, rows: np.ndarray) -> GraphBatch:
        """The folded graphs of these rows, in this order, as one union graph: what networks learn from."""
        return self._folded.batch(rows)

    def whole(self, rows: np.ndarray) -> GraphBatch:
        """The same with every atom of every crystal."""
        return self.graphs.batch(rows)
