"""The smallest cell of a crystal as it stands: reduced by translations alone, not idealised to any symmetry.

What belongs here: undoing a supercell whose atoms a relaxation has moved apart a little. Copies are averaged, and how
far that moves an atom is told: small distortions are measured and not wiped out. Symmetrised cells: canonical.py.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from lake.structures.cell import Cell
from lake.structures.partners import partners

# A; atoms that a translation maps onto each other lie this near to their mean. Noise of 0.05 A stays below, and an
# octahedral tilt that doubles the cell (SrTiO3: 0.1 A) does not.
LARGEST_SPREAD = 0.08


class Folded(NamedTuple):
    """The smallest cell, and how far the atom that was moved most lies from the mean of its copies, in A."""

    cell: Cell
    spread: float


def primitive(cell: Cell) -> Folded:
    """The smallest cell whose copies agree within LARGEST_SPREAD; the cell itself where there is no smaller one."""
    most = math.gcd(*cell.counts.tolist())  # translations: each maps every element's sites onto themselves
    if most == 1:
        return Folded(cell, 0.0)
    metric = np.linalg.cholesky(cell.lattice @ cell.lattice.T)
    shifts, spreads = _translations(cell.fractional, cell.counts, metric, 2 * LARGEST_SPREAD)
    snapped = [tuple(shift) for shift in (np.rint(shifts * most).astype(int) % most).tolist()]
    group = _largest_group([snapped[i] for i in np.argsort(spreads, kind="stable")], most)
    if len(group) == 1:
        return Folded(cell, 0.0)
    vectors = _basis(group, most) / most
    places, counts, spread = _fold(cell, vectors, len(group))
    if spread > LARGEST_SPREAD:
        return Folded(cell, 0.0)
    return Folded(Cell.spanned(vectors @ cell.lattice, places, cell.elements, counts), spread)


@njit(cache=True, nogil=True)
def _translations(x, counts, metric, reach):
    """Translations that map the crystal onto itself, fractional (t, 3), and how unevenly they do, in A (t,)."""
    n = len(x)
    steps, moved = np.empty((n, 3)), np.empty((n, 3))
    found, hits = np.empty(n, np.int64), np.empty(n, np.int64)
    shifts, spreads = np.empty((counts[0], 3)), np.empty(counts[0])
    kept = 0
    for j in range(1, counts[0]):
        if not partners(x, x, counts, 1, x[j] - x[0], metric, 2 * reach, steps, found, hits):
            continue
        mean = np.array([steps[:, 0].mean(), steps[:, 1].mean(), steps[:, 2].mean()])
        moved[:] = (steps - mean) @ metric
        spread = 0.0
        for i in range(n):
            spread = max(spread, moved[i, 0] ** 2 + moved[i, 1] ** 2 + moved[i, 2] ** 2)
        if math.sqrt(spread) <= reach:
            shifts[kept] = x[j] - x[0] - mean
            spreads[kept] = math.sqrt(spread)
            kept += 1
    return shifts[:kept], spreads[:kept]


Step = tuple[int, int, int]  # a translation, in parts of the cell's vectors


def _largest_group(candidates: list[Step], parts: int) -> set[Step]:
    """All sums of candidates, the best first, that are candidates themselves: noise may have hidden one of a group."""
    allowed, group = {*candidates, (0, 0, 0)}, {(0, 0, 0)}
    for candidate in candidates:
        if candidate in group:
            continue
        grown, step = set(group), candidate
        while step != (0, 0, 0):
            grown |= {_sum(step, member, parts) for member in group}
            step = _sum(step, candidate, parts)
        if grown <= allowed:
            group = grown
    return group


def _sum(one: Step, other: Step, parts: int) -> Step:
    return ((one[0] + other[0]) % parts, (one[1] + other[1]) % parts, (one[2] + other[2]) % parts)


def _basis(group: set[Step], parts: int) -> np.ndarray:
    """Three vectors (3, 3) that span the group and the cell, in parts of the cell: integer elimination."""
    rows = [list(step) for step in sorted(group)] + [[parts, 0, 0], [0, parts, 0], [0, 0, parts]]
    basis = []
    for axis in range(3):
        while sum(row[axis] != 0 for row in rows) > 1:
            rows.sort(key=lambda row: abs(row[axis]) or math.inf)
            first = rows[0]
            rows = [
                first,
                *([a - row[axis] // first[axis] * b for a, b in zip(row, first, strict=True)] for row in rows[1:]),
            ]
        pivot = next(row for row in rows if row[axis] != 0)
        basis.append(pivot)
        rows = [row for row in rows if row is not pivot]
    return np.array(basis)


def _fold(cell: Cell, vectors: np.ndarray, copies: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean places in the smaller cell `vectors` (rows, in cell vectors), sites of each element, and the spread in A.

    The spread is infinite where the sites do not fall into groups of that many copies.
    """
    lattice = vectors @ cell.lattice
    places = cell.fractional @ np.linalg.inv(vectors)
    metric = np.linalg.cholesky(lattice @ lattice.T)
    means, counts, widest = [], [], 0.0
    start = 0
    for count in cell.counts.tolist():
        left = places[start : start + count]
        start += count
        counts.append(count // copies)
        for _ in range(count // copies):
            steps = left - left[0]
            steps -= np.rint(steps)
            near = np.argsort(((steps @ metric) ** 2).sum(1), kind="stable")[:copies]
            mean = steps[near].mean(0)
            widest = max(widest, float(np.linalg.norm((steps[near] - mean) @ metric, axis=1).max()))
            means.append(left[0] + mean)
            left = np.delete(left, near, axis=0)
    return np.array(means), np.array(counts), widest
