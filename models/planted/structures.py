"""Structures: real prototypes filled with elements whose charges balance, at lengths of bonds, strained a little.

A prototype is taken from the first crystal of the sample that has it, with that crystal's shape and internal
parameters, in its primitive cell. Its elements are exchanged; the cell is scaled until the tightest contact of a cation
and an anion is the sum of their covalent radii (Cordero et al., Dalton Trans. 2008, 2832, as ASE has them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from lake.crystal import NUMBER, Crystal, CrystalError
from models.streams import seed_of

STRAIN = (0.02, 0.06)  # largest principal strain, drawn evenly
DISPLACEMENT = 0.03  # A, deviation of each coordinate
TRIES = 20  # strains of one crystal that put two atoms on one site, before its formula is given up as wrong

# One charge per element, so that the charge can be read off the element: it is what latents.py multiplies.
CHARGED: Mapping[int, str] = MappingProxyType({
    1: "Li Na K Rb Cs Cu Ag",
    2: "Mg Ca Sr Ba Zn Cd Mn Fe Co Ni",
    3: "Al Ga In Sc Y La Cr",
    4: "Si Ge Sn Ti Zr Hf",
    5: "V Nb Ta",
    6: "Mo W",
    -1: "F Cl Br I",
    -2: "O S Se Te",
    -3: "N P As Sb",
})  # fmt: skip
CHARGES: Mapping[int, int] = MappingProxyType({
    NUMBER[symbol]: charge for charge, symbols in CHARGED.items() for symbol in symbols.split()
})  # fmt: skip

# Prototype of the sample -> which of its elements are cations and which anions, in the order of its formula.
ROLES: Mapping[str, str] = MappingProxyType({
    "rock salt": "+-", "CsCl": "+-", "zincblende": "+-", "wurtzite": "+-", "NiAs": "+-", "tungsten carbide": "+-",
    "PdO": "+-", "fluorite": "+-", "antifluorite": "+-", "rutile": "+-", "anatase": "+-", "CdI2": "+-",
    "cuprite": "+-", "La2O3": "+-", "anti-La2O3": "+-", "corundum": "+-", "ReO3": "+-", "anti-ReO3": "+-",
    "AlF3": "+-", "Li3N": "+-", "BiF3": "+-", "Na3As": "+-", "bixbyite": "+-",
    "perovskite": "++-", "tetragonal perovskite": "++-", "rhombohedral perovskite": "++-",
    "orthorhombic perovskite": "++-", "chalcopyrite": "++-", "half-Heusler": "++-", "ilmenite": "++-",
    "lithium niobate": "++-", "zircon": "++-", "scheelite": "++-", "spinel": "++-", "CaAl2Si2": "++-",
    "PbFCl": "+--",
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class Template:
    """A prototype's primitive cell, with places for elements.

    lattice: (3, 3), positions: (n, 3), as `Crystal`.  place: (n,) which element of the formula sits there.
    nearest: (k, k) shortest distance in A between sites of two places.  roles: + or - for each place.
    """

    name: str
    lattice: np.ndarray
    positions: np.ndarray
    place: np.ndarray
    nearest: np.ndarray
    roles: str


class Made(NamedTuple):
    """A crystal, and the prototype it was made from."""

    crystal: Crystal
    prototype: str


def crystals(count: int, largest: int, seed: int) -> list[Made]:
    """So many crystals; the first of them are the same whatever the count. Prototypes come equally often."""
    kinds = templates(largest)
    return [_made(kinds, seed, number) for number in range(count)]


def templates(largest: int) -> list[Template]:
    """All prototypes whose primitive cell has no more atoms than that."""
    return [template for template in map(_template, ROLES) if len(template.place) <= largest]


@cache
def fillings(prototype: str) -> tuple[tuple[int, ...], ...]:
    """Atomic numbers for the places of this prototype, all choices whose charges balance.

    Of two cations the first, which has the larger site in perovskites, has no higher charge than the second.
    """
    template = _template(prototype)
    times = np.bincount(template.place)
    signs = [1 if role == "+" else -1 for role in template.roles]
    charges = sorted(set(CHARGES.values()))
    found = []
    for choice in product(*([q for q in charges if q * sign > 0] for sign in signs)):
        ordered = template.roles != "++-" or choice[0] <= choice[1]
        if ordered and not np.dot(times, choice):
            elements = product(*([z for z, q in CHARGES.items() if q == charge] for charge in choice))
            found += [numbers for numbers in elements if len(set(numbers)) == len(numbers)]
    return tuple(found)


def ideal(template: Template, numbers: tuple[int, ...]) -> Crystal:
    """The prototype with these elements in its places, before it is strained."""
    from ase.data import covalent_radii

    radii = covalent_radii[list(numbers)]
    pairs = [(a, b) for a, b in permutations(range(len(numbers)), 2) if template.roles[a] + template.roles[b] == "+-"]
    scale = max((radii[a] + radii[b]) / template.nearest[a, b] for a, b in pairs)
    return Crystal(template.lattice * scale, template.positions, np.array(numbers)[template.place])


def _made(kinds: list[Template], seed: int, number: int) -> Made:
    draw = np.random.default_rng(seed_of(seed, f"crystal/{number}"))
    template = kinds[draw.integers(len(kinds))]
    choices = fillings(template.name)
    whole = ideal(template, choices[draw.integers(len(choices))])
    for _ in range(TRIES):
        strained = _strained(whole, draw)
        try:
            return Made(strained.checked(), template.name)
        except CrystalError:
            continue
    raise CrystalError(f"{template.name} of {whole.reduced_formula} has two atoms on one site, however it is strained")


def _strained(crystal: Crystal, draw: np.random.Generator) -> Crystal:
    """The cell under a random symmetric strain, every atom a little off its place."""
    strain = draw.standard_normal((3, 3))
    strain = strain + strain.T
    strain *= draw.uniform(*STRAIN) / np.abs(np.linalg.eigvalsh(strain)).max()
    lattice = crystal.lattice @ (np.eye(3) + strain)
    moved = draw.normal(0.0, DISPLACEMENT, crystal.positions.shape) @ np.linalg.inv(lattice)
    return Crystal(lattice, (crystal.positions + moved) % 1.0, crystal.numbers)


@cache
def _template(prototype: str) -> Template:
    from lake.sample.crystals import sample_crystals

    told = next(row for row in sample_crystals() if row.prototype == prototype)
    whole = told.crystal
    # the sites stand in the order of the formula, so elements do too
    order = list(dict.fromkeys(whole.numbers.tolist()))
    if len(order) != len(ROLES[prototype]):
        raise ValueError(f"{prototype} has {len(ROLES[prototype])} elements, found {len(order)} in {told.name}")
    small = Crystal.from_pymatgen(whole.to_pymatgen().get_primitive_structure(tolerance=0.01))
    place = np.array([order.index(number) for number in small.numbers])
    return Template(prototype, small.lattice, small.positions, place, _nearest(small, place), ROLES[prototype])


def _nearest(crystal: Crystal, place: np.ndarray) -> np.ndarray:
    from lake.graphs.build import build

    graph = build([crystal], k=24)
    atom = np.repeat(np.arange(len(place)), np.diff(graph.starts))
    nearest = np.full((place.max() + 1,) * 2, np.inf)
    np.minimum.at(nearest, (place[atom], place[graph.index]), graph.distance)
    return nearest
