"""Formulas -> rows of COMPOSITIONS, a million in seconds: the formulas are read one by one, the rest is a join.

What is unknown of one element is unknown of its compounds: a price of the rest would look like a bargain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from lake.compositions.abundance import abundance
from lake.compositions.hazard import hazards
from lake.compositions.prices import prices
from lake.compositions.supply import supply
from lake.crystal import NUMBER, SYMBOLS
from lake.tables import COMPOSITIONS

SYMBOL_AND_AMOUNT = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")
GROUP = re.compile(r"\(([^()]*)\)(\d*\.?\d*)")
FORMULA = re.compile(r"(?:[A-Z][a-z]?(?:\d+\.?\d*|\.\d+)?)+")


class FormulaError(ValueError):
    """What is no formula; the message names it."""


def amounts(formula: str) -> dict[str, float]:
    """Element symbol -> atoms in one formula unit: `Ca(OH)2`, `Sr0.3La0.7MnO3`; raises FormulaError."""
    plain = formula
    while "(" in plain:
        opened = GROUP.sub(_without_brackets, plain)
        if opened == plain:
            break
        plain = opened
    if not FORMULA.fullmatch(plain):
        raise FormulaError(f"a formula must be element symbols and amounts like Ca(OH)2, found {formula!r:.80}")
    found: dict[str, float] = {}
    for symbol, amount in SYMBOL_AND_AMOUNT.findall(plain):
        if symbol not in NUMBER:
            raise FormulaError(f"a formula must be made of elements, found {symbol!r} in {formula!r:.80}")
        found[symbol] = found.get(symbol, 0.0) + float(amount or 1)
    return found


def _without_brackets(group: re.Match[str]) -> str:
    times = float(group[2] or 1)
    return "".join(f"{symbol}{float(amount or 1) * times:f}" for symbol, amount in SYMBOL_AND_AMOUNT.findall(group[1]))


def compositions(formulas: Sequence[str]) -> pl.DataFrame:
    """A frame of COMPOSITIONS, a row for each formula, sorted; formulas are distinct. Raises FormulaError."""
    formulas = sorted(formulas)
    atoms = _atoms(formulas).with_columns(grams=pl.col("amount") * pl.col("mass"))
    of_formula = atoms.group_by("row").agg(
        cost_per_kg=_by_mass("price"),
        cost_per_formula_unit=_known("price", (pl.col("grams") * pl.col("price")).sum() / 1000),
        abundance=_known("abundance", pl.col("abundance").min()),
        scarcest_element=_known("abundance", pl.col("symbol").get(pl.col("abundance").arg_min())),
        hhi_production=_by_mass("hhi_production"),
        hhi_reserve=_by_mass("hhi_reserve"),
    )
    notes = atoms.drop_nulls("hazard").group_by("row", maintain_order=True).agg(pl.col("hazard").str.join("; "))
    rows = pl.DataFrame({"reduced_formula": formulas}, schema={"reduced_formula": pl.String}).with_row_index("row")
    joined = rows.join(of_formula, on="row", how="left").join(notes, on="row", how="left").sort("row")
    return COMPOSITIONS.checked(joined.select(COMPOSITIONS.schema.names()))


def _known(column: str, value: pl.Expr) -> pl.Expr:
    return pl.when(pl.col(column).null_count() == 0).then(value)


def _by_mass(column: str) -> pl.Expr:
    return _known(column, (pl.col("grams") * pl.col(column)).sum() / pl.col("grams").sum())


def _atoms(formulas: Sequence[str]) -> pl.DataFrame:
    """A row for each element of each formula, in its order: the formula's row, amount, what is known of it."""
    read = [amounts(formula) for formula in formulas]
    atoms = pl.DataFrame(
        {
            "row": np.repeat(np.arange(len(read), dtype=np.uint32), [len(found) for found in read]),
            "number": np.array([NUMBER[symbol] for found in read for symbol in found], dtype=np.int64),
            "amount": np.array([amount for found in read for amount in found.values()], dtype=np.float64),
        }
    )
    known = _elements()[atoms["number"] - 1]
    return atoms.hstack(known)


def _elements() -> pl.DataFrame:
    """What is known of each element, in order of atomic number; mass in g/mol, the rest as their files say."""
    from pymatgen.core import Element

    price, crust, supplied, hazard = prices(), abundance(), supply(), hazards()
    rows = [
        {
            "symbol": symbol,
            "mass": float(Element(symbol).atomic_mass),
            "price": price.get(symbol),
            "abundance": crust.get(symbol),
            "hhi_production": supplied[symbol].production if symbol in supplied else None,
            "hhi_reserve": supplied[symbol].reserve if symbol in supplied else None,
            "hazard": hazard.get(symbol),
        }
        for symbol in SYMBOLS[1:]
    ]
    return pl.DataFrame(rows, infer_schema_length=None)
