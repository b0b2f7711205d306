"""Materials -> COMPOSITIONS: one row for each formula that a material has, ordered or disordered."""

from __future__ import annotations

from lake.compositions.composition import compositions
from lake.store import Lake
from lake.tables import COMPOSITIONS, MATERIALS


def write_compositions(lake: Lake) -> dict[str, int]:
    """Rewrite COMPOSITIONS; returns how many formulas there are, how many have a price and how many a hazard note."""
    formulas = lake.scan(MATERIALS).select("reduced_formula").unique().collect()["reduced_formula"]
    rows = compositions(formulas.to_list())
    lake.replace(COMPOSITIONS, rows)
    return {"formulas": len(rows), "priced": rows["cost_per_kg"].count(), "hazardous": rows["hazard"].count()}
