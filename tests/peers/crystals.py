"""Crystals that the tests make themselves, as many as are asked for, and what a database might say of them.

What belongs here: prototypes, how elements and cells are drawn, and invented properties. No two crystals share both
prototype and elements. Nothing is real but the prototypes: the values keep to signs and ranges, not to physics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from lake.crystal import Crystal

SEED = 20261122
COUNT = 2400  # pages of a thousand: two full ones and a last one
ELEMENTS = [z for z in range(1, 84) if z not in (2, 10, 18, 36, 43, 54, 61)]  # no noble gas, nothing without isotopes
CUBIC = np.eye(3)
FCC = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
BCC = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2
HEXAGONAL = np.array([[1, 0, 0], [-0.5, 0.75**0.5, 0], [0, 0, 1.6]])
TETRAGONAL = np.diag([1, 1, 0.65])
CORNERS = [[x / 2, y / 2, z / 2] for x in (0, 1) for y in (0, 1) for z in (0, 1)]
U = 0.305  # rutile's oxygen

# name: cell vectors in units of the edge, fractional positions, and which of the drawn elements sits on each
PROTOTYPES = {
    "bcc": (BCC, [[0, 0, 0]], "A"),
    "hcp": (HEXAGONAL, [[1 / 3, 2 / 3, 1 / 4], [2 / 3, 1 / 3, 3 / 4]], "AA"),
    "diamond": (FCC, [[0, 0, 0], [0.25, 0.25, 0.25]], "AA"),
    "rock salt": (FCC, [[0, 0, 0], [0.5, 0.5, 0.5]], "AB"),
    "caesium chloride": (CUBIC, [[0, 0, 0], [0.5, 0.5, 0.5]], "AB"),
    "fluorite": (FCC, [[0, 0, 0], [0.25, 0.25, 0.25], [0.75, 0.75, 0.75]], "ABB"),
    "rutile": (TETRAGONAL, [[0, 0, 0], [0.5, 0.5, 0.5], [U, U, 0], [-U, -U, 0], [0.5 + U, 0.5 - U, 0.5],
               [0.5 - U, 0.5 + U, 0.5]], "AABBBB"),
    "perovskite": (CUBIC, [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], "ABCCC"),
    "half-Heusler": (FCC, [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]], "ABC"),
    "quaternary Heusler": (FCC, [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.25, 0.25], [0.75, 0.75, 0.75]], "ABCD"),
    "five on a grid": (CUBIC, CORNERS, "ABCDEEEE"),
    "six on a grid": (CUBIC, CORNERS, "ABCDEFFF"),
    "eight on a grid": (CUBIC, CORNERS, "ABCDEFGH"),
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """One crystal that was made, and what a database says of it.

    number: 1, 2, 3 ...; each server makes an id of it. run_type: the functional, as Materials Project writes it.
    values: name -> value in the catalog's unit, or in the unit that stands in `drawn_values`; absent where a database
        has not computed it. deprecated and licence are Materials Project's own words.
    """

    number: int
    prototype: str
    crystal: Crystal
    values: Mapping[str, float] = field(default_factory=dict)
    run_type: str = "GGA"
    deprecated: bool = False
    licence: str = "BY-C"


@cache
def made_crystals(count: int = COUNT, seed: int = SEED) -> tuple[Made, ...]:
    """The first `count` crystals of a seed, the same ones each time."""
    rng = np.random.default_rng(seed)
    names, told, made = list(PROTOTYPES), set(), []
    while len(made) < count:
        name = names[rng.integers(len(names))]
        lattice, positions, sites = PROTOTYPES[name]
        drawn = rng.choice(ELEMENTS, size=len(set(sites)), replace=False)
        if (name, *drawn) in told:
            continue
        told.add((name, *drawn))
        numbers = [drawn["ABCDEFGH".index(site)] for site in sites]
        crystal = Crystal(drawn_cell(rng, lattice, len(sites)), np.mod(positions, 1), numbers)
        number = len(made) + 1
        run_type = "GGA+U" if number % 4 == 0 else "GGA"
        made.append(Made(number, name, crystal, drawn_values(rng, number, crystal), run_type))
    return tuple(made)


def drawn_cell(rng: np.random.Generator, lattice: np.ndarray, sites: int) -> np.ndarray:
    """A cell of 10 to 30 A^3 per site, strained by up to 3 % and turned at random: no vector lies on an axis."""
    strain = rng.uniform(-0.03, 0.03, size=(3, 3))
    cell = lattice @ (np.eye(3) + (strain + strain.T) / 2)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    if np.linalg.det(turn) < 0:
        turn[0] *= -1
    edge = np.cbrt(rng.uniform(10, 30) * sites / np.linalg.det(cell))
    return np.round(edge * cell @ turn, 6)


def drawn_values(rng: np.random.Generator, number: int, crystal: Crystal) -> dict[str, float]:
    """Energies and a gap for all; moduli (and the Debye temperature in K), moments and dielectric response for some.

    total_magnetization is in muB per cell, e_ionic is the ionic part of the static dielectric constant.
    """
    values = {
        "formation_energy_per_atom": rng.uniform(-4, 0.5),
        "energy_above_hull": max(0.0, rng.normal(0, 0.2)),
        "band_gap": max(0.0, rng.normal(0, 3)),
    }
    if number % 3 == 0:
        bulk = rng.uniform(10, 400)
        values |= {"bulk_modulus": bulk, "shear_modulus": bulk * rng.uniform(0.3, 0.8)}
        values |= {"debye_temperature": rng.uniform(80, 900)}
    if number % 2 == 0:
        values |= {"total_magnetization": float(rng.integers(0, 4) * len(crystal))}
    if number % 5 == 0:
        electronic, ionic = rng.uniform(1.5, 12), rng.uniform(0.5, 30)
        values |= {"static_dielectric_constant": electronic + ionic, "e_ionic": ionic}
        values |= {"optical_dielectric_constant": electronic, "refractive_index": electronic**0.5}
    if number % 15 == 0:
        values |= {"piezoelectric_modulus": rng.uniform(0.01, 3)}
    return {name: round(float(value), 6) for name, value in values.items()}
