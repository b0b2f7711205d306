"""Batch: one union graph as tensors, and the order in which a run walks through its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from lake.graphs.arrays import GraphBatch


@dataclass(frozen=True, eq=False)
class Batch:
    """B crystals with N atoms and E edges.

    numbers: (N,) int64.  graph: (N,) int64, the crystal of each atom.  counts: (B,) float32, atoms per crystal.
    starts: (N + 1,) int32, the edges of atom a are starts[a]..starts[a + 1].  index: (E,) int32, the neighbour.
    distance: (E,) float32, A.  weight: (E,) float32, what the edge counts.
    times: (N,) float32, how many equal atoms an atom stands for; None where each stands for itself.
    source: the store that the graphs come from and their rows in it, None where nobody said.
    """

    numbers: torch.Tensor
    graph: torch.Tensor
    counts: torch.Tensor
    starts: torch.Tensor
    index: torch.Tensor
    distance: torch.Tensor
    weight: torch.Tensor
    times: torch.Tensor | None = None
    source: tuple[object, np.ndarray] | None = None

    @cached_property
    def atom(self) -> torch.Tensor:
        """(E,) int64, whose edge it is."""
        return torch.repeat_interleave(self.starts.diff())

    @classmethod
    def of(cls, graphs: GraphBatch, device: str = "cpu", source: tuple[object, np.ndarray] | None = None) -> Batch:
        """The same union graph as tensors on the device."""
        graph = np.repeat(np.arange(len(graphs.counts)), graphs.counts)
        counts = graphs.counts if graphs.times is None else np.bincount(graph, graphs.times, len(graphs.counts))
        arrays = (
            graphs.numbers.astype(np.int64),
            graph,
            counts.astype(np.float32),
            graphs.starts,
            graphs.index,
            graphs.distance,
            graphs.weight,
            *(() if graphs.times is None else (graphs.times,)),
        )
        return cls(*(torch.from_numpy(a).to(device) for a in arrays), source=source)


def shuffled(n: int, size: int, generator: torch.Generator) -> Iterator[np.ndarray]:
    """One pass over n rows in random order, in batches of nearly equal size (a last batch of one has no variance)."""
    order = torch.randperm(n, generator=generator).numpy()
    yield from np.array_split(order, batches(n, size))


def drawn(n: int, size: int, generator: torch.Generator, shares: np.ndarray) -> Iterator[np.ndarray]:
    """As many batches as `shuffled` gives, of n rows drawn by their shares, so that a row may come twice or never."""
    order = torch.multinomial(torch.from_numpy(shares), n, replacement=True, generator=generator).numpy()
    yield from np.array_split(order, batches(n, size))


def in_order(n: int, size: int) -> Iterator[np.ndarray]:
    """One pass over n rows as they stand."""
    yield from np.array_split(np.arange(n), batches(n, size)) if n else ()


def batches(n: int, size: int) -> int:
    """How many batches one pass takes."""
    return max(-(-n // size), 1)
