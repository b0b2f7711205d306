"""Frozen: what layers that stay as they are tell of the atoms of a run's crystals, computed once before the first step.

Each graph is told of in one batch of neighbours in the store, whatever batch asks for it later, so that a run which
goes on after a kill hears the same to the last bit. Memory: 4 bytes x width per atom (of folded graphs) and expert.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from models.batch import Batch, in_order

MOST = 2**28  # bytes that are kept; a run of more crystals computes them at every step
CRYSTALS = 32  # per batch


class Frozen:
    """tell: a batch -> (experts, N, width).  graphs, at: the store and the rows that the run will ask for."""

    def __init__(self, tell: Callable[[Batch], torch.Tensor], graphs: object, at: np.ndarray, where: str) -> None:
        self.graphs, self.rows = graphs, np.unique(at)
        counts, told = [], []
        for part in in_order(len(self.rows), CRYSTALS):
            union = graphs.batch(self.rows[part])
            counts.append(union.counts)
            told.append(tell(Batch.of(union, where)))
        self.counts = np.concatenate(counts).astype(np.int64)
        self.starts = np.cumsum(self.counts) - self.counts
        self.atoms = torch.cat(told, dim=1)

    def of(self, batch: Batch, asked: Sequence[int]) -> list[torch.Tensor] | None:
        """(N, width) of each expert asked; None where the batch holds a graph that the run was not said to ask for."""
        if batch.source is None or batch.source[0] is not self.graphs:
            return None
        rows = batch.source[1]
        places = np.searchsorted(self.rows, rows).clip(max=len(self.rows) - 1)
        if not np.array_equal(self.rows[places], rows):
            return None
        counts = self.counts[places]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        atoms = torch.from_numpy(np.repeat(self.starts[places], counts) + within).to(self.atoms.device)
        return [self.atoms[number].index_select(0, atoms) for number in asked]


def fits(graphs: object, at: np.ndarray, experts: int, width: int) -> bool:
    """Whether what would be kept of these rows is at most MOST."""
    rows = np.unique(at)
    atoms = sum(int(graphs.batch(rows[part]).counts.sum()) for part in in_order(len(rows), 4096)) if len(rows) else 0
    return 0 < atoms * experts * width * 4 <= MOST
