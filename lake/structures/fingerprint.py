"""The fingerprint of a crystal: how far its nearest neighbours are, element by element, and the distance of two such.

For every ordered pair of elements (A, B): the distances from each atom A to its K nearest atoms B, in ascending order.
The k-th distances of all atoms A, sorted, are told by the mean of each eighth of them, in units of the cube root of the
volume per atom. Which cell, origin, site order or supercell tells the crystal plays no part, neither does uniform
scaling, nor which of two mirror images it is.

Why it loses nothing: where every atom moves by at most d and strain changes lengths by at most a part e, a distance r
between two atoms changes by at most e r + 2 d. Sorting and averaging keep that bound: the k-th of many numbers moves no
farther than the one that moves farthest. So every number of the fingerprint has a tolerance of its own, `distance` is
counted in these tolerances, and what the definition joins is never farther than 1. It ranks candidates and leaves out
strangers; `compare.py` decides.

Average distances to the k-th neighbour follow Widdowson et al., MATCH 87 (2022) 529, their distribution over the atoms
Widdowson and Kurlin, NeurIPS 2022; by element and by eighth here, so that the length depends on the formula alone.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from lake.crystal import Crystal
from lake.structures.definition import ROUNDING, SAME

K = 24  # neighbours per pair of elements: 12 leave three times as many strangers, 48 not half as many
PARTS = 8  # of the sorted atoms of an element; 1, plain averages, leaves seven times as many strangers
VERSION = f"neighbours by element k={K} in {PARTS} parts v2"

STRAIN, DISPLACEMENT = SAME.strain, SAME.displacement
# Longest by 2 %, the other two axes shorter by 2 %: then the unit of length, which follows the volume, shrinks too
STRETCH = ((1 + STRAIN) / (1 - STRAIN)) ** (2 / 3)
RADIUS = 1 + 2 * ROUNDING  # proven, see above: 1, and the accuracy that the definition is held to

FIRST_RADIUS = 1.1  # times the radius of the sphere that holds K atoms at mean density: usually enough
GROWTH = 1.25
SLACK = 1.03  # atoms of one element look alike: the next one is asked a little beyond what sufficed for the last one
MOST_IMAGES = 1 << 21  # atoms held at once, 100 MB; a thousand are usual
MANY = 4 * K  # candidates; where there are more, the radius is halved towards the K nearest


def fingerprint(crystal: Crystal) -> np.ndarray:
    """Flat, 1 + s s PARTS K numbers: the unit of length in A, then distances in that unit.

    These run over centre element, neighbour element (s elements, by atomic number), part of the centres (nearest
    first), rank of the neighbour. Raises ValueError without atoms, without a volume, where a number is not finite, and
    for a cell so flat or so long that its atoms' neighbours cannot be listed.
    """
    order = crystal.numbers.argsort(kind="stable")
    return _fingerprint(
        np.array(crystal.lattice, order="C"), crystal.positions.take(order, 0), crystal.numbers.take(order), K, PARTS
    )


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference of two fingerprints in units of what the definition tolerates of it.

    0 is equal, 1 the border; infinity where the numbers of elements differ, or where one is empty.
    """
    return _distance(one, other) if one.shape == other.shape and one.size else math.inf


def distances(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """`distance` from one fingerprint to each row of others (m, d), all of one formula; infinity beyond RADIUS.

    A stranger is given up at the first difference that is too large.
    """
    return _distances(one, others, RADIUS)


def coordinates(prints: np.ndarray, shortest: float) -> np.ndarray:
    """Each number of these fingerprints but the first, on a scale where what is tolerated of any is at most 1.

    prints: (..., 1 + d). shortest: the smallest unit of length among all that are ever held against each other, in A.
    So no two crystals that are within a distance of 1 differ by more than 1 in any coordinate: a tolerance of
    e r + t is one step on the scale of log(r + t / e).
    """
    shift = 2 * DISPLACEMENT * STRETCH / shortest / (STRETCH - 1)
    return np.log(prints[..., 1:] + shift) / math.log(STRETCH)


@njit(cache=True, nogil=True, error_model="numpy")
def _distance(one: np.ndarray, other: np.ndarray, beyond: float = np.inf) -> float:
    shift = 2 * DISPLACEMENT * STRETCH / min(one[0], other[0])
    largest = 0.0
    for i in range(1, len(one)):
        tolerance = (STRETCH - 1) * min(one[i], other[i]) + shift
        largest = max(largest, abs(one[i] - other[i]) / tolerance)
        if largest > beyond:
            return np.inf
    return largest


@njit(cache=True, nogil=True, error_model="numpy")
def _distances(one: np.ndarray, others: np.ndarray, beyond: float) -> np.ndarray:
    found = np.empty(len(others))
    for i in range(len(others)):
        found[i] = _distance(one, others[i], beyond)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _fingerprint(lattice: np.ndarray, positions: np.ndarray, numbers: np.ndarray, k: int, parts: int) -> np.ndarray:
    """The fingerprint of atoms in order of their element, with k neighbours and this many parts."""
    n = len(numbers)
    if n == 0:
        raise ValueError("a fingerprint needs atoms, found none")
    if not math.isfinite(lattice.sum() + positions.sum()):
        raise ValueError("a fingerprint needs finite numbers, found NaN or infinity in cell or positions")
    reduced = _reduced(lattice)
    lengths, reach = np.sqrt((reduced * reduced).sum(1)), np.empty(3)
    inverse = np.empty((3, 3))  # columns are the normals of the faces, once over the height above each
    for axis in range(3):
        one, two = reduced[(axis + 1) % 3], reduced[(axis + 2) % 3]
        for i in range(3):
            inverse[i, axis] = one[(i + 1) % 3] * two[(i + 2) % 3] - one[(i + 2) % 3] * two[(i + 1) % 3]
    volume = abs((reduced[0] * inverse[:, 0]).sum())
    inverse /= (reduced[0] * inverse[:, 0]).sum()
    for axis in range(3):
        reach[axis] = math.sqrt((inverse[:, axis] ** 2).sum())  # 1 / distance between the cell's opposite faces
    short, long = lengths.min(), lengths.max()
    middle = lengths.sum() - short - long
    if not volume > 1e-12 * long**3:
        raise ValueError("a fingerprint needs a cell with a volume, found one that is flat")
    fractional = positions @ (lattice @ inverse)
    fractional -= np.floor(fractional)
    cartesian = fractional @ reduced
    starts = _starts(numbers)

    s = len(starts) - 1
    unit = (volume / n) ** (1 / 3)
    found = np.zeros(1 + s * s * parts * k)
    found[0] = unit
    means = found[1:].reshape(s, s, parts, k)
    nearest = np.empty(k)
    for b in range(s):
        start, stop = starts[b], starts[b + 1]
        # as if they filled space, or only one plane or one line of the shortest vectors of a flat or a long cell
        in_space = (3 * k * volume / (4 * np.pi * (stop - start))) ** (1 / 3)
        widest = FIRST_RADIUS * min(in_space, math.sqrt(k * short * middle / np.pi), k * short / 2)
        images, home = _images(reduced, reach, fractional, start, stop, widest)
        squared, within = np.empty(len(images[0])), np.empty(len(images[0]) + 1)
        for a in range(s):
            ranked = np.empty((starts[a + 1] - starts[a], k))
            radius = widest
            for centre in range(starts[a], starts[a + 1]):
                while True:
                    _square_distances(images, cartesian[centre], squared)
                    if a == b:
                        squared[home[centre - start]] = np.inf  # an atom is no neighbour of its own
                    count = _kept(squared, radius * radius, within)
                    if count >= k:
                        break
                    if radius == widest:
                        widest *= GROWTH
                        images, home = _images(reduced, reach, fractional, start, stop, widest)
                        squared, within = np.empty(len(images[0])), np.empty(len(images[0]) + 1)
                    radius = widest
                short_of = 0.0
                while count > MANY and radius - short_of > 1e-12 * radius:  # cells far flatter than atoms are apart
                    between = (short_of + radius) / 2
                    fewer = _kept(squared, between * between, within)
                    if fewer < k:
                        short_of = between
                    else:
                        radius, count = between, fewer
                    _kept(squared, radius * radius, within)
                _rank(within[:count], nearest)
                ranked[centre - starts[a]] = np.sqrt(nearest) / unit
                radius = min(widest, SLACK * math.sqrt(nearest[k - 1]))
            _sort_columns(ranked)
            _add_means(ranked, means[a, b])
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _reduced(lattice: np.ndarray) -> np.ndarray:
    """Short vectors of the same lattice: no sum or difference of them is shorter. Only the cost depends on it."""
    short = lattice.copy()
    along = np.empty(3)
    for _ in range(1000):  # far more than any cell needs; rounding must not let it turn in circles
        shorter = False
        for i in range(3):
            for one, two in ((1, 0), (0, 1), (1, 1), (1, -1)):
                product, square = 0.0, 1e-300
                for axis in range(3):
                    along[axis] = one * short[(i + 1) % 3, axis] + two * short[(i + 2) % 3, axis]
                    product += short[i, axis] * along[axis]
                    square += along[axis] * along[axis]
                times = np.rint(product / square)
                if times != 0:
                    shorter = True
                    for axis in range(3):
                        short[i, axis] -= times * along[axis]
        if not shorter:
            break
    return short


@njit(cache=True, nogil=True, error_model="numpy")
def _starts(ascending: np.ndarray) -> np.ndarray:
    """Where each run of equal numbers begins, and the end."""
    starts = [0]
    for i in range(1, len(ascending)):
        if ascending[i] != ascending[i - 1]:
            starts.append(i)
    starts.append(len(ascending))
    return np.array(starts)


@njit(cache=True, nogil=True, error_model="numpy")
def _images(
    lattice: np.ndarray, reach: np.ndarray, fractional: np.ndarray, start: int, stop: int, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """All images of the atoms start:stop that can lie within the radius of any atom: (3, m) in A.

    And which of them is each atom itself, in the cell.
    """
    bounds = np.empty((stop - start, 3, 2), dtype=np.int64)
    count = 0.0
    for axis in range(3):
        far = radius * reach[axis]
        low, high = fractional[:, axis].min() - far, fractional[:, axis].max() + far
        if high - low > MOST_IMAGES:
            raise ValueError("a fingerprint needs neighbours that can be listed, found a cell too flat or too long")
        for i in range(start, stop):
            bounds[i - start, axis, 0] = math.ceil(low - fractional[i, axis])
            bounds[i - start, axis, 1] = math.floor(high - fractional[i, axis]) + 1
    for i in range(stop - start):
        cells = bounds[i, :, 1] - bounds[i, :, 0]
        count += float(cells[0]) * cells[1] * cells[2]
    if count > MOST_IMAGES:
        raise ValueError("a fingerprint needs neighbours that can be listed, found a cell too flat or too long")
    images, home, m = np.empty((3, int(count))), np.empty(stop - start, dtype=np.int64), 0
    for i in range(start, stop):
        (first_u, last_u), (first_v, last_v), (first_w, last_w) = bounds[i - start]
        for u in range(first_u, last_u):
            for v in range(first_v, last_v):
                for w in range(first_w, last_w):
                    if u == 0 and v == 0 and w == 0:
                        home[i - start] = m
                    x, y, z = fractional[i, 0] + u, fractional[i, 1] + v, fractional[i, 2] + w
                    images[0, m] = x * lattice[0, 0] + y * lattice[1, 0] + z * lattice[2, 0]
                    images[1, m] = x * lattice[0, 1] + y * lattice[1, 1] + z * lattice[2, 1]
                    images[2, m] = x * lattice[0, 2] + y * lattice[1, 2] + z * lattice[2, 2]
                    m += 1
    return images, home


@njit(cache=True, nogil=True, error_model="numpy")
def _square_distances(images: np.ndarray, centre: np.ndarray, squared: np.ndarray) -> None:
    """No branch in this loop, nor in the next two: processors take several numbers at once."""
    xs, ys, zs = images[0], images[1], images[2]
    x, y, z = centre[0], centre[1], centre[2]
    for i in range(len(squared)):
        squared[i] = (xs[i] - x) ** 2 + (ys[i] - y) ** 2 + (zs[i] - z) ** 2


@njit(cache=True, nogil=True, error_model="numpy")
def _kept(values: np.ndarray, limit: float, kept: np.ndarray) -> int:
    """Write those up to the limit to the front of `kept`, which has one place more; returns how many."""
    count = 0
    for value in values:
        kept[count] = value
        count += value <= limit
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _rank(values: np.ndarray, smallest: np.ndarray) -> None:
    """Fill `smallest` with the smallest values, ascending: each goes where as many as are less than it leave off."""
    k = len(smallest)
    places = np.zeros(len(values), dtype=np.int64)
    for value in values:
        for i in range(len(values)):
            places[i] += value < values[i]
    smallest[:] = -1
    for i in range(len(values)):
        if places[i] < k:
            smallest[places[i]] = values[i]
    for i in range(1, k):  # equal values shared a place, and left the next ones open
        if smallest[i] < 0:
            smallest[i] = smallest[i - 1]


@njit(cache=True, nogil=True, error_model="numpy")
def _sort_columns(table: np.ndarray) -> None:
    """Each column by itself in ascending order, in place; two rows at a time, all their columns at once."""
    for last in range(1, len(table)):
        for row in range(last, 0, -1):
            upper, lower = table[row - 1], table[row]
            for i in range(len(upper)):
                one, other = upper[i], lower[i]
                upper[i] = one if one < other else other
                lower[i] = other if one < other else one


@njit(cache=True, nogil=True, error_model="numpy")
def _add_means(table: np.ndarray, means: np.ndarray) -> None:
    """Add the mean of each equal part of the rows; a row that lies across a border counts on either side."""
    n, parts = len(table), len(means)
    for part in range(parts):
        for row in range(n * part // parts, (n * (part + 1) - 1) // parts + 1):
            share = (min(parts * (row + 1), n * (part + 1)) - max(parts * row, n * part)) / n
            for i in range(table.shape[1]):
                means[part, i] += share * table[row, i]
