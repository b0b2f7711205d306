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

    numbers: (A,) uint8, atomic numbers.
    offsets: (G + 1,) int64, the atoms of graph g are offsets[g]..offsets[g + 1].
    starts: (A + 1,) int64, the edges of atom a are starts[a]..starts[a + 1], nearest first.
    index: (E,) int32, neighbours, counted within their own graph.
    distance: (E,) float32, in A.
    weight: (E,) float32, what an edge counts: 1, or less in a shell that the limit k would have cut (build.py), or more
        where several have become one (folded.py). An atom's sum to k, where there are neighbours enough.
    times: (A,) float32, how many atoms of the crystal an atom stands for; None where each stands for itself.
    """

    numbers: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    index: np.ndarray
    distance: np.ndarray
    weight: np.ndarray
    times: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def batch(self, rows: np.ndarray) -> GraphBatch:
        """The graphs of these rows, in this order, as one union graph."""
        rows = np.asarray(rows, dtype=np.int64)
        return union([self], np.zeros(len(rows), dtype=np.int64), rows)


@dataclass(frozen=True, eq=False)
class GraphBatch:
    """B graphs as one: N atoms, E edges.

    counts: (B,) int64, atoms per graph.  starts: (N + 1,) int32, edges of each atom.
    index: (E,) int32, neighbours counted from the first atom of the batch.
    numbers: (N,) uint8, distance, weight: (E,) float32, times: (N,) float32 or None, as in `Graphs`.
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
    atoms, edges = np.zeros(len(row) + 1, np.int64), np.zeros(len(row) + 1, np.int64)
    touched = [(p, parts[p]) for p in np.flatnonzero(np.bincount(part)).tolist()]
    for p, g in touched:
        _count(p, part, row, g.offsets, g.starts, atoms, edges)
    counts = atoms[1:].copy()
    np.cumsum(atoms, out=atoms)
    np.cumsum(edges, out=edges)
    numbers, starts = np.empty(atoms[-1], np.uint8), np.zeros(atoms[-1] + 1, np.int32)
    index, distance, weight = (np.empty(edges[-1], kind) for kind in (np.int32, np.float32, np.float32))
    folded = any(g.times is not None for _, g in touched)
    times = np.ones(atoms[-1] if folded else 0, np.float32)
    for p, g in touched:
        _gather(
            p, part, row, g.numbers, g.offsets, g.starts, g.index, g.distance, g.weight,
            atoms, edges, numbers, starts, index, distance, weight,
        )  # fmt: skip
        if g.times is not None:
            _gather_times(p, part, row, g.offsets, g.times, atoms, times)
    return GraphBatch(numbers, counts, starts, index, distance, weight, times if folded else None)


@njit(cache=True)
def _count(p, part, row, offsets, starts, atoms, edges):
    """Write down the atoms and edges of each graph that lies in part p, one place behind its own."""
    for b in range(len(row)):
        if part[b] == p:
            first, last = offsets[row[b]], offsets[row[b] + 1]
            atoms[b + 1], edges[b + 1] = last - first, starts[last] - starts[first]


@njit(cache=True)
def _gather(
    p, part, row, numbers, offsets, starts, index, distance, weight,
    atoms, edges, numbers_out, starts_out, index_out, distance_out, weight_out,
):  # fmt: skip
    """Copy the graphs of part p to where their atoms and edges begin."""
    for b in range(len(row)):
        if part[b] != p:
            continue
        first, last, here = offsets[row[b]], offsets[row[b] + 1], atoms[b]
        low, high = starts[first], starts[last]
        _copy(index[low:high], here, index_out[edges[b] : edges[b + 1]])
        _copy(distance[low:high], np.float32(0.0), distance_out[edges[b] : edges[b + 1]])
        _copy(weight[low:high], np.float32(0.0), weight_out[edges[b] : edges[b + 1]])
        ahead = edges[b] - low
        for atom in range(first, last):
            to = here + atom - first
            numbers_out[to], starts_out[to + 1] = numbers[atom], starts[atom + 1] + ahead


@njit(cache=True)
def _gather_times(p, part, row, offsets, times, atoms, out):
    for b in range(len(row)):
        if part[b] == p:
            _copy(times[offsets[row[b]] : offsets[row[b] + 1]], np.float32(0.0), out[atoms[b] : atoms[b + 1]])


@njit(cache=True)
def _copy(values, more, out):
    """Long loops over all edges of a graph, which short ones over those of an atom are not."""
    for edge in range(len(out)):
        out[edge] = values[edge] + more
