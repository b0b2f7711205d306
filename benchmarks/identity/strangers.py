"""Strangers: pairs of one formula that are different crystals, which is known without any tolerance of identity.

What belongs here: how such pairs are made or found, and why each is one. Swapped decorations and polytypes are known by
their symmetry, other real pairs by symmetry and energy together. No fingerprint and no comparison of ours decides.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import moyopy
import numpy as np
import polars as pl
from pymatgen.analysis.structure_matcher import StructureMatcher

from benchmarks.identity.made import swapped
from benchmarks.identity.real import DATA, MP, Told, real_structures
from lake.crystal import NUMBER, Crystal
from lake.structures.canonical import LOOSE_SYMPREC, SYMPREC

EXACTLY = {"ltol": 1e-3, "stol": 1e-3, "angle_tol": 0.1}
FAR = 0.2  # A
NEARLY = {"ltol": 0.08, "angle_tol": 8}
ENERGY = 0.05  # eV/atom; two relaxations of one crystal differ by a tenth of it

# Zhdanov symbols: so many layers one way, so many the other; those that begin with R stand three times in a cell
POLYTYPES = {
    "2H": (1, 1), "4H": (2, 2), "6H": (3, 3), "8H": (4, 4), "10H": (5, 5), "6H (2211)": (2, 2, 1, 1),
    "3C": (1,), "9R": (2, 1), "15R": (3, 2), "21R": (4, 3), "12R": (3, 1),
}  # fmt: skip
TETRAHEDRAL = {"SiC": ("Si", "C", 3.08), "ZnS": ("Zn", "S", 3.82)}  # edge of the layer in A
LAYERED = ("ZnS", "SiC", "CdI2")


class Stranger(NamedTuple):
    """Two crystals of one formula that are not the same. why: the name of the pair."""

    why: str
    one: Crystal
    other: Crystal


def swapped_decorations(bases: Iterable[Told], seed: int = 0) -> Iterator[Stranger]:
    """Bases and what a swap of two elements makes of them, where that is another crystal.

    It is the same crystal where a symmetry operation between the two elements brings it back: StructureMatcher, at
    tolerances of a thousandth, finds it on these unperturbed crystals. Nearly such an operation is no clear case: in
    Ba4MnSi of the half-Heusler kind, Mn and Si exchanged is what moving Ba by 0.016 A does, which the definition
    tolerates. So those are left out that the matcher brings back within NEARLY, four times the definition's tolerances.
    """
    for number, base in enumerate(bases):
        other = swapped(base.crystal, np.random.default_rng([seed, number]))
        if other is None:
            continue
        spacing = (base.crystal.volume / len(base.crystal)) ** (1 / 3)
        if not any(_brought_back(base.crystal, other, told) for told in (EXACTLY, NEARLY | {"stol": FAR / spacing})):
            yield Stranger(f"{base.name} swapped", base.crystal, other)


def polytypes() -> Iterator[Stranger]:
    """All pairs of the polytypes of SiC and ZnS: one layer stacked in ways that no rotation or mirror makes equal."""
    for formula in TETRAHEDRAL:
        made = {name: polytype(formula, turns) for name, turns in POLYTYPES.items()}
        for (one, first), (other, second) in itertools.combinations(made.items(), 2):
            yield Stranger(f"{formula} {one} and {other}", first, second)


def polytype(formula: str, turns: tuple[int, ...]) -> Crystal:
    """Tetrahedral layers stacked so: (2, 2) is two to one side, two to the other. In its hexagonal cell."""
    lower, upper, edge = TETRAHEDRAL[formula]
    steps = [way for turn, way in zip(turns, itertools.cycle((1, -1)), strict=False) for _ in range(turn)]
    if len(turns) % 2:  # one way for ever
        steps = [1] * sum(turns)
    if sum(steps) % 3:
        steps *= 3
    height = edge * math.sqrt(2 / 3)
    lattice = [[edge, 0, 0], [-edge / 2, edge * math.sqrt(3) / 2, 0], [0, 0, len(steps) * height]]
    sides = np.cumsum([0, *steps[:-1]]) % 3
    at = np.stack([sides / 3, 2 * sides / 3, np.arange(len(steps)) / len(steps)], axis=1)
    above = at + np.array([0, 0, 0.75 / len(steps)])
    return Crystal(lattice, np.concatenate([at, above]), [NUMBER[lower]] * len(at) + [NUMBER[upper]] * len(at))


def real_polytypes(told: Iterable[Told]) -> Iterator[Stranger]:
    """Real pairs of ZnS, SiC, CdI2 whose primitive cells hold different numbers of atoms, at 0.01 A as at 0.1 A."""
    cells = [(base, _primitive_count(base.crystal)) for base in told if base.formula in LAYERED]
    for (one, first), (other, second) in itertools.combinations(cells, 2):
        if one.formula == other.formula and first and second and first != second:
            yield Stranger(f"{one.name} and {other.name}", one.crystal, other.crystal)


def apart_by_property(every: int = 1) -> Iterator[Stranger]:
    """Pairs of one formula in the Materials Project's file: other space groups, and energies that are far apart.

    The space group number is the same at 0.01 A as at 0.1 A for each, and not for both; formation energies differ by
    more than ENERGY. every: of the pairs with such energies, every n-th is looked at.
    """
    told = pl.read_parquet(DATA / MP, columns=["mp_id", "formation_energy_per_atom"])
    energies = {f"mp:{name}": energy for name, energy in told.iter_rows() if energy is not None}
    buckets: dict[str, list[Told]] = defaultdict(list)
    for crystal in real_structures((MP,)):
        if crystal.name in energies:
            buckets[crystal.formula].append(crystal)
    pairs = (
        (one, other)
        for bucket in buckets.values()
        for one, other in itertools.combinations(bucket, 2)
        if abs(energies[one.name] - energies[other.name]) > ENERGY
    )
    groups: dict[str, int | None] = {}
    for one, other in itertools.islice(pairs, 0, None, every):
        for base in (one, other):
            if base.name not in groups:
                groups[base.name] = _space_group(base.crystal)
        first, second = groups[one.name], groups[other.name]
        if first and second and first != second:
            yield Stranger(f"{one.name} and {other.name}", one.crystal, other.crystal)


def _brought_back(one: Crystal, other: Crystal, tolerances: Mapping[str, float]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return StructureMatcher(**tolerances, scale=False).fit(one.to_pymatgen(), other.to_pymatgen())


def _space_group(told: Crystal) -> int | None:
    return _firm(told, lambda found: found.number)


def _primitive_count(told: Crystal) -> int | None:
    return _firm(told, lambda found: len(found.prim_std_cell.numbers))


def _firm(told: Crystal, asked: Callable[[moyopy.MoyoDataset], int]) -> int | None:
    """What moyo says at both tolerances alike; None where it does not."""
    said = [found and asked(found) for found in (_symmetry(told, SYMPREC), _symmetry(told, LOOSE_SYMPREC))]
    return said[0] if said[0] == said[1] else None


def _symmetry(told: Crystal, tolerance: float) -> moyopy.MoyoDataset | None:
    cell = moyopy.Cell(told.lattice.tolist(), told.positions.tolist(), told.numbers.tolist())
    try:
        return moyopy.MoyoDataset(cell, symprec=tolerance)
    except ValueError:  # tolerance and symmetry contradict each other
        return None
