"""The fingerprint of a crystal: how far its nearest neighbours are, on average, element by element.

For every ordered pair of elements (A, B): the distances from an atom A to its K nearest atoms B, in ascending
order, averaged over all A, in units of (volume per atom of B)^(1/3). Which cell, origin, site order or supercell
tells the crystal plays no part; neither does uniform strain, which the unit of length takes out. The vector moves
continuously with the atoms. It follows Widdowson et al., MATCH 87 (2022) 529 (average minimum distances), resolved by
element here so that swapped decorations differ. It ranks candidates; `match.py` decides.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from lake.crystal import Crystal

K = 24  # neighbours per pair of elements; 12 end before the shell in which polytypes begin to differ
VERSION = f"amd-by-element k={K} v1"
FIRST_RADIUS = 1.2  # times the radius of the sphere that holds K atoms at mean density: usually enough
GROWTH = 1.25


def fingerprint(crystal: Crystal) -> np.ndarray:
    """Average scaled distances, shape (s, s, K): centre element, neighbour element, neighbour rank; dimensionless.

    s: number of elements, in order of atomic number. Raises ValueError without atoms, without a volume, or where a
    number is not finite.
    """
    from moyopy import minkowski_reduce

    if len(crystal) == 0 or not np.isfinite(crystal.positions).all():
        raise ValueError("a fingerprint needs atoms at finite places")
    elements, species = np.unique(crystal.numbers, return_inverse=True)
    order = np.argsort(species, kind="stable")
    counts = np.bincount(species, minlength=len(elements))
    # short vectors make the cost forget the cell's shape; the shortest last, where lines are followed
    lattice = np.array(minkowski_reduce(crystal.lattice.tolist())[0])[::-1].copy()
    inverse = np.linalg.inv(lattice)
    fractional = crystal.positions[order] @ crystal.lattice @ inverse
    reach = np.linalg.norm(inverse, axis=0)  # 1 / distance between the cell's opposite faces
    return _mean_distances(lattice, reach, fractional - np.floor(fractional), counts, crystal.volume, K)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference between two fingerprints, dimensionless; infinity where the numbers of elements differ."""
    return float(np.abs(one - other).max()) if one.shape == other.shape else float("inf")


@njit(cache=True, nogil=True)
def _mean_distances(
    lattice: np.ndarray, reach: np.ndarray, fractional: np.ndarray, counts: np.ndarray, volume: float, k: int
) -> np.ndarray:
    """The fingerprint of atoms sorted by element; `counts` says how many of each."""
    n_elements = len(counts)
    means = np.zeros((n_elements, n_elements, k))
    nearest = np.empty(k)
    first_b = 0
    for b in range(n_elements):
        length = (volume / counts[b]) ** (1 / 3)
        usual = FIRST_RADIUS * length * (3 * k / (4 * np.pi)) ** (1 / 3)
        first_a = 0
        for a in range(n_elements):
            for centre in range(first_a, first_a + counts[a]):
                radius = usual
                while _nearest(lattice, reach, fractional, centre, first_b, first_b + counts[b], radius, nearest) < k:
                    radius *= GROWTH
                for rank in range(k):
                    means[a, b, rank] += np.sqrt(nearest[rank]) / (counts[a] * length)
            first_a += counts[a]
        first_b += counts[b]
    return means


@njit(cache=True, nogil=True)
def _nearest(
    lattice: np.ndarray, reach: np.ndarray, fractional: np.ndarray, centre: int, start: int, stop: int,
    radius: float, nearest: np.ndarray,
) -> int:  # fmt: skip
    """Fill `nearest` with the smallest squared distances from `centre`; returns how many lie within the radius.

    Two loops over cells and, along the third vector, exactly the piece of the line inside the sphere.
    """
    k, found, limit = len(nearest), 0, radius * radius
    along_x, along_y, along_z = lattice[2]
    step = along_x * along_x + along_y * along_y + along_z * along_z
    nearest.fill(np.inf)
    for other in range(start, stop):
        u = fractional[other, 0] - fractional[centre, 0]
        v = fractional[other, 1] - fractional[centre, 1]
        w = fractional[other, 2] - fractional[centre, 2]
        for i in range(math.ceil(-u - radius * reach[0]), math.floor(-u + radius * reach[0]) + 1):
            for j in range(math.ceil(-v - radius * reach[1]), math.floor(-v + radius * reach[1]) + 1):
                x = (u + i) * lattice[0, 0] + (v + j) * lattice[1, 0] + w * along_x
                y = (u + i) * lattice[0, 1] + (v + j) * lattice[1, 1] + w * along_y
                z = (u + i) * lattice[0, 2] + (v + j) * lattice[1, 2] + w * along_z
                middle = -(x * along_x + y * along_y + z * along_z) / step
                closest = x * x + y * y + z * z - middle * middle * step
                if closest > limit:
                    continue
                half = math.sqrt((limit - closest) / step)
                for m in range(math.ceil(middle - half), math.floor(middle + half) + 1):
                    if other == centre and i == 0 and j == 0 and m == 0:
                        continue
                    squared = closest + (m - middle) * (m - middle) * step
                    found += 1
                    if squared < nearest[k - 1]:
                        _insert(nearest, squared)
    return found


@njit(cache=True, nogil=True)
def _insert(ascending: np.ndarray, value: float) -> None:
    """Put the value in its place; the largest drops out."""
    place = len(ascending) - 1
    while place > 0 and ascending[place - 1] > value:
        ascending[place] = ascending[place - 1]
        place -= 1
    ascending[place] = value
