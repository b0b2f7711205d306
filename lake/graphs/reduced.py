"""Reduced cells: shorter vectors of the same lattices, so that a search for neighbours looks at few images."""

from __future__ import annotations

import numpy as np
from numba import njit

MOST_ROUNDS = 200  # a cell that was sheared forty times needs six


@njit(cache=True)
def reduced(lattices, positions, offsets):
    """Pairwise reduced lattices (G, 3, 3), and the fractional positions (A, 3) in them, wrapped into 0..1."""
    cells, sites = lattices.copy(), positions.copy()
    for g in range(len(cells)):
        cell, mine = cells[g], sites[offsets[g] : offsets[g + 1]]
        for _ in range(MOST_ROUNDS):
            changed = False
            for a in range(3):
                for b in range(3):
                    if a != b:
                        changed |= _shortened(cell, mine, a, b)
            if not changed:
                break
        for s in range(len(mine)):
            for axis in range(3):
                mine[s, axis] -= np.floor(mine[s, axis])
    return cells, sites


@njit(cache=True)
def _shortened(cell, sites, a, b):
    """Take vector b from vector a as often as that makes a shorter; whether it did."""
    across = cell[a, 0] * cell[b, 0] + cell[a, 1] * cell[b, 1] + cell[a, 2] * cell[b, 2]
    along = cell[b, 0] ** 2 + cell[b, 1] ** 2 + cell[b, 2] ** 2
    if abs(across) <= 0.5 * along * (1.0 + 1e-12):
        return False
    times = np.round(across / along)
    for axis in range(3):
        cell[a, axis] -= times * cell[b, axis]
    for s in range(len(sites)):
        sites[s, b] += times * sites[s, a]
    return True
