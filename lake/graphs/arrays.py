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
    """G graphs with A atoms and E edges in all, one behind the other; an edge leads from an atom to a neighbour.

    k: what the weights of an atom's edges sum to, where there are neighbours enough.
    numbers: (A,) uint8, atomic numbers.
    offsets: (G + 1,) int64, the atoms of graph g are offsets[g]..offsets[g + 1].
    starts: (A + 1,) int64, the edges of atom a are starts[a]..starts[a + 1], nearest first.
    whole: (A,) uint16, how many of the atom's edges count as one. The others, which are one shell of equal distance,
        share what is left to k: each counts as (k - whole) / their number.
    index: (E,) int32, neighbours, counted within their own graph.
    distance: (E,) float32, in A.
    """

    k: int
    numbers: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    whole: np.ndarray
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
    """B graphs as one: N atoms, E edges.

    numbers: (N,) uint8.  counts: (B,) int64, atoms per graph.  starts: (N + 1,) int32, edges of each atom.
    index: (E,) int32, neighbours counted from the first atom of the batch.  distance: (E,) float32, in A.
    weight: (E,) float32, what an edge counts: 1, or less in a shell that the limit k would have cut.
    times: (N,) float32, how many equal atoms an atom stands for (folded.py); None where each stands for itself.
    """

    numbers: np.ndarray
    counts: np.ndarray
    starts: np.ndarray
    index: np.ndarray
    distance: np.ndarray
    weight: np.ndarray
    times: np.ndarray | None = None


def union(parts: Sequence[Graphs], part: np.ndarray, row: np.ndarray) -> GraphBatch:
    """One union graph of graph `row[b]` of `parts[part[b]]`, for every b, in this order."""
    atoms = np.empty(len(row), dtype=np.int64)
    edges = np.empty(len(row), dtype=np.int64)
    for p in np.unique(part):
        mine, g = part == p, parts[p]
        first, last = g.offsets[row[mine]], g.offsets[row[mine] + 1]
        atoms[mine] = last - first
        edges[mine] = g.starts[last] - g.starts[first]
    atom_at, edge_at = np.cumsum(atoms) - atoms, np.cumsum(edges) - edges
    n, e = int(atoms.sum()), int(edges.sum())
    numbers, starts = np.empty(n, dtype=np.uint8), np.zeros(n + 1, dtype=np.int32)
    index, distance, weight = (np.empty(e, dtype=kind) for kind in (np.int32, np.float32, np.float32))
    for p in np.unique(part):
        mine, g = part == p, parts[p]
        _gather(
            g.k, g.numbers, g.starts, g.whole, g.index, g.distance,
            g.offsets[row[mine]], atoms[mine], atom_at[mine], edge_at[mine],
            numbers, starts, index, distance, weight,
        )  # fmt: skip
    return GraphBatch(numbers, atoms, starts, index, distance, weight)


@njit(cache=True)
def _gather(
    k, numbers, starts, whole, index, distance, first, atoms, atom_at, edge_at,
    numbers_out, starts_out, index_out, distance_out, weight_out,
):  # fmt: skip
    for b in range(len(first)):
        to = edge_at[b]
        for atom in range(atoms[b]):
            here, there = atom_at[b] + atom, first[b] + atom
            numbers_out[here] = numbers[there]
            low, high = starts[there], starts[there + 1]
            certain = low + whole[there]
            share = (k - whole[there]) / max(high - certain, 1)
            for edge in range(low, high):
                index_out[to] = index[edge] + atom_at[b]
                distance_out[to] = distance[edge]
                weight_out[to] = 1.0 if edge < certain else share
                to += 1
            starts_out[here + 1] = to
