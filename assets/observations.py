"""Observations: one asset per property, so that each has its own code version, staleness, description and button."""

import dagster as dg
import polars as pl

from assets.conventions import shown_as
from assets.described import contract, described, part
from lake.properties import PROPERTIES
from lake.properties.definition import Property
from lake.store import Lake
from lake.tables import OBSERVATIONS

CODE = ("lake.extract", "lake.properties.served", "lake.properties.units")
POSSIBLE = "values_are_possible"


def observed(*names: str) -> list[dg.AssetKey]:
    """Asset keys of these properties' observations; of all of them without a name."""
    return [dg.AssetKey(["observations", name]) for name in names or PROPERTIES]


def observation(prop: Property) -> dg.AssetsDefinition:
    """The asset that projects kept records and own labels onto one property; only its own partition is written."""
    key = f"observations/{prop.name}"
    about = f"**{prop.label}**, in {prop.unit or 'no unit'}. {prop.about}\n\n{_readings(prop)}"
    words = shown_as(OBSERVATIONS, CODE, key=key, about=about, also=prop.code_version)
    words["metadata"] |= {"unit": prop.unit, "origin": prop.origin, "kind of property": prop.group}
    limits = f"Every value lies in {prop.low}..{prop.high} {prop.unit}, or is flagged; no reading speaks twice."
    possible = dg.AssetCheckSpec(POSSIBLE, asset=words["key"], description=limits)

    @dg.asset(**words, check_specs=[possible, contract(OBSERVATIONS, key)], deps=["records", "entries", "labels"])
    def observation(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
        from lake.extract import write_observations

        counts = write_observations(lake, prop.name, run=context.run_id)
        rows = part(lake, OBSERVATIONS, [prop.name])
        checks = (_possible(prop, rows),)
        return described(lake, OBSERVATIONS, prop.name, key, checks, unit=prop.unit, **counts, **_spread(rows["value"]))

    return observation


def _readings(prop: Property) -> str:
    told = [f"- {r.source}: `{r.path}` [{r.unit}], {r.method}" for r in prop.readings]
    return "\n".join([*told, "- own values of it that stand in `labels`, under their references"])


def _spread(values: pl.Series) -> dict[str, float]:
    return {"lowest": values.min(), "median": values.median(), "highest": values.max()} if len(values) else {}


def _possible(prop: Property, rows: pl.DataFrame) -> dg.AssetCheckResult:
    inside = pl.col("value").is_between(prop.low, prop.high) | pl.col("flag").is_not_null()
    fine = inside & pl.col("value").is_finite() & (pl.col("unit") == prop.unit)
    strange = len(rows.filter(~fine | pl.struct("entry_id", "reading").is_duplicated()))
    return dg.AssetCheckResult(check_name=POSSIBLE, passed=strange == 0, metadata={"strange": strange})


OBSERVED = [observation(prop) for prop in PROPERTIES.values()]
