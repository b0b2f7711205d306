"""Told: a telling, and what every database derives from it. Each thing is computed once, when first asked for.

What belongs here: numbers of cells, space groups, and the dates and revisions that a database keeps but a telling does
not name. Those are made from the content, so they change when it does, and only then.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, wraps
from typing import TypeVar

import moyopy
import numpy as np

from lake.crystal import SYMBOLS, Crystal
from lake.sample.telling import Telling

T = TypeVar("T")

SYMMETRY_TOLERANCE = 0.1  # A, what Materials Project uses
GRAMS_PER_DALTON = 1.66053906660e-24

# moyo tells of every supercell that cannot write its primitive cell's symmetry, and of every site it moved to find one:
# databases tell such cells all the time, and the mirror only asks for a symbol
EXPECTED = ("Omitted", "Large displacement")
logging.getLogger("moyo").addFilter(lambda record: not record.getMessage().startswith(EXPECTED))


@dataclass(frozen=True)
class Cell:
    """Lengths a, b, c in A, angles alpha, beta, gamma in degrees."""

    lengths: tuple[float, float, float]
    angles: tuple[float, float, float]


class Told:
    """One telling on a database's shelf."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling

    @property
    def id(self) -> str:
        """The id in its database."""
        return self.telling.source_id

    @property
    def crystal(self) -> Crystal:
        """The crystal; ValueError where the telling has none but its verbatim text."""
        if self.telling.crystal is None:
            raise ValueError(f"{self.telling.source}:{self.id} is told verbatim and has no crystal of its own")
        return self.telling.crystal

    def value(self, name: str) -> float | None:
        """The value of a catalog property in the catalog's unit, None where the telling has none."""
        found = self.telling.values.get(name)
        return None if found is None else float(found)

    @cached_property
    def digest(self) -> int:
        """64 bits of the content: another id, crystal, value, level, fact or text gives another number."""
        telling = self.telling
        facts = {name: fact for name, fact in telling.facts.items() if isinstance(fact, str | int | float | None)}
        words = [
            telling.source_id,
            telling.crystal.structure_hash if telling.crystal is not None else "",
            repr(sorted(telling.values.items())),
            telling.level_of_theory,
            repr(sorted(facts.items())),
            telling.verbatim or "",
        ] + ([] if telling.derives else ["as it is"])
        text = "\x1f".join(words).encode("utf-8", "surrogateescape")
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")

    @cached_property
    def revised(self) -> datetime:
        """A moment between 2012 and 2022 that stands for the last revision of exactly this content."""
        return datetime(2012, 1, 1) + timedelta(seconds=self.digest % (10 * 365 * 86400))

    @cached_property
    def cell(self) -> Cell:
        """Lengths and angles of the cell as told."""
        lattice = self.crystal.lattice
        lengths = np.linalg.norm(lattice, axis=1)
        cosines = [
            lattice[i] @ lattice[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))
        ]  # fmt: skip
        angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
        return Cell(tuple(lengths.tolist()), tuple(angles.tolist()))

    @cached_property
    def mass(self) -> float:
        """Mass of the cell in daltons (pymatgen's atomic masses)."""
        from pymatgen.core import Element

        return float(sum(n * float(Element(symbol).atomic_mass) for symbol, n in self.crystal.counts.items()))

    @cached_property
    def density(self) -> float:
        """Mass over volume in g/cm^3."""
        return self.mass * GRAMS_PER_DALTON / (self.crystal.volume * 1e-24)

    @cached_property
    def symmetry(self) -> moyopy.MoyoDataset | None:
        """moyo's account of the space group at 0.1 A, None where it finds none."""
        return symmetry_of(self.crystal, SYMMETRY_TOLERANCE)

    @property
    def derives(self) -> bool:
        """Whether its database may tell what follows from crystal and values."""
        return self.telling.derives

    @property
    def symbols(self) -> list[str]:
        """Element symbol of every site, in the order told."""
        return [SYMBOLS[z] for z in self.crystal.numbers]

    @property
    def elements(self) -> list[str]:
        """Element symbols in alphabetical order, as all six databases list them."""
        return sorted(self.crystal.counts)


def derived(field: Callable[[Told], T]) -> Callable[[Told], T | None]:
    """A field that no file tells and that follows from others: null of a telling that is told as it is."""

    @wraps(field)
    def told_or_null(told: Told) -> T | None:
        return field(told) if told.derives else None

    return told_or_null


def symmetry_of(crystal: Crystal, tolerance: float) -> moyopy.MoyoDataset | None:
    """moyo's data set for a crystal, tolerance in A; None where the search fails."""
    cell = moyopy.Cell(
        basis=crystal.lattice.tolist(), positions=crystal.positions.tolist(), numbers=crystal.numbers.tolist()
    )
    try:
        return moyopy.MoyoDataset(cell, symprec=tolerance)
    except Exception:  # moyo raises bare errors for cells it cannot reduce
        return None


def space_group_symbol(symmetry: moyopy.MoyoDataset | None, spaced: bool = False) -> str | None:
    """Short Hermann-Mauguin symbol: `Fd-3m`, or spaced `F d -3 m`."""
    if symmetry is None:
        return None
    symbol = moyopy.SpaceGroupType(symmetry.number).hm_short
    return symbol if spaced else symbol.replace(" ", "")
