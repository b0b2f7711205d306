"""DisorderedCrystal, the noun beside Crystal: sites that atoms share, or that are empty in some cells.

What belongs here: the array form of a periodic crystal with partial or mixed occupancy, its labels and checks, and the
ordered stand-in by which it is compared. Where a CIF keeps its occupancies belongs to `lake/cif.py`.

A site's species is a label, one text for one mixture: `Fe0.5Ni0.5`, `Li0.25` (the rest is vacant), `O` (always there).
Elements stand in order of atomic number, occupancies to two decimals. Authors print no more digits than their
refinement knows, so that 1/3, 0.333 and 0.33 are one label; 0.5 and 0.6 are two, and two different crystals.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lake.crystal import (
    LARGEST_VOLUME_PER_ATOM,
    NUMBER,
    SMALLEST_DISTANCE,
    SMALLEST_VOLUME_PER_ATOM,
    SYMBOLS,
    Crystal,
    CrystalError,
)

if TYPE_CHECKING:
    from pymatgen.core import Structure

SAME_POSITION = 0.05  # A; atoms nearer than this share one position, refined apart by their errors
OVERFULL = 1.03  # what the occupancies of a site may sum to by rounding: three thirds of 0.34, and their labels
ELEMENTS = frozenset(SYMBOLS[1:])
WORD = re.compile(r"([A-Z][a-z]?)(\d(?:\.\d+)?|)")


def species_label(occupancies: Mapping[str, float]) -> str:
    """The label of a site: element symbol -> share of the cells in which that element is there, above 0, to 1.

    What is there at all counts for 0.01, so that no element is lost. Raises CrystalError for impossible occupancies.
    """
    shares = {symbol: _hundredths(share) for symbol, share in occupancies.items()}
    if not shares or sum(occupancies.values()) > OVERFULL:
        told = " and ".join(f"{symbol} {share:g}" for symbol, share in occupancies.items())
        raise CrystalError(f"the occupancies of a site must sum to 1 or less, found {told or 'none'}")
    return _written(shares)


def _hundredths(share: float) -> int:
    if not 0 < share <= OVERFULL:
        raise CrystalError(f"occupancies lie above 0 and end at 1, found {share:g}")
    return min(100, max(1, math.floor(100 * share + 0.5 + 1e-6)))  # halves go up, as in print: 0.125 is 0.13


def _written(shares: Mapping[str, int]) -> str:
    if len(shares) == 1 and 100 in shares.values():
        return next(iter(shares))
    return "".join(f"{symbol}{shares[symbol] / 100:g}" for symbol in sorted(shares, key=NUMBER.__getitem__))


@lru_cache(maxsize=1 << 16)
def _shares(label: str) -> Mapping[str, int]:
    """The label's elements -> hundredths of a site; raises CrystalError for what is no label."""
    shares = {symbol: round(100 * float(share or 1)) for symbol, share in WORD.findall(label) if symbol in ELEMENTS}
    most = 100 * OVERFULL + len(shares) / 2  # each was rounded by half of a hundredth
    if not shares or _written(shares) != label or min(shares.values()) < 1 or sum(shares.values()) > most:
        raise CrystalError(f"species must be labels like Fe0.5Ni0.5, elements by atomic number, found {label!r:.80}")
    return shares


def shares_of(label: str) -> dict[str, float]:
    """Element symbol -> share of the cells in which it is on the site of that label; they sum to 1 or less."""
    shares = _shares(label)
    whole = max(100, sum(shares.values()))  # three thirds of 0.34 are one
    return {symbol: hundredths / whole for symbol, hundredths in shares.items()}


@dataclass(frozen=True, eq=False)
class DisorderedCrystal:
    """One periodic crystal of which some sites are shared, or empty in some cells.

    lattice: (3, 3) float64, rows are the cell vectors in A.
    positions: (n, 3) float64, fractional; one site per position.
    species: n labels.
    """

    lattice: np.ndarray
    positions: np.ndarray
    species: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "lattice", np.asarray(self.lattice, dtype=np.float64).reshape(3, 3))
        object.__setattr__(self, "positions", np.asarray(self.positions, dtype=np.float64).reshape(-1, 3))
        object.__setattr__(self, "species", tuple(self.species))

    @classmethod
    def of_atoms(
        cls, lattice: np.ndarray, positions: np.ndarray, symbols: Sequence[str], occupancies: Sequence[float]
    ) -> DisorderedCrystal:
        """From atoms that are there in a share of the cells: those nearer than SAME_POSITION become one site.

        Raises CrystalError for occupancies that a site cannot have.
        """
        lattice, positions = (
            np.asarray(lattice, dtype=np.float64),
            np.asarray(positions, dtype=np.float64).reshape(-1, 3),
        )
        sites = _joined(len(symbols), _near(positions, lattice, SAME_POSITION))
        members: dict[int, list[int]] = defaultdict(list)
        for atom, site in enumerate(sites):
            members[site].append(atom)
        places, species = [], []
        for atoms in members.values():
            shares: dict[str, float] = defaultdict(float)
            for atom in atoms:
                shares[SYMBOLS[NUMBER[symbols[atom]]]] += occupancies[atom]
            species.append(species_label(shares))
            apart = positions[atoms] - positions[atoms[0]]
            weights = [occupancies[atom] for atom in atoms]
            places.append(positions[atoms[0]] + np.average(apart - np.rint(apart), axis=0, weights=weights))
        return cls(lattice, np.array(places), tuple(species))

    def __len__(self) -> int:
        return len(self.species)

    @cached_property
    def volume(self) -> float:
        """Volume of the cell in A^3, never negative."""
        return float(abs(np.linalg.det(self.lattice)))

    @cached_property
    def counts(self) -> dict[str, float]:
        """Atoms per element symbol in a cell, on average, in order of atomic number."""
        return {symbol: share / 100 for symbol, share in _total(Counter(self.species)).items()}

    @cached_property
    def numbers(self) -> np.ndarray:
        """(n,) int64: atomic number of each site's most abundant element, of several the lowest."""
        most = [max(_shares(label).items(), key=lambda one: (one[1], -NUMBER[one[0]]))[0] for label in self.species]
        return np.array([NUMBER[symbol] for symbol in most], dtype=np.int64)

    @cached_property
    def proportions(self) -> dict[str, int]:
        """Labels, sorted, with the smallest whole numbers that tell how many sites of each there are."""
        sites = Counter(self.species)
        divisor = math.gcd(*sites.values())
        return {label: sites[label] // divisor for label in sorted(sites)}

    @cached_property
    def reduced_formula(self) -> str:
        """Formula of the smallest number of whole sites, as pymatgen writes it: `Fe0.5Ni0.5`, `Sr0.3La0.7MnO3`.

        The same whichever cell tells the crystal; where all amounts are whole, the formula of an ordered crystal.
        """
        return _formula(tuple(_total(self.proportions).items()))

    @cached_property
    def structure_hash(self) -> str:
        """Content address of exactly these arrays (to 1e-8) and labels, 32 hex digits; any rewriting changes it."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (np.round(self.lattice, 8) + 0.0, np.round(self.positions, 8) + 0.0):
            digest.update(np.ascontiguousarray(part, dtype="<f8").tobytes())
        digest.update("\n".join(self.species).encode())
        return digest.hexdigest()

    def checked(self) -> DisorderedCrystal:
        """Return self, or raise CrystalError: sites, finite arrays, labels, disorder, a volume, no crowded place."""
        if len(self) == 0 or len(self.positions) != len(self):
            raise CrystalError(f"every site needs one position, found {len(self.positions)} for {len(self)} sites")
        if not (np.isfinite(self.lattice).all() and np.isfinite(self.positions).all()):
            raise CrystalError("cell and positions must be finite numbers, found NaN or infinity")
        filled = np.minimum(1, [sum(_shares(label).values()) / 100 for label in self.species])
        if ELEMENTS.issuperset(self.species):
            raise CrystalError("a disordered crystal needs a mixed or partial site, found an ordered one: use Crystal")
        per_atom = self.volume / filled.sum()
        if not SMALLEST_VOLUME_PER_ATOM <= per_atom <= LARGEST_VOLUME_PER_ATOM:
            raise CrystalError(
                f"volume per atom must lie in {SMALLEST_VOLUME_PER_ATOM}..{LARGEST_VOLUME_PER_ATOM} A^3, "
                f"found {per_atom:.4g}"
            )
        for one, other in _near(self.positions, self.lattice, SMALLEST_DISTANCE):
            if filled[one] + filled[other] > OVERFULL:
                raise CrystalError(
                    f"two sites nearer than {SMALLEST_DISTANCE} A must exclude each other, found {self.species[one]} "
                    f"and {self.species[other]}, which are there together in some cells"
                )
        return self

    def to_pymatgen(self) -> Structure:
        """The same crystal as pymatgen's Structure, shares as its labels tell them; overfull sites are full there."""
        from pymatgen.core import Structure

        sites = []
        for shares in map(_shares, self.species):
            filled = max(100, sum(shares.values()))
            sites.append({symbol: share / filled for symbol, share in shares.items()})
        return Structure(self.lattice, sites, self.positions)

    def coded(self) -> Crystal:
        """An ordered stand-in: each label's place among the sorted labels, from 1, is its sites' atomic number.

        Crystals with the same labels have the same codes. The numbers stand for no elements: for comparison alone.
        """
        codes = {label: code for code, label in enumerate(self.proportions, start=1)}
        return Crystal(self.lattice, self.positions, [codes[label] for label in self.species])


def _total(sites: Mapping[str, int]) -> dict[str, int]:
    """Hundredths of atoms per element in so many sites of each label, in order of atomic number."""
    total: Counter[str] = Counter()
    for label, n in sites.items():
        for symbol, share in _shares(label).items():
            total[symbol] += n * share
    return {symbol: total[symbol] for symbol in sorted(total, key=NUMBER.__getitem__)}


@lru_cache(maxsize=1 << 16)
def _formula(hundredths: tuple[tuple[str, int], ...]) -> str:
    import warnings

    from pymatgen.core.composition import reduce_formula

    with warnings.catch_warnings():  # noble gases have no electronegativity, which only orders the symbols
        warnings.simplefilter("ignore")
        return reduce_formula({symbol: n / 100 for symbol, n in hundredths})[0]


def _near(positions: np.ndarray, lattice: np.ndarray, radius: float) -> np.ndarray:
    """Pairs (m, 2) of different sites nearer than the radius in A, each difference taken within half a cell."""
    from scipy.spatial import cKDTree

    faces = np.linalg.norm(np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]]), axis=1)
    tall = abs(np.linalg.det(lattice)) / np.maximum(faces, np.finfo(float).tiny)
    if len(positions) < 2 or not tall.min() > 0:
        return np.empty((0, 2), dtype=int)
    heights = positions % 1.0 % 1.0 * tall  # -1e-20 % 1.0 is 1.0
    pairs = cKDTree(heights, boxsize=tall).query_pairs(radius, p=np.inf, output_type="ndarray")
    apart = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    distances = np.linalg.norm((apart - np.rint(apart)) @ lattice, axis=1)
    return pairs[distances < radius]


def _joined(count: int, pairs: np.ndarray) -> list[int]:
    """The group that each of so many atoms belongs to, where these pairs belong together."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(count, count))
    return connected_components(links, directed=False)[1].tolist()
