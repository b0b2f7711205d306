"""Batch: one union graph as tensors, and the order in which a run walks through its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from lake.graphs.arrays import GraphBatch


@dataclass(frozen=True, eq=False)
class Batch:
    """B crystals with N atoms and k neighbour slots.

    numbers: (N,) int64.  index: (N, k) int64, neighbours among the batch's atoms.  distance: (N, k) float32, A.
    real: (N, k) bool, False for empty slots; None where no slot is empty.
    graph: (N,) int64, the crystal of each atom.  counts: (B,) float32, atoms per crystal.
    """

    numbers: torch.Tensor
    index: torch.Tensor
    distance: torch.Tensor
    real: torch.Tensor | None
    graph: torch.Tensor
    counts: torch.Tensor

    @classmethod
    def of(cls, graphs: GraphBatch, device: str = "cpu") -> Batch:
        """The same union graph as tensors on the device."""
        real = np.isfinite(graphs.distance)
        graph = np.repeat(np.arange(len(graphs.counts)), graphs.counts)
        arrays = (
            graphs.numbers.astype(np.int64),
            graphs.index.astype(np.int64),
            graphs.distance,
            None if real.all() else real,
            graph,
            graphs.counts.astype(np.float32),
        )
        return cls(*(None if a is None else torch.from_numpy(a).to(device) for a in arrays))


def shuffled(n: int, size: int, generator: torch.Generator) -> Iterator[np.ndarray]:
    """One pass over n rows in random order, in batches of nearly equal size (a last batch of one has no variance)."""
    order = torch.randperm(n, generator=generator).numpy()
    yield from np.array_split(order, batches(n, size))


def in_order(n: int, size: int) -> Iterator[np.ndarray]:
    """One pass over n rows as they stand."""
    yield from np.array_split(np.arange(n), batches(n, size)) if n else ()


def batches(n: int, size: int) -> int:
    """How many batches one pass takes."""
    return max(-(-n // size), 1)
