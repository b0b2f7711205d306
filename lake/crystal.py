"""Crystal, the noun everything else speaks of, and its translations at the edge.

What belongs here: the array form of an ordered periodic crystal, its checks, and the way to and from
pymatgen. How a database writes a crystal belongs to `lake/sources`; CIF text belongs to `lake/cif.py`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
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
        """Return self, or raise CrystalError: finite arrays, atoms, known elements, a volume, no two atoms on one site.

        Cost grows with the square of the number of sites.
        """
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
        """Shortest distance between two sites, in A, over the 27 nearest images (infinity for one site)."""
        if len(self) < 2:
            return float("inf")
        difference = self.positions[:, None, :] - self.positions[None, :, :]
        difference -= np.round(difference)
        cartesian = difference @ self.lattice
        squared = np.einsum("ijk,ijk->ij", cartesian, cartesian)
        np.fill_diagonal(squared, np.inf)
        return float(np.sqrt(squared.min()))

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
