"""Neighbours: the k nearest atoms of every atom, within a cutoff, under periodic images, exactly.

What belongs here: the rule, its version, and the way from crystals to graphs. The search itself: nearest.py.

One atom in five of real crystals has a tie between neighbours k and k + 1. To choose among equals by the order of sites
would tell a network how the crystal was written; by direction, how it was turned. So the shell that the limit cuts is
taken whole, and its atoms share what is left to k: of eight at one distance, for four places, each counts one half.

An atom is no neighbour of its own, but its images are. Another atom on the very same site is one, at 0 A.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import config

from lake.crystal import Crystal
from lake.graphs.arrays import Graphs
from lake.graphs.by_vesin import nearest_by_vesin
from lake.graphs.nearest import nearest
from lake.graphs.reduced import reduced

K = 12  # neighbours per atom
CUTOFF = 8.0  # A
# The graphs that the lake keeps: k, cutoff, and as v2 the rule above with what is alike (TIE, folded.py): whoever
# changes one of these counts it up.
VERSION = f"nearest{K}-{CUTOFF:g}a-v2"

TIE = 1e-3  # A; neighbours whose distances are less than this apart are one shell


def build(crystals: Sequence[Crystal], k: int = K, cutoff: float = CUTOFF) -> Graphs:
    """The graphs of these crystals, in this order.

    An atom's edges are its neighbours in order of distance, up to the k-th and all that belong to the k-th's shell;
    fewer where fewer lie within the cutoff (to 1e-3 A). Crystals must have a volume (`Crystal.checked`).
    """
    offsets = np.cumsum([0, *(len(c) for c in crystals)], dtype=np.int64)
    lattices = np.array([c.lattice for c in crystals]).reshape(-1, 3, 3)
    positions = np.concatenate([c.positions for c in crystals]) if crystals else np.empty((0, 3))
    numbers = np.concatenate([c.numbers for c in crystals]) if crystals else np.empty(0, dtype=np.int64)
    return build_flat(lattices, positions, numbers, offsets, k, cutoff)


def build_flat(
    lattices: np.ndarray,
    positions: np.ndarray,
    numbers: np.ndarray,
    offsets: np.ndarray,
    k: int = K,
    cutoff: float = CUTOFF,
) -> Graphs:
    """Graphs from lattices (G, 3, 3) in A and the fractional positions (A, 3) and numbers (A,) of all crystals."""
    # copies, since compiled code takes a read-only array for another type and would be compiled again
    lattices, positions = np.array(lattices, np.float64, order="C"), np.array(positions, np.float64, order="C")
    numbers, offsets = np.array(numbers, np.uint8), np.array(offsets, np.int64)
    cells, sites = reduced(lattices, positions, offsets)
    search = nearest_by_vesin if config.DISABLE_JIT else nearest
    starts, whole, index, distance = search(cells, sites, offsets, k, cutoff, TIE)
    return Graphs(numbers, offsets, starts, index, distance, _weights(k, starts, whole))


def _weights(k: int, starts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(E,) float32: one for the first `whole` edges of an atom; the others share what is left to k."""
    edges = np.diff(starts)
    shared = edges - whole
    share = np.divide(k - whole, shared, out=np.ones(len(whole)), where=shared > 0).astype(np.float32)
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], edges)
    return np.where(place < np.repeat(whole, edges), np.float32(1), np.repeat(share, edges))
