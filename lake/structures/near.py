"""Neighbour search among the representatives of one formula: exact, and without looking at all of them.

What belongs here: which representatives an entry has to be compared with. Nobody is missed whom the definition could
join: whoever lies within the radius of fingerprints and the largest change of volume is found. `_distances` and
`_reach` follow `fingerprint.distance`. The comparison itself is `compare.py`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lake.structures.definition import SAME

AXES = 8  # coordinates of a tree: more of them reject more strangers, and cost time at every step down the tree
TAIL = 256  # points in no tree yet; to look at so many in one go costs as much as asking one or two trees
SAMPLE = 128  # points that a tree chooses its coordinates by
ROUNDING = 1e-6  # far above the last digits of a logarithm, far below what anybody would call a difference

# A uniform scaling in length is three times as much in the logarithm of the volume; other strain has no volume.
LARGEST_LOG_VOLUME = 3 * math.log1p(SAME.scale) + ROUNDING


class Neighbour(NamedTuple):
    """place: of the representative, in the order in which they were added. distance: of the two fingerprints."""

    place: int
    distance: float


class _Tree(NamedTuple):
    """A tree of scipy over some coordinates of the points from `first` on, each in a unit of its own."""

    first: int
    axes: np.ndarray
    unit: np.ndarray
    tree: object


class Neighbours:
    """Representatives that come one by one, and the search for those near an entry.

    Each is a point: its fingerprint, and the logarithm of its volume per atom. No coordinate of a point within the
    radius is farther off than its reach, so a tree over a few coordinates, in units of their reach, gives all who can
    be near, and these are then measured in full. The trees follow Bentley and Saxe, J. Algorithms 1 (1980) 301: sizes
    double, equal ones are joined, so that a point is built into log n trees.
    """

    def __init__(self, radius: float) -> None:
        """radius: largest distance of fingerprints, dimensionless."""
        self.radius = radius
        self._points = np.empty((0, 0))
        self._count = 0
        self._trees: list[_Tree] = []
        self._indexed = 0  # points below are in a tree
        self._axes = np.empty(0, dtype=np.int64)  # by which points in no tree are passed over first

    def __len__(self) -> int:
        return self._count

    def add(self, fingerprint: np.ndarray, volume_per_atom: float) -> None:
        """One more representative; fingerprints inside a formula have one shape, volumes are in A^3."""
        point = np.append(fingerprint, math.log(volume_per_atom))
        if self._count == len(self._points):
            grown = np.empty((max(16, 2 * self._count), len(point)))
            if self._count:
                grown[: self._count] = self._points
            else:
                self._axes = np.unique(np.linspace(0, len(point) - 1, AXES, dtype=np.int64))
            self._points = grown
        self._points[self._count] = point
        self._count += 1
        if self._count - self._indexed == TAIL:
            self._grow()

    def near(self, fingerprint: np.ndarray, volume_per_atom: float) -> list[Neighbour]:
        """Who may be the same crystal, the nearest first; of those equally near, the one that was added first."""
        if not self._count:
            return []
        point = np.append(fingerprint, math.log(volume_per_atom))
        reach = _reach(point, self.radius * (1 + ROUNDING))
        tail = self._points[self._indexed : self._count]
        close = (np.abs(tail[:, self._axes] - point[self._axes]) <= reach[self._axes]).all(axis=1)
        places = [np.flatnonzero(close) + self._indexed]
        for first, axes, unit, tree in self._trees:
            found = tree.query_ball_point(point[axes] / unit, (reach[axes] / unit).max() * (1 + ROUNDING), p=np.inf)
            places.append(np.array(found, dtype=np.int64) + first)
        who = np.concatenate(places)
        who = who[(np.abs(self._points[who] - point) <= reach).all(axis=1)]
        distance = _distances(self._points[who, :-1], point[:-1])
        who, distance = who[distance <= self.radius], distance[distance <= self.radius]
        return [Neighbour(int(who[n]), float(distance[n])) for n in np.lexsort((who, distance))]

    def _grow(self) -> None:
        """Put the tail into a tree, together with the trees that are no larger."""
        from scipy.spatial import cKDTree

        first = self._indexed
        while self._trees and first - self._trees[-1].first <= self._count - first:
            first = self._trees.pop().first
        points = self._points[first : self._count]
        unit = _reach(points.mean(axis=0), self.radius)
        self._axes = axes = _telling(points / unit)
        self._trees.append(_Tree(first, axes, unit[axes], cKDTree(points[:, axes] / unit[axes])))
        self._indexed = self._count


def _distances(fingerprints: np.ndarray, one: np.ndarray) -> np.ndarray:
    """`fingerprint.distance` of each row to one, shape (m,)."""
    return np.abs(fingerprints - one).max(axis=1, initial=0.0)


def _reach(point: np.ndarray, radius: float) -> np.ndarray:
    """How far each coordinate of a point within the radius can be from this one's, at most."""
    return np.append(np.full(len(point) - 1, radius), LARGEST_LOG_VOLUME)


def _telling(points: np.ndarray) -> np.ndarray:
    """The coordinates that tell these points apart best: large spread, and not what another one tells already."""
    from scipy.linalg import qr

    sample = points[:: max(1, len(points) // SAMPLE)]
    _, order = qr(sample - sample.mean(axis=0), mode="r", pivoting=True)
    return np.sort(order[:AXES])
