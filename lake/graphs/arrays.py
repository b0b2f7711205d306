"""Graphs, the array form of many crystal graphs, and how a random batch of them becomes one union graph.

What belongs here: the layout of the arrays and the gather. Who is whose neighbour: build.py. Files: shards.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit


@dataclass(frozen=True, eq=False)
class Graphs:
    """G graphs with A atoms in all, one behind the other; every atom has the same number k of neighbour slots.

    numbers: (A,) uint8, atomic numbers.
    offsets: (G + 1,) int64, the atoms of graph g are offsets[g]..offsets[g + 1].
    index: (A, k) int32, neighbours, counted within their own graph; an empty slot names the atom itself.
    distance: (A, k) float32, in A; infinity marks an empty slot.
    """

    numbers: np.ndarray
    offsets: np.ndarray
    index: np.ndarray
    distance: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def batch(self, rows: np.ndarray) -> GraphBatch:
        """The graphs of these rows, in this order, as one union graph."""
        rows = np.asarray(rows, dtype=np.int64)
        return union([self], np.zeros(len(rows), dtype=np.int64), rows)


@dataclass(frozen=True, eq=False)
class GraphBatch:
    """B graphs as one: N atoms, k slots each.

    numbers: (N,) uint8.  counts: (B,) int64, atoms per graph.
    index: (N, k) int32, neighbours counted from the first atom of the batch.  distance: (N, k) float32, in A.
    """

    numbers: np.ndarray
    index: np.ndarray
    distance: np.ndarray
    counts: np.ndarray


def union(parts: Sequence[Graphs], part: np.ndarray, row: np.ndarray) -> GraphBatch:
    """One union graph of graph `row[b]` of `parts[part[b]]`, for every b, in this order."""
    counts = np.empty(len(row), dtype=np.int64)
    for p in np.unique(part):
        mine = part == p
        offsets = parts[p].offsets
        counts[mine] = offsets[row[mine] + 1] - offsets[row[mine]]
    starts = np.cumsum(counts) - counts
    slots = parts[0].index.shape[1] if len(parts) else 0
    numbers = np.empty(counts.sum(), dtype=np.uint8)
    index = np.empty((len(numbers), slots), dtype=np.int32)
    distance = np.empty((len(numbers), slots), dtype=np.float32)
    for p in np.unique(part):
        mine = part == p
        first, g = parts[p].offsets[row[mine]], parts[p]
        _gather(g.numbers, g.index, g.distance, first, counts[mine], starts[mine], numbers, index, distance)
    return GraphBatch(numbers, index, distance, counts)


@njit(cache=True)
def _gather(numbers, index, distance, first, counts, starts, numbers_out, index_out, distance_out):
    for b in range(len(first)):
        for atom in range(counts[b]):
            here, there = starts[b] + atom, first[b] + atom
            numbers_out[here] = numbers[there]
            for slot in range(index.shape[1]):
                index_out[here, slot] = index[there, slot] + starts[b]
                distance_out[here, slot] = distance[there, slot]
