"""Cell: a crystal made ready for being laid onto others or onto itself. Short vectors, sites in a known order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lake.crystal import Crystal


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of a crystal: its sites sorted by element, the rarest element first.

    lattice: (3, 3) in A, rows, Minkowski reduced: no shorter vectors span it. fractional: (n, 3), within 0..1.
    elements: (s,) atomic numbers, in the order of the sites. counts: (s,) sites of each.
    """

    lattice: np.ndarray
    fractional: np.ndarray
    elements: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.fractional)

    @property
    def volume(self) -> float:
        """In A^3."""
        return float(abs(np.linalg.det(self.lattice)))

    @classmethod
    def of(cls, crystal: Crystal) -> Cell:
        """The crystal's own cell, made ready. Raises ValueError where it has no volume."""
        elements, species, counts = np.unique(crystal.numbers, return_inverse=True, return_counts=True)
        rank = np.lexsort((elements, counts))
        order = np.argsort(np.argsort(rank)[species], kind="stable")
        return cls.spanned(crystal.lattice, crystal.positions[order], elements[rank], counts[rank])

    @classmethod
    def spanned(cls, lattice: np.ndarray, fractional: np.ndarray, elements: np.ndarray, counts: np.ndarray) -> Cell:
        """The same in shorter vectors. Raises ValueError where the vectors span no volume."""
        from moyopy import minkowski_reduce

        short = np.array(minkowski_reduce(lattice.tolist())[0])
        places = fractional @ (lattice @ np.linalg.inv(short))
        return cls(short, places - np.floor(places), elements, counts)
