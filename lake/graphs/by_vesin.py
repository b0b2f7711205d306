"""The same search by vesin, a library for neighbour lists: for where numba compiles nothing (NUMBA_DISABLE_JIT).

Run as plain Python, `nearest.py` would take a thousand times as long as vesin does.
"""

from __future__ import annotations

import numpy as np

GROWTH = 1.3  # of the radius, for crystals some of whose sites need more
MARGIN = 1.35  # first radius over that of a ball which holds k + 1 atoms at the crystal's density


def nearest_by_vesin(
    cells: np.ndarray, sites: np.ndarray, offsets: np.ndarray, k: int, cutoff: float, tie: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """As `nearest.nearest`; neighbours at one distance may come in another order."""
    whole, counts, index, distance = np.zeros(offsets[-1], np.uint16), np.zeros(offsets[-1], np.int64), [], []
    for g, cell in enumerate(cells):
        first, last = offsets[g], offsets[g + 1]
        for site, (certain, who, far) in enumerate(_crystal(cell, sites[first:last], k, cutoff + tie, tie), first):
            whole[site], counts[site] = certain, len(who)
            index.append(who)
            distance.append(far)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    if not index:
        return starts, whole, np.empty(0, np.int32), np.empty(0, np.float32)
    return starts, whole, np.concatenate(index).astype(np.int32), np.concatenate(distance).astype(np.float32)


def _crystal(
    cell: np.ndarray, sites: np.ndarray, k: int, farthest: float, tie: float
) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """For each site: how many edges count as one, the neighbours, their distances."""
    from vesin import NeighborList

    ball = (3 * abs(np.linalg.det(cell)) * (k + 1) / (4 * np.pi * len(sites))) ** (1 / 3)
    own = np.linalg.norm(cell, axis=1).min() * ((k + 1) // 2) + 0.04  # own images alone
    radius = min(MARGIN * ball, own, farthest)
    while True:
        i, j, d = NeighborList(cutoff=radius, full_list=True, n_threads=1).compute(sites @ cell, cell, True, "ijd")
        order = np.lexsort((d, i))
        parts = np.searchsorted(i[order], np.arange(len(sites) + 1))
        found = [_cut(j[mine], d[mine], k, tie) for mine in np.split(order, parts[1:-1])]
        if radius >= farthest or all(len(d) >= k and d[-1] < radius - tie for _, _, d in found):
            return found
        radius = min(GROWTH * radius, farthest)


def _cut(who: np.ndarray, far: np.ndarray, k: int, tie: float) -> tuple[int, np.ndarray, np.ndarray]:
    """Of neighbours in order of distance, the k nearest and all of the last one's shell."""
    gaps = np.flatnonzero(np.diff(far) > tie) + 1  # where shells begin
    ends = np.append(gaps, len(far))
    last = int(ends[np.searchsorted(ends, k)]) if len(far) > k else len(far)
    certain = last if last <= k else int(gaps[gaps < k].max(initial=0))
    return certain, who[:last], far[:last]
