"""Compositions: what follows from each formula alone, so that a screen can ask for cheap, common and harmless."""

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described, part
from lake.compositions.abundance import TABLE
from lake.store import Lake
from lake.tables import COMPOSITIONS, MATERIALS

POSSIBLE = "values_are_possible"


@dg.asset(
    **shown_as(COMPOSITIONS, ("lake.compositions",), also=TABLE.read_text()),
    check_specs=[
        contract(COMPOSITIONS),
        dg.AssetCheckSpec(
            POSSIBLE,
            asset="compositions",
            description="Every formula has a row; prices and abundances are positive, indices lie in 0..10,000.",
        ),
    ],
    deps=["materials"],
)
def compositions(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Price, crustal abundance, concentration of supply and hazard notes of every formula, from dated, cited tables."""
    from lake.compositions import write_compositions

    counts = write_compositions(lake)
    return described(lake, COMPOSITIONS, checks=(_possible(lake),), **counts)


def _possible(lake: Lake) -> dg.AssetCheckResult:
    import polars as pl

    rows, formulas = part(lake, COMPOSITIONS), lake.scan(MATERIALS).select("reduced_formula").unique().collect()
    positive = pl.col("cost_per_kg", "cost_per_formula_unit", "abundance") > 0
    indices = pl.col("hhi_production", "hhi_reserve").is_between(0, 10_000)
    counts = {
        "without a row": len(formulas.join(rows, on="reduced_formula", how="anti")),
        "strange": len(rows.filter(~pl.all_horizontal(positive.fill_null(True), indices.fill_null(True)))),
    }
    return dg.AssetCheckResult(check_name=POSSIBLE, passed=not any(counts.values()), metadata=counts)
