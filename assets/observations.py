"""Observations: one asset per property, so that each has its own code version, staleness, description and button."""

import dagster as dg

from assets.conventions import described, part, shown_as
from lake.properties import PROPERTIES
from lake.properties.definition import Property
from lake.store import Lake
from lake.tables import OBSERVATIONS


def observed(*names: str) -> list[dg.AssetKey]:
    """Asset keys of these properties' observations; of all without a name."""
    return [dg.AssetKey(["observations", name]) for name in names or PROPERTIES]


def observation(prop: Property) -> dg.AssetsDefinition:
    """The asset that projects kept records onto one property; nothing but its own partition is written."""
    own = any(reading.source == "labels" for reading in prop.readings)
    words = shown_as(
        OBSERVATIONS,
        ("lake.extract", "lake.properties.units"),
        key=f"observations/{prop.name}",
        about=f"**{prop.label}**, in {prop.unit or 'no unit'}. {prop.about}\n\n{_readings(prop)}",
        also=prop.code_version,
    )
    words["metadata"] |= {"unit": prop.unit, "origin": prop.origin, "kind_of_property": prop.group}

    @dg.asset(**words, deps=["records", "entries", *(["labels"] if own else [])])
    def observation(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
        from lake.extract import write_observations

        counts = write_observations(lake, prop.name)
        facts = {"unit": prop.unit, **counts, **_spread(lake, prop.name)}
        return described(lake, OBSERVATIONS, prop.name, key=f"observations/{prop.name}", **facts)

    return observation


def _readings(prop: Property) -> str:
    return "\n".join(f"- {r.source}: `{r.path}` [{r.unit}], {r.method}" for r in prop.readings)


def _spread(lake: Lake, name: str) -> dict[str, float]:
    values = part(lake, OBSERVATIONS, name)["value"]
    return {"lowest": values.min(), "median": values.median(), "highest": values.max()} if len(values) else {}


OBSERVED = [observation(prop) for prop in PROPERTIES.values()]
