"""The search: for every atom of every crystal its k nearest, the last shell whole. Compiled, one core, exact.

Per crystal: every atom and image that may lie within a radius of some site is written down once, as three rows of
coordinates, in a large cell sorted into bins. A site computes its distances to all of them at once, and keeps a short
sorted list. Sites whose list is not certain within that radius are searched again within a larger one.

All compiled code that calls each other stands in this one file: numba's cache sees no change of another file.
"""

from __future__ import annotations

import numpy as np
from numba import njit

MARGIN = 1.2  # first radius over that of a ball which holds k + 1 atoms at the crystal's density
GROWTH = 1.3  # of the radius, for sites that need more
SLACK = 0.02  # A beyond the k-th that a list is kept complete to; a shell that reaches farther is listed anew
FEW_IMAGES = 600  # to look at all of so many is faster than to sort them into bins
BIN = 0.7  # width of a bin over the radius


@njit(cache=True)
def nearest(cells, sites, offsets, k, cutoff, tie):
    """Edges of all crystals: starts (A + 1,), index (E,), distance (E,) as `Graphs` has them, behind starts whole (A,),
    how many of an atom's edges count as one: the others are its last shell, which the limit k would have cut.

    cells: (G, 3, 3) reduced, in A. sites: (A, 3) fractional, within 0..1. tie: A, a gap that parts no shell.
    """
    atoms = offsets[-1]
    starts, whole = np.zeros(atoms + 1, np.int64), np.zeros(atoms, np.uint16)
    index, distance = np.empty(16 * atoms + 1024, np.int32), np.empty(16 * atoms + 1024, np.float32)
    for g in range(len(cells)):
        a, b = offsets[g], offsets[g + 1]
        certain, at, who, far = _searched(cells[g], sites[a:b], k, cutoff + tie, tie)
        low = starts[a]
        if low + len(who) > len(index):
            index = np.concatenate((index, np.empty(len(index) // 2 + len(who), np.int32)))
            distance = np.concatenate((distance, np.empty(len(distance) // 2 + len(who), np.float32)))
        for s in range(b - a):
            whole[a + s] = certain[s]
            starts[a + s + 1] = starts[a + s] + at[s, 1] - at[s, 0]
            to = starts[a + s]
            for e in range(at[s, 0], at[s, 1]):
                index[to], distance[to] = who[e], far[e]
                to += 1
    return starts, whole, index[: starts[atoms]].copy(), distance[: starts[atoms]].copy()


@njit(cache=True)
def _searched(cell, sites, k, farthest, tie):
    """One crystal: how many edges of each site count as one, where its edges lie (n, 2), neighbours, distances."""
    n = len(sites)
    heights, radius = _measures(cell, n, k)
    radius = min(radius, farthest)
    places = np.empty((n, 3))
    for s in range(n):
        for x in range(3):
            places[s, x] = sites[s, 0] * cell[0, x] + sites[s, 1] * cell[1, x] + sites[s, 2] * cell[2, x]
    certain, at = np.zeros(n, np.uint16), np.zeros((n, 2), np.int64)
    who, far = np.empty(16 * n + 64, np.int32), np.empty(16 * n + 64, np.float32)
    near, others = np.empty(64), np.empty(64, np.int32)
    pending, count, used = np.arange(n), n, 0
    while count:
        low, high = _box(sites, pending[:count], radius / heights)
        bins = _bins(n, low, high, heights, radius)
        xyz, image_of, bin_starts = _images(cell, sites, places, low, high, bins)
        squares, left = np.empty(xyz.shape[1]), 0
        for p in range(count):
            site = pending[p]
            slack = SLACK
            while True:
                found, near, others = _listed(
                    site, sites, places, radius, slack, k, low, high, heights, bins, bin_starts, xyz, image_of,
                    squares, near, others,
                )  # fmt: skip
                first, last = _shell(near[:found], k, tie)
                known = radius if found < k else min(radius, near[k - 1] + slack)
                done = found >= k and near[last - 1] < known - tie
                if done or known == radius:
                    break
                slack = np.inf
            if not done and radius < farthest:
                pending[left] = site
                left += 1
                continue
            if used + last > len(who):
                who = np.concatenate((who, np.empty(len(who) + last, np.int32)))
                far = np.concatenate((far, np.empty(len(far) + last, np.float32)))
            certain[site], at[site, 0], at[site, 1] = first, used, used + last
            for slot in range(last):
                who[used], far[used] = others[slot], near[slot]
                used += 1
        count, radius = left, min(GROWTH * radius, farthest)
    return certain, at, who[:used], far[:used]


@njit(cache=True)
def _measures(cell, n, k):
    """Distance between the cell's faces along each axis, and the radius to begin with.

    Own images alone, along the shortest vector, bound it too: a cell may be as thin as it likes.
    """
    heights, shortest = np.empty(3), np.inf
    for axis in range(3):
        a, b, c = cell[axis - 2], cell[axis - 1], cell[axis]
        u, v, w = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
        volume = abs(u * c[0] + v * c[1] + w * c[2])
        heights[axis] = volume / np.sqrt(u * u + v * v + w * w)
        shortest = min(shortest, np.sqrt(c[0] ** 2 + c[1] ** 2 + c[2] ** 2))
    ball = (3.0 * volume * (k + 1) / (4.0 * np.pi * n)) ** (1.0 / 3.0)
    return heights, min(MARGIN * ball, shortest * ((k + 1) // 2) + 2.0 * SLACK)


@njit(cache=True)
def _box(sites, pending, reach):
    """Fractional corners of the box around these sites that holds all that is within reach of one."""
    low, high = np.empty(3), np.empty(3)
    for axis in range(3):
        least = most = sites[pending[0], axis]
        for site in pending:
            least, most = min(least, sites[site, axis]), max(most, sites[site, axis])
        low[axis], high[axis] = least - reach[axis], most + reach[axis]
    return low, high


@njit(cache=True)
def _bins(n, low, high, heights, radius):
    """How many bins the box is cut into along each axis."""
    bins = np.ones(3, np.int64)
    if n * (high[0] - low[0]) * (high[1] - low[1]) * (high[2] - low[2]) > FEW_IMAGES:
        for axis in range(3):
            bins[axis] = max(1, int((high[axis] - low[axis]) * heights[axis] / (BIN * radius)))
    return bins


@njit(cache=True)
def _images(cell, sites, places, low, high, bins):
    """Every image inside the box, bin by bin: coordinates (3, m) in A, whose image each is (m,), where bins start."""
    room = len(sites)
    for axis in range(3):
        room *= int(high[axis] - low[axis]) + 1
    xyz, image_of, bin_of = np.empty((3, room)), np.empty(room, np.int32), np.empty(room, np.int32)
    x, y, z = xyz[0], xyz[1], xyz[2]
    many = bins[0] * bins[1] * bins[2]
    scale = bins / (high - low)
    m = 0
    for s in range(len(sites)):
        f, g, h = sites[s, 0], sites[s, 1], sites[s, 2]
        first, last = int(np.ceil(low[2] - h)), int(np.floor(high[2] - h))
        for i in range(int(np.ceil(low[0] - f)), int(np.floor(high[0] - f)) + 1):
            for j in range(int(np.ceil(low[1] - g)), int(np.floor(high[1] - g)) + 1):
                u = places[s, 0] + (i * cell[0, 0] + j * cell[1, 0])
                v = places[s, 1] + (i * cell[0, 1] + j * cell[1, 1])
                w = places[s, 2] + (i * cell[0, 2] + j * cell[1, 2])
                if many > 1:
                    row = _bin(f + i, low[0], scale[0], bins[0]) * bins[1] + _bin(g + j, low[1], scale[1], bins[1])
                for step in range(first, last + 1):
                    x[m], y[m], z[m] = u + step * cell[2, 0], v + step * cell[2, 1], w + step * cell[2, 2]
                    image_of[m] = s
                    if many > 1:
                        bin_of[m] = row * bins[2] + _bin(h + step, low[2], scale[2], bins[2])
                    m += 1
    starts = np.zeros(many + 1, np.int64)
    if many == 1:
        starts[1] = m
        return xyz, image_of, starts
    for e in range(m):
        starts[bin_of[e] + 1] += 1
    starts = np.cumsum(starts)
    to, xyz_sorted, image_sorted = starts[:-1].copy(), np.empty((3, m)), np.empty(m, np.int32)
    for e in range(m):
        slot = to[bin_of[e]]
        to[bin_of[e]] += 1
        for axis in range(3):
            xyz_sorted[axis, slot] = xyz[axis, e]
        image_sorted[slot] = image_of[e]
    return xyz_sorted, image_sorted, starts


@njit(cache=True)
def _bin(where, low, scale, bins):
    return min(max(int((where - low) * scale), 0), bins - 1)


@njit(cache=True)
def _listed(
    site, sites, places, radius, slack, k, low, high, heights, bins, bin_starts, xyz, image_of, squares, near, others
):
    """List the atoms around a site: all within the radius, and within slack beyond the k-th where there are k.

    Returns their number, and sorted distances and sites in the two lists, made longer where they were too short.
    """
    px, py, pz = places[site, 0], places[site, 1], places[site, 2]
    found, limit = 0, radius * radius
    a0, a1 = _bins_of(0, site, sites, radius, low, high, heights, bins)
    b0, b1 = _bins_of(1, site, sites, radius, low, high, heights, bins)
    c0, c1 = _bins_of(2, site, sites, radius, low, high, heights, bins)
    for a in range(a0, a1 + 1):
        for b in range(b0, b1 + 1):
            row = (a * bins[1] + b) * bins[2]
            begin, end = bin_starts[row + c0], bin_starts[row + c1 + 1]
            x, y, z, whose = xyz[0, begin:end], xyz[1, begin:end], xyz[2, begin:end], image_of[begin:end]
            for e in range(end - begin):
                squares[e] = (x[e] - px) ** 2 + (y[e] - py) ** 2 + (z[e] - pz) ** 2
            for e in range(end - begin):
                square = squares[e]
                if square > limit or (square == 0.0 and whose[e] == site):
                    continue
                if found == len(near):
                    near = np.concatenate((near, np.empty(found)))
                    others = np.concatenate((others, np.empty(found, np.int32)))
                slot = found
                while slot > 0 and near[slot - 1] > square:
                    near[slot], others[slot] = near[slot - 1], others[slot - 1]
                    slot -= 1
                near[slot], others[slot] = square, whose[e]
                found += 1
                if found >= k and slot < k:
                    limit = min(limit, (np.sqrt(near[k - 1]) + slack) ** 2)
                    while near[found - 1] > limit:
                        found -= 1
    for slot in range(found):
        near[slot] = np.sqrt(near[slot])
    return found, near, others


@njit(cache=True)
def _bins_of(axis, site, sites, radius, low, high, heights, bins):
    """First and last bin along the axis that a ball around the site touches."""
    scale, reach = bins[axis] / (high[axis] - low[axis]), radius / heights[axis]
    where = sites[site, axis]
    return (
        _bin(where - reach, low[axis], scale, bins[axis]),
        _bin(where + reach, low[axis], scale, bins[axis]),
    )


@njit(cache=True)
def _shell(lengths, k, tie):
    """How many edges count as one, and how many there are: equal where the limit k cuts no shell."""
    count = len(lengths)
    if count <= k or lengths[k] - lengths[k - 1] > tie:
        return min(k, count), min(k, count)
    low, high = k - 1, k + 1
    while low > 0 and lengths[low] - lengths[low - 1] <= tie:
        low -= 1
    while high < count and lengths[high] - lengths[high - 1] <= tie:
        high += 1
    return low, high
