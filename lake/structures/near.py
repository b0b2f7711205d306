"""Neighbour search among the representatives of one formula: exact, and without looking at all of them.

What belongs here: which representatives an entry has to be compared with. Nobody is missed whom the definition could
join: whoever lies within the radius of fingerprints and within the largest change of volume is found. The comparison
itself is `compare.py`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lake.structures import fingerprint as fp
from lake.structures.definition import ROUNDING, SAME

AXES = 8  # coordinates of a tree: more of them reject more strangers, and cost time at every step down the tree
TAIL = 256  # points in no tree yet; to look at so many in one go costs as much as asking one or two trees
SAMPLE = 128  # points that a tree chooses its coordinates by
NEARLY = 1 + 1e-6  # far above the last digits of a logarithm, far below what anybody would call a difference

# A uniform scaling in length is three times as much in the logarithm of the volume; a strain along one direction alone
# is as much in both: see `Tolerances.held`.
LARGEST_LOG_VOLUME = (-3 * math.log1p(-SAME.scale) + math.log1p(SAME.strain)) * (1 + 2 * ROUNDING)


class Neighbour(NamedTuple):
    """place: of the representative, in the order in which they were added. distance: of the two fingerprints."""

    place: int
    distance: float


class _Tree(NamedTuple):
    first: int
    axes: np.ndarray
    tree: object  # of scipy, over these coordinates of the points from `first` on


class Neighbours:
    """Representatives that come one by one, and the search for those near an entry.

    A tree over a few coordinates of the fingerprint gives all who can be near, as no coordinate differs by more than
    the whole does, and these are then measured in full. The trees follow Bentley and Saxe, J. Algorithms 1 (1980) 301:
    sizes double, equal ones are joined, so a point is built into log n trees.
    """

    def __init__(self, shortest: float) -> None:
        """shortest: the smallest unit of length, in A, of all fingerprints that will be added or asked for."""
        self.shortest = shortest
        self._prints = np.empty((0, 0))
        self._volumes = np.empty(0)  # logarithms
        self._count = 0
        self._trees: list[_Tree] = []
        self._indexed = 0  # points below are in a tree

    def __len__(self) -> int:
        return self._count

    def add(self, fingerprint: np.ndarray, volume_per_atom: float) -> None:
        """One more representative; fingerprints inside a formula have one shape, volumes are in A^3."""
        if self._count == len(self._prints):
            self._prints = _grown(self._prints, self._count, (len(fingerprint),))
            self._volumes = _grown(self._volumes, self._count, ())
        self._prints[self._count] = fingerprint
        self._volumes[self._count] = math.log(volume_per_atom)
        self._count += 1
        if self._count - self._indexed == TAIL:
            self._grow()

    def near(self, fingerprint: np.ndarray, volume_per_atom: float) -> list[Neighbour]:
        """Who may be the same crystal, the nearest first; of those equally near, the one that was added first."""
        if not self._count:
            return []
        point = self._points(fingerprint) if self._trees else fingerprint
        places = [np.arange(self._indexed, self._count)]
        for first, axes, tree in self._trees:
            found = tree.query_ball_point(point[axes], fp.RADIUS * NEARLY, p=np.inf)
            places.append(np.array(found, dtype=np.int64) + first)
        who = np.concatenate(places)
        who = who[np.abs(self._volumes[who] - math.log(volume_per_atom)) <= LARGEST_LOG_VOLUME]
        distance = fp.distances(fingerprint, self._prints[who])
        who, distance = who[distance <= fp.RADIUS], distance[distance <= fp.RADIUS]
        return [Neighbour(int(who[n]), float(distance[n])) for n in np.lexsort((who, distance))]

    def _points(self, prints: np.ndarray) -> np.ndarray:
        return fp.coordinates(prints, self.shortest)

    def _grow(self) -> None:
        """Put the tail into a tree, together with the trees that are no larger."""
        from scipy.spatial import cKDTree

        first = self._indexed
        while self._trees and first - self._trees[-1].first <= self._count - first:
            first = self._trees.pop().first
        prints = self._prints[first : self._count]
        axes = _telling(self._points(prints[:: max(1, len(prints) // SAMPLE)]))
        points = self._points(prints[:, np.concatenate([[0], axes + 1])])
        self._trees.append(_Tree(first, axes, cKDTree(points)))
        self._indexed = self._count


def _grown(rows: np.ndarray, count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Room for twice as many rows."""
    grown = np.empty((max(16, 2 * count), *shape))
    if count:
        grown[:count] = rows
    return grown


def _telling(points: np.ndarray) -> np.ndarray:
    """The coordinates that tell these points apart best: large spread, and not what another one tells already."""
    from scipy.linalg import qr

    _, order = qr(points - points.mean(axis=0), mode="r", pivoting=True)
    return np.sort(order[:AXES])
