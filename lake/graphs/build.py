"""Neighbours: the k nearest atoms of every atom, within a cutoff, under periodic images, exactly.

The twelfth neighbour sits at 3.5 A on average, so a search to 8 A is mostly waste: the search starts at 1.35 times
the radius that should hold k + 1 atoms at the crystal's density, and grows until it has found them.

Two thirds of all crystals have a tie between neighbours k and k + 1. To choose among equals by the order of sites
would tell a network how the crystal was written; by direction, how it was turned. So the shell that the limit cuts is
taken whole, and its atoms share what is left to k: of eight at one distance, for four places, each counts one half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from lake.crystal import Crystal
from lake.graphs.arrays import Graphs

K = 12  # neighbours per atom
CUTOFF = 8.0  # A
# The graphs that the lake keeps: k, cutoff, and the rule of whole shells as v2.
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
    starts, whole, index, distance = _edges(lattices, positions, offsets, k, cutoff)
    return Graphs(k, numbers, offsets, starts, whole, index, distance)


@njit(cache=True)
def _edges(lattices, positions, offsets, k, cutoff):
    atoms = offsets[-1]
    starts, whole = np.zeros(atoms + 1, np.int64), np.zeros(atoms, np.uint16)
    index, distance = np.empty(16 * atoms + 1024, np.int32), np.empty(16 * atoms + 1024, np.float32)
    for g in range(len(offsets) - 1):
        a, b = offsets[g], offsets[g + 1]
        cell, wrapped = _reduced(lattices[g], positions[a:b])
        index, distance = _edges_of(cell, wrapped, k, cutoff, a, starts, whole, index, distance)
    return starts, whole, index[: starts[atoms]].copy(), distance[: starts[atoms]].copy()


@njit(cache=True)
def _reduced(lattice, positions):
    """Shorter vectors of the same lattice (pairwise reduction), so that few images need looking at; sites wrapped."""
    cell, wrapped = lattice.copy(), positions.copy()
    for _ in range(200):
        changed = False
        for a in range(3):
            for b in range(3):
                times = np.round(_dot(cell[a], cell[b]) / _dot(cell[b], cell[b])) if a != b else 0.0
                if times != 0.0:
                    cell[a] -= times * cell[b]
                    wrapped[:, b] += times * wrapped[:, a]
                    changed = True
        if not changed:
            break
    return cell, wrapped - np.floor(wrapped)


@njit(cache=True)
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True)
def _area(a, b):
    """Vector product, whose length is the area of the face that a and b span."""
    return np.array((a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]))


@njit(cache=True)
def _edges_of(cell, wrapped, k, cutoff, first, starts, whole, index, distance):
    """Write the edges of one crystal, whose first atom is `first`, behind those that stand; returns the arrays."""
    n = len(wrapped)
    volume = abs(_dot(cell[0], _area(cell[1], cell[2])))
    start = 1.35 * (3.0 * volume * (k + 1) / (4.0 * np.pi * n)) ** (1.0 / 3.0)
    heights = np.empty(3)  # distance between the cell's faces, along each axis
    for axis in range(3):
        face = _area(cell[axis - 2], cell[axis - 1])
        heights[axis] = volume / np.sqrt(_dot(face, face))
    found, steps = np.empty(64, np.int32), np.empty((64, 3))
    for site in range(n):
        radius = min(start, cutoff + TIE)
        while True:
            count = _within(site, radius, cell, wrapped, heights, found, steps)
            if count > len(found):
                found, steps = np.empty(2 * count, np.int32), np.empty((2 * count, 3))
                continue
            lengths = np.sqrt(steps[:count, 0] ** 2 + steps[:count, 1] ** 2 + steps[:count, 2] ** 2)
            order = np.argsort(lengths)
            low, high = _shell(lengths, order, k)
            if radius >= cutoff + TIE or (count >= k and lengths[order[high - 1]] < radius - TIE):
                break
            radius = min(1.3 * radius, cutoff + TIE)
        at = starts[first + site]
        if at + high > len(index):
            index = np.concatenate((index, np.empty(len(index) + high, np.int32)))
            distance = np.concatenate((distance, np.empty(len(distance) + high, np.float32)))
        for slot in range(high):
            index[at + slot] = found[order[slot]]
            distance[at + slot] = lengths[order[slot]]
        whole[first + site] = low
        starts[first + site + 1] = at + high
    return index, distance


@njit(cache=True)
def _within(site, radius, cell, wrapped, heights, found, steps):
    """Write down every image within the radius; returns how many there are, even where there is no room for them."""
    count = 0
    for other in range(len(wrapped)):
        gap = wrapped[other] - wrapped[site]
        reach = radius / heights
        for i in range(int(np.ceil(-gap[0] - reach[0])), int(np.floor(-gap[0] + reach[0])) + 1):
            for j in range(int(np.ceil(-gap[1] - reach[1])), int(np.floor(-gap[1] + reach[1])) + 1):
                for m in range(int(np.ceil(-gap[2] - reach[2])), int(np.floor(-gap[2] + reach[2])) + 1):
                    if other == site and i == 0 and j == 0 and m == 0:
                        continue
                    f, g, h = gap[0] + i, gap[1] + j, gap[2] + m
                    x = f * cell[0, 0] + g * cell[1, 0] + h * cell[2, 0]
                    y = f * cell[0, 1] + g * cell[1, 1] + h * cell[2, 1]
                    z = f * cell[0, 2] + g * cell[1, 2] + h * cell[2, 2]
                    if x * x + y * y + z * z <= radius * radius:
                        if count < len(found):
                            found[count] = other
                            steps[count, 0], steps[count, 1], steps[count, 2] = x, y, z
                        count += 1
    return count


@njit(cache=True)
def _shell(lengths, order, k):
    """How many edges count as one, and how many there are: equal where the limit k cuts no shell."""
    count = len(order)
    if count <= k or lengths[order[k]] - lengths[order[k - 1]] > TIE:
        return min(k, count), min(k, count)
    low, high = k - 1, k + 1
    while low > 0 and lengths[order[low]] - lengths[order[low - 1]] <= TIE:
        low -= 1
    while high < count and lengths[order[high]] - lengths[order[high - 1]] <= TIE:
        high += 1
    return low, high
