"""Prototypes: what a crystal looks like once its name, lattice constants and internal parameters are known.

What belongs here: one line per structure type (space group, the site of each element in the order of the formula)
and the one function that turns such a line into a `Crystal`. Which crystals exist belongs to `crystals.csv`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lake.crystal import NUMBER, Crystal


@dataclass(frozen=True)
class Prototype:
    """One structure type.

    space_group: international number; second origin and hexagonal axes where there is a choice.
    sites: for each element of the formula, in order, its independent sites, as `x y z` in fractions and
        parameters: `1/3 2/3 u`. Elements are separated by `;`, sites of one element by `,`.
    """

    space_group: int
    sites: str

    @property
    def sites_by_element(self) -> list[list[str]]:
        """Site texts, one list per element of the formula."""
        return [[site.strip() for site in element.split(",")] for element in self.sites.split(";")]


PROTOTYPES: dict[str, Prototype] = {
    # elements
    "fcc": Prototype(225, "0 0 0"),
    "bcc": Prototype(229, "0 0 0"),
    "hcp": Prototype(194, "1/3 2/3 1/4"),
    "dhcp": Prototype(194, "0 0 0, 1/3 2/3 1/4"),
    "simple cubic": Prototype(221, "0 0 0"),
    "diamond": Prototype(227, "1/8 1/8 1/8"),
    "arsenic": Prototype(166, "0 0 z"),
    "tellurium": Prototype(152, "x 0 1/3"),
    "white tin": Prototype(141, "0 3/4 1/8"),
    "alpha uranium": Prototype(63, "0 y 1/4"),
    "alpha gallium": Prototype(64, "0 y z"),
    # one cation, one anion
    "rock salt": Prototype(225, "0 0 0; 1/2 1/2 1/2"),
    "CsCl": Prototype(221, "0 0 0; 1/2 1/2 1/2"),
    "zincblende": Prototype(216, "0 0 0; 1/4 1/4 1/4"),
    "wurtzite": Prototype(186, "1/3 2/3 0; 1/3 2/3 u"),
    # ideal stacking: Si-C bonds along c are 3/4 of a layer long
    "4H": Prototype(186, "0 0 0, 1/3 2/3 1/4; 0 0 3/16, 1/3 2/3 7/16"),
    "6H": Prototype(186, "0 0 0, 1/3 2/3 1/6, 1/3 2/3 5/6; 0 0 1/8, 1/3 2/3 7/24, 1/3 2/3 23/24"),
    "NiAs": Prototype(194, "0 0 0; 1/3 2/3 1/4"),
    "tungsten carbide": Prototype(187, "0 0 0; 1/3 2/3 1/2"),
    "PdO": Prototype(131, "0 1/2 0; 0 0 1/4"),
    "FeSi": Prototype(198, "x x x; z z z"),
    "CrB": Prototype(63, "0 y 1/4; 0 z 1/4"),
    "FeB": Prototype(62, "x 1/4 z; u 1/4 v"),
    # one cation, two anions, and the other way round
    "fluorite": Prototype(225, "0 0 0; 1/4 1/4 1/4"),
    "antifluorite": Prototype(225, "1/4 1/4 1/4; 0 0 0"),
    "rutile": Prototype(136, "0 0 0; u u 0"),
    "anatase": Prototype(141, "0 3/4 1/8; 0 1/4 z"),
    "brookite": Prototype(61, "x y z; u v w, p q r"),
    "baddeleyite": Prototype(14, "x y z; u v w, p q r"),
    "pyrite": Prototype(205, "0 0 0; u u u"),
    "marcasite": Prototype(58, "0 0 0; x y 0"),
    "CdI2": Prototype(164, "0 0 0; 1/3 2/3 z"),
    "brucite": Prototype(164, "0 0 0; 1/3 2/3 z; 1/3 2/3 w"),
    "cuprite": Prototype(224, "0 0 0; 1/4 1/4 1/4"),
    "AlB2": Prototype(191, "0 0 0; 1/3 2/3 1/2"),
    "MoSi2": Prototype(139, "0 0 0; 0 0 z"),
    "CrSi2": Prototype(180, "1/2 0 1/2; x 2x 1/2"),
    "Al2Cu": Prototype(140, "x 1/2+x 0; 0 0 1/4"),
    "MgCu2": Prototype(227, "1/8 1/8 1/8; 1/2 1/2 1/2"),
    "MgZn2": Prototype(194, "1/3 2/3 z; 0 0 0, x 2x 1/4"),
    "CaH2": Prototype(62, "x 1/4 z; u 1/4 v, p 1/4 q"),
    # other pairs of elements
    "L1_0": Prototype(123, "0 0 0; 1/2 1/2 1/2"),
    "L1_2": Prototype(221, "0 1/2 1/2; 0 0 0"),
    "D0_19": Prototype(194, "x 2x 1/4; 1/3 2/3 1/4"),
    "D0_22": Prototype(139, "0 0 1/2, 0 1/2 1/4; 0 0 0"),
    "BiF3": Prototype(225, "1/4 1/4 1/4, 1/2 1/2 1/2; 0 0 0"),
    "A15": Prototype(223, "1/4 0 1/2; 0 0 0"),
    "NaTl": Prototype(227, "1/8 1/8 1/8; 3/8 3/8 3/8"),
    "Na3As": Prototype(194, "0 0 1/4, 1/3 2/3 z; 1/3 2/3 1/4"),
    "Li3N": Prototype(191, "0 0 1/2, 1/3 2/3 0; 0 0 0"),
    "CaCu5": Prototype(191, "0 0 0; 1/3 2/3 0, 1/2 0 1/2"),
    "CaB6": Prototype(221, "0 0 0; x 1/2 1/2"),
    "UB12": Prototype(225, "0 0 0; 1/2 x x"),
    "skutterudite": Prototype(204, "1/4 1/4 1/4; 0 y z"),
    "ReO3": Prototype(221, "0 0 0; 1/2 0 0"),
    "anti-ReO3": Prototype(221, "1/2 0 0; 0 0 0"),
    "AlF3": Prototype(167, "0 0 0; x 0 1/4"),
    "cementite": Prototype(62, "x 1/4 z, p q r; u 1/4 v"),
    "corundum": Prototype(167, "0 0 z; x 0 1/4"),
    "bixbyite": Prototype(206, "1/4 1/4 1/4, u 0 1/4; x y z"),
    "La2O3": Prototype(164, "1/3 2/3 z; 0 0 0, 1/3 2/3 w"),
    "anti-La2O3": Prototype(164, "0 0 0, 1/3 2/3 w; 1/3 2/3 z"),
    "beta Si3N4": Prototype(176, "x y 1/4; 1/3 2/3 1/4, u v 1/4"),
    # three elements
    "perovskite": Prototype(221, "0 0 0; 1/2 1/2 1/2; 1/2 1/2 0"),
    "antiperovskite": Prototype(221, "0 1/2 1/2; 0 0 0; 1/2 1/2 1/2"),
    "tetragonal perovskite": Prototype(99, "0 0 0; 1/2 1/2 z; 1/2 1/2 u, 1/2 0 v"),
    "rhombohedral perovskite": Prototype(167, "0 0 1/4; 0 0 0; x 0 1/4"),
    "orthorhombic perovskite": Prototype(62, "x 1/4 z; 0 0 1/2; u 1/4 v, p q r"),
    "spinel": Prototype(227, "1/8 1/8 1/8; 1/2 1/2 1/2; u u u"),
    "half-Heusler": Prototype(216, "0 0 0; 1/4 1/4 1/4; 1/2 1/2 1/2"),
    "Heusler": Prototype(225, "1/4 1/4 1/4; 0 0 0; 1/2 1/2 1/2"),
    "chalcopyrite": Prototype(122, "0 0 0; 0 0 1/2; x 1/4 1/8"),
    "ilmenite": Prototype(148, "0 0 z; 0 0 w; p q r"),
    "lithium niobate": Prototype(161, "0 0 z; 0 0 0; p q r"),
    "calcite": Prototype(167, "0 0 0; 0 0 1/4; x 0 1/4"),
    "zircon": Prototype(141, "0 3/4 1/8; 0 1/4 3/8; 0 y z"),
    "scheelite": Prototype(88, "0 1/4 5/8; 0 1/4 1/8; p q r"),
    "olivine": Prototype(62, "0 0 0, x 1/4 z; s 1/4 t; u 1/4 v, w 1/4 k, p q r"),
    "triphylite": Prototype(62, "0 0 0; x 1/4 z; s 1/4 t; u 1/4 v, w 1/4 k, p q r"),
    "PbFCl": Prototype(129, "1/4 1/4 z; 3/4 1/4 0; 1/4 1/4 w"),
    "ThCr2Si2": Prototype(139, "0 0 0; 0 1/2 1/4; 0 0 z"),
    "CaAl2Si2": Prototype(164, "0 0 0; 1/3 2/3 w; 1/3 2/3 z"),
    "LuNi2B2C": Prototype(139, "0 0 0; 0 1/2 1/4; 0 0 z; 0 0 1/2"),
}

_TERM = re.compile(r"([+-]?)(\d+/\d+|\d+(?:\.\d+)?)?([a-z]?)")


def crystal_from_prototype(
    prototype: str, formula: str, cell: Sequence[float], parameters: Mapping[str, float]
) -> Crystal:
    """The conventional cell of `formula` in `prototype`.

    formula: elements in the order of the prototype's sites, `MgAl2O4`; only the order is read, so that
        magnetite may stand as `FeFe2O4`.
    cell: a, b, c in A, alpha, beta, gamma in degrees.
    parameters: the prototype's internal parameters, fractional.
    """
    kind = PROTOTYPES[prototype]
    elements = re.findall(r"[A-Z][a-z]?", formula)
    if len(elements) != len(kind.sites_by_element):
        raise ValueError(f"{prototype} wants {len(kind.sites_by_element)} elements in order, found {formula!r}")
    positions, numbers = [], []
    for element, sites in zip(elements, kind.sites_by_element, strict=True):
        for site in sites:
            images = orbit(kind.space_group, tuple(_coordinate(text, parameters) for text in site.split()))
            positions.extend(images)
            numbers.extend([NUMBER[element]] * len(images))
    return Crystal(_lattice(cell), np.array(positions), np.array(numbers))


def _coordinate(text: str, parameters: Mapping[str, float]) -> float:
    """Value of `1/2+x`, `2x` or `1/4`; arithmetic of site tables and nothing more."""
    total = 0.0
    for sign, number, letter in _TERM.findall(text):
        if number or letter:
            numerator, _, denominator = (number or "1").partition("/")
            value = float(numerator) / float(denominator or 1)
            total += (-1 if sign == "-" else 1) * value * (parameters[letter] if letter else 1.0)
    return total


@lru_cache(maxsize=4096)
def orbit(space_group: int, position: tuple[float, float, float]) -> tuple[tuple[float, ...], ...]:
    """All positions that the space group makes of one, in [0, 1), each once."""
    rotations, shifts = _operations(space_group)
    images = (rotations @ np.array(position) + shifts) % 1.0
    kept: list[np.ndarray] = []
    for image in images:
        if not any(np.abs((image - other + 0.5) % 1.0 - 0.5).max() < 1e-4 for other in kept):
            kept.append(image)
    return tuple(tuple(float(x) for x in image) for image in kept)


@lru_cache(maxsize=64)
def _operations(space_group: int) -> tuple[np.ndarray, np.ndarray]:
    from moyopy import Setting, operations_from_number

    operations = operations_from_number(space_group, setting=Setting.standard())
    return np.array(operations.rotations, dtype=float), np.array(operations.translations, dtype=float)


def _lattice(cell: Sequence[float]) -> np.ndarray:
    from pymatgen.core import Lattice

    return Lattice.from_parameters(*cell).matrix
