"""The screen: is there a cheap material like diamond? Insulators ranked by thermal conductivity, with what they cost.

One scale ranks: AGL's Debye model, computed where AFLOW has it, else predicted by a model that learnt AGL labels.
Experiment stands beside and never enters the ranking: for the best conductors AGL is far below it (the sample values of
diamond are 170 and 2,000 W/m/K), so one measured value among modelled ones would win by its scale alone. What follows
from the formula stands beside too: element cost, abundance, concentration of supply and hazards.
"""

from __future__ import annotations

import polars as pl

from lake.matrix import matrix_of
from lake.store import Lake
from lake.tables import CANDIDATES, COMPOSITIONS, MATERIALS, PREDICTIONS
from models.licences import of_candidates
from models.results import best_study

GAP_FLOOR = 1.0  # eV; below it electrons carry heat too, and the crystal is no insulator
RANKED_BY = "thermal_conductivity_agl"


def candidates(lake: Lake) -> pl.DataFrame:
    """Every insulator with a thermal conductivity on AGL's scale, best first, as a CANDIDATES frame."""
    known = (
        lake.scan(MATERIALS).filter(pl.col("kind") == "bulk")
        .select("material_id", "reduced_formula", "space_group", "sources").collect()
        .join(_cells(lake, "band_gap_measured", "band_gap", "thermal_conductivity_measured", RANKED_BY),
              on="material_id", how="left")
        .join(predicted(lake, "band_gap"), on="material_id", how="left")
        .join(predicted(lake, RANKED_BY), on="material_id", how="left")
        .join(lake.read(COMPOSITIONS).rename({"cost_per_kg": "cost"}), on="reduced_formula", how="left")
    )  # fmt: skip
    gap = _first("band_gap", measured="band_gap_measured", computed="band_gap", predicted="band_gap_predicted")
    heat = _first("thermal_conductivity", computed=RANKED_BY, predicted=f"{RANKED_BY}_predicted")
    ranked = (
        known.with_columns(*gap, *heat)
        .filter(pl.col("band_gap") >= GAP_FLOOR, pl.col("thermal_conductivity").is_not_null())
        .sort("thermal_conductivity", "material_id", descending=[True, False])
    )
    rank = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("rank")
    ranked = of_candidates(lake, ranked, "band_gap_measured", "band_gap", "thermal_conductivity_measured", RANKED_BY)
    return CANDIDATES.checked(ranked.with_columns(rank).select(CANDIDATES.schema.names()))


def predicted(lake: Lake, name: str) -> pl.DataFrame:
    """What the models say of a property, one value per material: the median over its entries, of the best study."""
    study = pl.lit(best_study(lake, name), pl.String)
    rows = lake.scan(PREDICTIONS).filter(pl.col("property") == name, pl.col("study") == study)
    value = pl.col("value").median().alias(f"{name}_predicted")
    return rows.filter(pl.col("value").is_finite()).group_by("material_id").agg(value).collect()


def _cells(lake: Lake, *names: str) -> pl.DataFrame:
    """Columns of the default policy's matrix by material; what the matrix lacks is null everywhere."""
    matrix = matrix_of(lake)
    absent = [pl.lit(None, dtype=pl.Float64).alias(name) for name in names if name not in matrix.columns]
    return matrix.with_columns(absent).select("material_id", *names)


def _first(name: str, **columns: str) -> tuple[pl.Expr, pl.Expr]:
    """The first of the columns that has a value, and the origin (the keyword) that it came from."""
    origin = pl.coalesce(
        pl.when(pl.col(column).is_not_null()).then(pl.lit(origin)) for origin, column in columns.items()
    )
    return pl.coalesce(columns.values()).alias(name), origin.alias(f"{name}_origin")
