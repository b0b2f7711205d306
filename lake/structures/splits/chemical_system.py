"""By chemical system, the set of elements: SiO and SiO2 stay together, as every oxide of silicon does.

Harder than by formula: what is tested has no neighbour in the same phase diagram to learn from. The part hangs on a
hash of the elements alone, in alphabetical order, so nobody has to remember a draw.
"""

from __future__ import annotations

import re

import polars as pl

from lake.structures.splits.scheme import Scheme, parts

ELEMENT = re.compile(r"[A-Z][a-z]?")
RULE = "hash of chemical system, 80/10/10, v1"


def chemical_systems(materials: pl.DataFrame) -> pl.Series:
    """Their chemical systems: `O-Si` of SiO2."""
    formulas = materials["reduced_formula"]
    distinct = formulas.unique().to_list()
    systems = ["-".join(sorted({*ELEMENT.findall(formula)})) for formula in distinct]
    return formulas.replace_strict(distinct, systems, return_dtype=pl.String)


def draw(materials: pl.DataFrame) -> pl.Series:
    """The parts of their chemical systems."""
    return parts(RULE, chemical_systems(materials))


SCHEME = Scheme("chemical_system", RULE, draw, chemical_systems)
