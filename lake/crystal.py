"""Crystal, the noun everything else speaks of, and its translations at the edge.

What belongs here: the array form of an ordered periodic crystal, its checks, and the way to and from
pymatgen. How a database writes a crystal belongs to `lake/sources`; CIF text belongs to `lake/cif.py`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure

# Symbols by atomic number; index 0 stands for "no element".
SYMBOLS = (
    "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr "
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb "
    "Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf "
    "Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
).split()
NUMBER = {symbol: number for number, symbol in enumerate(SYMBOLS) if number} | {"D": 1, "T": 1}

SMALLEST_DISTANCE = 0.4  # A; H2 has 0.74 A, so anything nearer is two atoms on one site
SMALLEST_VOLUME_PER_ATOM = 1.0  # A^3; hydrogen at 500 GPa still has more
LARGEST_VOLUME_PER_ATOM = 5000.0  # A^3; a slab in vacuum stays far below

FEW_SITES = 128  # up to here all pairs at once are fastest
PAIRS_AT_ONCE = 1 << 13  # at some 100 bytes each, about what a core's cache holds
LAYER = 1.0  # A, about a bond; large cells are searched along the axis that has the fewest sites in any such layer


class CrystalError(ValueError):
    """A structure that cannot be a crystal; the message names the rule, what was found, and what to do."""


@dataclass(frozen=True, eq=False)
class Crystal:
    """One ordered periodic crystal.

    lattice: (3, 3) float64, rows are the cell vectors in A.
    positions: (n, 3) float64, fractional.
    numbers: (n,) int64, atomic numbers 1..118.
    """

    lattice: np.ndarray
    positions: np.ndarray
    numbers: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "lattice", np.asarray(self.lattice, dtype=np.float64).reshape(3, 3))
        object.__setattr__(self, "positions", np.asarray(self.positions, dtype=np.float64).reshape(-1, 3))
        object.__setattr__(self, "numbers", np.asarray(self.numbers, dtype=np.int64).reshape(-1))

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def volume(self) -> float:
        """Volume of the cell in A^3, never negative."""
        return float(abs(np.linalg.det(self.lattice)))

    @cached_property
    def counts(self) -> dict[str, int]:
        """Atoms per element symbol in the cell, in order of atomic number."""
        numbers, counts = np.unique(self.numbers, return_counts=True)
        return {SYMBOLS[z]: int(n) for z, n in zip(numbers, counts, strict=True)}

    @cached_property
    def reduced_formula(self) -> str:
        """Reduced formula as pymatgen writes it: electropositive first, `SiO2`, `BaTiO3`."""
        from pymatgen.core import Composition

        return Composition(self.counts).reduced_formula

    @cached_property
    def structure_hash(self) -> str:
        """Content address of exactly these arrays (to 1e-8), 32 hex digits; any rewriting changes it."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (np.round(self.lattice, 8) + 0.0, np.round(self.positions, 8) + 0.0):
            digest.update(np.ascontiguousarray(part, dtype="<f8").tobytes())
        digest.update(np.ascontiguousarray(self.numbers, dtype="<i8").tobytes())
        return digest.hexdigest()

    def checked(self) -> Crystal:
        """Return self, or raise CrystalError: atoms, finite arrays, known elements, a volume, one atom on each site."""
        if len(self) == 0:
            raise CrystalError("a crystal needs atoms, found none: the record has no usable site")
        if len(self.positions) != len(self.numbers):
            raise CrystalError(
                f"every site needs one position and one element, found {len(self.positions)} positions "
                f"and {len(self.numbers)} elements"
            )
        if not (np.isfinite(self.lattice).all() and np.isfinite(self.positions).all()):
            raise CrystalError("cell and positions must be finite numbers, found NaN or infinity")
        if self.numbers.min() < 1 or self.numbers.max() > 118:
            raise CrystalError(f"atomic numbers run from 1 to 118, found {self.numbers.min()}..{self.numbers.max()}")
        per_atom = self.volume / len(self)
        if not SMALLEST_VOLUME_PER_ATOM <= per_atom <= LARGEST_VOLUME_PER_ATOM:
            raise CrystalError(
                f"volume per atom must lie in {SMALLEST_VOLUME_PER_ATOM}..{LARGEST_VOLUME_PER_ATOM} A^3, "
                f"found {per_atom:.4g}"
            )
        nearest = self.smallest_distance()
        if nearest < SMALLEST_DISTANCE:
            raise CrystalError(
                f"two atoms must be {SMALLEST_DISTANCE} A apart or more, found {nearest:.3f} A: "
                "overlapping sites (disorder written as full occupancy?)"
            )
        return self

    def smallest_distance(self) -> float:
        """Shortest distance between two sites, in A; infinity for one site.

        The difference of two sites is taken within half a cell along each vector. That is their nearest image wherever
        they are nearer than half the smallest distance between two faces of the cell; in a cell as flat or skewed as
        that not to hold, it may be a farther one. Memory grows with the number of sites.
        """
        if len(self) < 2:
            return math.inf
        if len(self) <= FEW_SITES:
            one, other = _pairs(len(self))
            return _shortest(self.positions[one] - self.positions[other], self.lattice)
        return _shortest_by_layers(self.positions, self.lattice)

    def to_pymatgen(self) -> Structure:
        """The same crystal as pymatgen's Structure, for what only pymatgen does."""
        from pymatgen.core import Structure

        return Structure(self.lattice, [SYMBOLS[z] for z in self.numbers], self.positions)

    @classmethod
    def from_pymatgen(cls, structure: Structure) -> Crystal:
        """From an ordered pymatgen Structure; raises CrystalError for partial occupancy."""
        if not structure.is_ordered:
            raise CrystalError("sites must be fully occupied by one element, found partial occupancy (disorder)")
        numbers = [site.specie.Z for site in structure]
        return cls(structure.lattice.matrix, structure.frac_coords, numbers)


def _shortest(differences: np.ndarray, lattice: np.ndarray) -> float:
    """Length in A of the shortest of these differences (m, 3) in parts of the cell, each taken within half of it."""
    cartesian = (differences - np.rint(differences)) @ lattice
    return math.sqrt(np.einsum("ij,ij->i", cartesian, cartesian).min())


@lru_cache(maxsize=FEW_SITES)
def _pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(count, 1)


def _shortest_by_layers(positions: np.ndarray, lattice: np.ndarray) -> float:
    """Shortest distance in A, of sites in the order of their height above one face of the cell.

    Each is compared with the next ones above it, until these are all higher by more than the shortest distance so far.
    The order is a ring: above the highest site is the lowest one of the next cell.
    """
    faces = np.linalg.norm(np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]]), axis=1)
    tall = abs(np.linalg.det(lattice)) / np.maximum(faces, np.finfo(float).tiny)
    heights = positions % 1.0 * tall
    axis = min(range(3), key=lambda axis: _most_in_a_layer(heights[:, axis]))
    order = np.argsort(heights[:, axis])
    sites, height = positions[order], heights[order, axis]
    ring, above = np.concatenate([sites, sites]), np.concatenate([height, height + tall[axis]])
    count, shortest = len(sites), math.inf
    stride, last = max(1, PAIRS_AT_ONCE // count), count // 2
    for next_one in range(1, last + 1, stride):
        if (above[next_one : next_one + count] - height).min() > shortest:
            break
        steps = np.arange(next_one, min(next_one + stride, last + 1))
        differences = ring[np.arange(count)[:, None] + steps] - sites[:, None]
        shortest = min(shortest, _shortest(differences.reshape(-1, 3), lattice))
    return shortest


def _most_in_a_layer(heights: np.ndarray) -> int:
    """The most sites in a LAYER that begins at one of them."""
    heights = np.sort(heights)
    return int((np.searchsorted(heights, heights + LAYER) - np.arange(len(heights))).max())
