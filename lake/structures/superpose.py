"""Superposition: one crystal laid onto another as well as it goes, and how much it must be changed for that.

What belongs here: the search for the best mapping of lattice and sites, and the measurement of what is left: uniform
scaling, strain, displacement, as docs/identity.md defines them. How much is tolerated: definition.py.

The mapping is sought from scratch, not from a standard setting, so no tolerance of symmetry plays a part. Lattice:
every integer matrix that maps the vectors of one cell onto vectors of the other's lattice, of nearly their lengths and
angles; where one cell is a multiple of the other, onto a lattice that many times sparser. Sites: for each such mapping,
one atom of the rarest element is laid onto every atom of that element in turn, and each other atom must find one of its
element within reach. The cost grows with the number of mappings that the lattice's shape allows (48 for a cube, 2 for
most triclinic cells) times the atoms of the rarest element times the square of the atoms, but a wrong mapping is given
up at the first atom that finds no partner.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from lake.structures.cell import Cell
from lake.structures.definition import SAME
from lake.structures.partners import partners

VERSION = "superposition v1"

# What is sought: beyond the tolerances, so that other tolerances can be tried on the recorded measurements
STRAIN_REACH = 0.05  # logarithmic, to either side
REACH = 0.25  # A, displacement
SCALE_REACH = 0.10  # logarithmic

ENOUGH = 1e-3  # of the tolerances: nothing is gained by a mapping better than that
LESSER = 1e-3  # weight of the smaller part: of mappings with one strain, the one with the smallest displacement
ROUNDS = 400  # of the smallest ball; it needs ten or twenty
BALL = 1e-4  # relative accuracy of its radius


class Superposition(NamedTuple):
    """What one crystal must undergo to lie on the other.

    scale: uniform scaling in length from the first to the second; 0.01 is 1 % longer. From the volumes per atom.
    strain: half the difference, in logarithms of length, between the direction that is stretched most and the one that
    is stretched least; 0.01 is 1 % to either side.
    displacement: smallest radius of a ball that holds every atom's displacement, in A of the denser of both: with the
    best common shift, no atom moves farther. rms: root of the mean square displacement about the mean, in A.
    """

    scale: float
    strain: float
    displacement: float
    rms: float


class Overlay(NamedTuple):
    """A superposition, and how it is made: what to draw.

    A place x of the larger cell (fractional) falls on x @ mapping + shift in the smaller cell. larger: which of the two
    was mapped, 0 for the first.
    """

    needs: Superposition
    mapping: np.ndarray
    shift: np.ndarray
    larger: int


def superpose(one: Cell, other: Cell) -> Superposition | None:
    """The best superposition of two crystals of one reduced formula; None where there is none within reach.

    Best is the one whose strain and displacement, each in parts of what the definition tolerates, have the smaller
    maximum. Swapping both crystals turns the logarithm of the scale round and changes nothing else, to rounding.
    """
    found = overlay(one, other)
    return None if found is None else found.needs


def overlay(one: Cell, other: Cell) -> Overlay | None:
    """The same, with the mapping that it is the superposition of."""
    small, large = (one, other) if len(one) <= len(other) else (other, one)
    times, rest = divmod(len(large), len(small))
    if rest or len(small.elements) != len(large.elements) or (large.elements != small.elements).any():
        return None
    if (large.counts != small.counts * times).any():
        return None
    stretch = large.volume / small.volume / times
    if not abs(math.log(stretch)) <= 3 * SCALE_REACH:
        return None
    length = stretch ** (1 / 3)
    strain, displacement, rms, mapping, shift = _best(
        small.lattice, small.fractional, large.lattice / length, large.fractional, small.counts, times,
        min(1.0, length), STRAIN_REACH, REACH, math.log1p(SAME.strain), SAME.displacement,
    )  # fmt: skip
    if not math.isfinite(strain):
        return None
    scale = (length if small is one else 1 / length) - 1
    return Overlay(Superposition(scale, math.expm1(strain), displacement, rms), mapping, shift, int(large is other))


@njit(cache=True, nogil=True)
def _best(a, xa, b, xb, counts, times, shorter, strain_reach, reach, strain_unit, displacement_unit):
    """Strain (logarithmic), displacement, rms, mapping and shift of the best; infinities where there is none.

    a, b: lattices, rows; b scaled to the density of a. xa, xb: fractional sites by element, `times` as many in b.
    shorter: factor to lengths of the denser crystal. counts: sites of a per element, rarest first.
    """
    best = np.inf
    result = (np.inf, np.inf, np.inf, np.zeros((3, 3)), np.zeros(3))
    farthest = 4 / 3 * strain_reach  # from the mean of the three directions, where one alone is strained
    vectors, cartesian, squared = _short_vectors(a, _longest(b) * math.exp(farthest) * 1.0001)
    gram = b @ b.T
    factor = math.exp(2 * farthest) * 1.0002
    first = _of_length(squared, gram[0, 0], factor)
    second = _of_length(squared, gram[1, 1], factor)
    third = _of_length(squared, gram[2, 2], factor)
    slack = (factor - 1 / factor) / 2
    slack_01 = slack * math.sqrt(gram[0, 0] * gram[1, 1])
    slack_02 = slack * math.sqrt(gram[0, 0] * gram[2, 2])
    slack_12 = slack * math.sqrt(gram[1, 1] * gram[2, 2])
    mapping = np.empty((3, 3))
    steps = np.empty((len(xb), 3))
    found = np.empty(len(xb), np.int64)
    hits = np.empty(len(xa), np.int64)
    moved = np.empty((len(xb), 3))
    weights = np.empty(len(xb))
    for i in first:
        for j in second:
            if abs(_dot(cartesian[i], cartesian[j]) - gram[0, 1]) > slack_01:
                continue
            for k in third:
                if abs(_dot(cartesian[i], cartesian[k]) - gram[0, 2]) > slack_02:
                    continue
                if abs(_dot(cartesian[j], cartesian[k]) - gram[1, 2]) > slack_12:
                    continue
                for axis in range(3):
                    mapping[0, axis], mapping[1, axis], mapping[2, axis] = (
                        vectors[i, axis], vectors[j, axis], vectors[k, axis],
                    )  # fmt: skip
                if round(abs(_determinant(mapping))) != times:
                    continue
                back = np.linalg.inv(mapping) @ b  # b's lattice in the setting of a
                strain = _strain(a, back)
                if strain > strain_reach or strain / strain_unit >= best:
                    continue
                metric = np.linalg.cholesky((a @ a.T + back @ back.T) / 2) * shorter
                mapped = xb @ mapping
                for j0 in range(counts[0]):
                    if not partners(
                        xa, mapped, counts, times, xa[j0] - mapped[0], metric, 2 * reach, steps, found, hits
                    ):
                        continue
                    moved[:] = steps @ metric
                    limit = min(reach, best * displacement_unit)
                    radius = _smallest_ball(moved, weights, limit)
                    if radius > limit:
                        continue
                    parts = strain / strain_unit, radius / displacement_unit
                    excess = max(parts) + LESSER * min(parts)
                    if excess < best:
                        best = excess
                        mean = np.array([steps[:, 0].mean(), steps[:, 1].mean(), steps[:, 2].mean()])
                        result = (strain, radius, _rms(moved), mapping.copy(), xa[j0] - mapped[0] - mean)
                        if best < ENOUGH:
                            return result
    return result


@njit(cache=True, nogil=True)
def _longest(lattice):
    return math.sqrt(max(_dot(lattice[0], lattice[0]), _dot(lattice[1], lattice[1]), _dot(lattice[2], lattice[2])))


@njit(cache=True, nogil=True)
def _dot(u, v):
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]


@njit(cache=True, nogil=True)
def _determinant(m):
    return (
        m[0, 0] * (m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1])
        - m[0, 1] * (m[1, 0] * m[2, 2] - m[1, 2] * m[2, 0])
        + m[0, 2] * (m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0])
    )


@njit(cache=True, nogil=True)
def _short_vectors(lattice, longest):
    """All lattice vectors no longer than that but zero: integers (v, 3), Cartesian (v, 3), squared lengths (v,)."""
    inverse = np.linalg.inv(lattice)
    most = np.empty(3, np.int64)
    for axis in range(3):
        most[axis] = math.floor(longest * math.sqrt(np.sum(inverse[:, axis] ** 2)) + 1e-9)
    room = (2 * most[0] + 1) * (2 * most[1] + 1) * (2 * most[2] + 1)
    integers = np.empty((room, 3))
    cartesian = np.empty((room, 3))
    squared = np.empty(room)
    found = 0
    for i in range(-most[0], most[0] + 1):
        for j in range(-most[1], most[1] + 1):
            for k in range(-most[2], most[2] + 1):
                x = i * lattice[0, 0] + j * lattice[1, 0] + k * lattice[2, 0]
                y = i * lattice[0, 1] + j * lattice[1, 1] + k * lattice[2, 1]
                z = i * lattice[0, 2] + j * lattice[1, 2] + k * lattice[2, 2]
                length = x * x + y * y + z * z
                if 0 < length <= longest * longest:
                    integers[found, 0], integers[found, 1], integers[found, 2] = i, j, k
                    cartesian[found, 0], cartesian[found, 1], cartesian[found, 2] = x, y, z
                    squared[found] = length
                    found += 1
    return integers[:found], cartesian[:found], squared[:found]


@njit(cache=True, nogil=True)
def _of_length(squared, wanted, factor):
    """Which vectors have that squared length, within a factor."""
    return np.flatnonzero((squared <= wanted * factor) & (squared * factor >= wanted))


@njit(cache=True, nogil=True)
def _strain(a, b):
    """Half the range of the logarithmic principal stretches that turn lattice a into lattice b, vector by vector."""
    deformation = np.linalg.inv(a) @ b
    squares = np.linalg.eigvalsh(deformation @ deformation.T)
    return 0.25 * math.log(squares[2] / squares[0]) if squares[0] > 0 else np.inf


@njit(cache=True, nogil=True)
def _smallest_ball(points, weights, limit):
    """Radius of the smallest ball that holds the points (n, 3), to BALL; more than the limit as soon as that is sure.

    By conditional gradients with away steps, which converge linearly: Yildirim, SIAM J. Optim. 19 (2008) 1368.
    weights: room for n numbers.
    """
    n = len(points)
    far = _farthest(points, points[0])
    opposite = _farthest(points, points[far])
    centre = (points[far] + points[opposite]) / 2
    square = np.sum((points[far] - centre) ** 2)  # of a radius that is too small, or right
    weights[:] = 0.0
    weights[far] += 0.5
    weights[opposite] += 0.5
    widest = square
    for _ in range(ROUNDS):
        if square > limit * limit:
            return np.inf
        out, widest, near, narrowest = -1, -1.0, -1, np.inf
        for i in range(n):
            x, y, z = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
            squared = x * x + y * y + z * z
            if squared > widest:
                out, widest = i, squared
            if weights[i] > 0 and squared < narrowest:
                near, narrowest = i, squared
        if widest <= square * (1 + BALL) + 1e-16:
            break
        outward, inward = widest / square - 1, 1 - narrowest / square
        if outward >= inward:
            step = outward / (2 * (1 + outward))
            weights *= 1 - step
            weights[out] += step
            centre = (1 - step) * centre + step * points[out]
            square *= 1 + outward * outward / (4 * (1 + outward))
        else:
            most = weights[near] / (1 - weights[near])
            free = inward / (2 * (1 - inward)) if inward < 1 else most
            step = min(most, free)
            weights *= 1 + step
            weights[near] = 0.0 if step == most else weights[near] - step
            centre = (1 + step) * centre - step * points[near]
            square = 0.0
            for i in range(n):
                if weights[i] > 0:
                    square += weights[i] * np.sum((points[i] - centre) ** 2)
    return math.sqrt(widest)


@njit(cache=True, nogil=True)
def _farthest(points, centre):
    far, widest = 0, -1.0
    for i in range(len(points)):
        x, y, z = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        squared = x * x + y * y + z * z
        if squared > widest:
            far, widest = i, squared
    return far


@njit(cache=True, nogil=True)
def _rms(points):
    total = 0.0
    for axis in range(3):
        total += np.var(points[:, axis])
    return math.sqrt(total)
