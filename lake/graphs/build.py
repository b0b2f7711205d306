"""Neighbours: the k nearest atoms of every atom, within a cutoff, under periodic images, exactly.

The twelfth neighbour sits at 3.5 A on average, so a search to 8 A is mostly waste: the search starts at 1.35 times
the radius that should hold k + 1 atoms at the crystal's density, and grows until it has found them.

Two thirds of all crystals have a tie between neighbours k and k + 1. Of a shell that is cut by the limit k, the atoms
taken are, in this order: lighter element; smaller environment (a sum over the neighbour's own k neighbours of
distance times 1 + Z/100); direction in Cartesian space. So the (distance, element) pairs of every atom depend neither
on site order, nor on the cell, nor on a rotation; and what two convolutions make of them does not either. Direction
decides only between atoms that look alike to that depth; deeper networks may then see a difference under a rotation,
which a completed shell will cure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from lake.crystal import Crystal
from lake.graphs.arrays import Graphs

K = 12  # neighbours per atom
CUTOFF = 8.0  # A
# The graphs that the lake keeps: k, cutoff, and the rule below as v1.
VERSION = f"nearest{K}-{CUTOFF:g}a-v1"

TIE = 1e-4  # A; distances nearer than this are one shell
ENVIRONMENT_STEP = 1e-2  # A; environments nearer than this are alike (twelve distances, each good to TIE)
DIRECTION_STEP = 1e-3  # A; coordinates nearer than this are equal


def neighbours(crystal: Crystal, k: int = K, cutoff: float = CUTOFF) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest neighbours of every atom: index (n, k) int32 and distance (n, k) float32 in A.

    Sorted by distance (to 1e-4 A). Where fewer than k atoms lie within the cutoff (to 1e-4 A), the slots left over
    hold the atom's own index and infinity. The crystal must have a volume (`Crystal.checked`).
    """
    graphs = build([crystal], k, cutoff)
    return graphs.index, graphs.distance


def build(crystals: Sequence[Crystal], k: int = K, cutoff: float = CUTOFF) -> Graphs:
    """The graphs of these crystals, in this order."""
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
    index = np.empty((len(numbers), k), dtype=np.int32)
    distance = np.empty((len(numbers), k), dtype=np.float32)
    # copies, since compiled code takes a read-only array for another type and would be compiled again
    lattices, positions = np.array(lattices, np.float64, order="C"), np.array(positions, np.float64, order="C")
    numbers, offsets = np.array(numbers, np.uint8), np.array(offsets, np.int64)
    _fill(lattices, positions, numbers, offsets, cutoff, index, distance)
    return Graphs(numbers, offsets, index, distance)


@njit(cache=True)
def _fill(lattices, positions, numbers, offsets, cutoff, index, distance):
    for g in range(len(offsets) - 1):
        a, b = offsets[g], offsets[g + 1]
        cell, wrapped = _reduced(lattices[g], positions[a:b])
        environment = np.zeros(b - a)
        _fill_one(cell, wrapped, numbers[a:b], environment, cutoff, index[a:b], distance[a:b])
        for site in range(b - a):
            environment[site] = _environment(numbers[a:b], index[a + site], distance[a + site])
        # the same again, now that a cut shell can be told apart by what surrounds its atoms
        _fill_one(cell, wrapped, numbers[a:b], environment, cutoff, index[a:b], distance[a:b])


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
def _environment(numbers, index, distance):
    total = 0.0
    for slot in range(len(index)):
        if np.isfinite(distance[slot]):
            total += distance[slot] * (1.0 + numbers[index[slot]] / 100.0)
    return total


@njit(cache=True)
def _fill_one(cell, wrapped, numbers, environment, cutoff, index, distance):
    n, k = index.shape
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
            low, high = _cut_shell(lengths, order, k)
            if radius >= cutoff + TIE or (count >= k and lengths[order[high - 1]] < radius - TIE):
                break
            radius = min(1.3 * radius, cutoff + TIE)
        _sort_shell(order[low:high], found, steps, numbers, environment)
        for slot in range(k):
            index[site, slot] = found[order[slot]] if slot < count else site
            distance[site, slot] = lengths[order[slot]] if slot < count else np.inf


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
def _cut_shell(lengths, order, k):
    """Positions low..high in the order of the shell that the limit k cuts; empty (k, k) where it cuts none."""
    count = len(order)
    if count <= k or lengths[order[k]] - lengths[order[k - 1]] > TIE:
        return min(k, count), min(k, count)
    low, high = k - 1, k + 1
    while low > 0 and lengths[order[low]] - lengths[order[low - 1]] <= TIE:
        low -= 1
    while high < count and lengths[order[high]] - lengths[order[high - 1]] <= TIE:
        high += 1
    return low, high


@njit(cache=True)
def _sort_shell(shell, found, steps, numbers, environment):
    for at in range(1, len(shell)):
        back = at
        while back > 0 and _before(shell[back], shell[back - 1], found, steps, numbers, environment):
            shell[back], shell[back - 1] = shell[back - 1], shell[back]
            back -= 1


@njit(cache=True)
def _before(one, two, found, steps, numbers, environment):
    a, b = found[one], found[two]
    if numbers[a] != numbers[b]:
        return numbers[a] < numbers[b]
    if abs(environment[a] - environment[b]) > ENVIRONMENT_STEP:
        return environment[a] < environment[b]
    for axis in range(3):
        if abs(steps[one, axis] - steps[two, axis]) > DIRECTION_STEP:
            return steps[one, axis] < steps[two, axis]
    return False
