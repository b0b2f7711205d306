"""One field or route that a crawl does not keep, by the path that a property would name.

What belongs here: reading such names against emmet-core's documents. How a column is asked belongs to the ways.
Names: `grain_boundaries` (of summary), `elasticity.fitting_data`, `thermo.R2SCAN.entries`, or a whole route: `phonon`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module

import orjson
from pydantic import BaseModel

from lake.sources.materials_project.routes import GROUPS, ROUTES, SUMMARY, Route


@dataclass(frozen=True)
class Column:
    """name: as asked for. routes: that tell it. field: of their documents, empty for all that is kept of a route."""

    name: str
    routes: tuple[Route, ...]
    field: str = ""


def column_named(name: str) -> Column:
    """The column of that name; ValueError, with what there is, for one that no route tells."""
    if name in GROUPS or name in ROUTES:
        return Column(name, GROUPS.get(name) or (ROUTES[name],))
    beside = (route for route in ROUTES.values() if route.words and name.startswith(_start(route)))
    route = next(beside, SUMMARY)
    field = name.removeprefix(_start(route))
    if field.split(".")[0] not in fields_of(route):
        raise ValueError(
            f"a column of Materials Project must be a field of summary, <route>.<field> or a route; found {name!r}. "
            f"Routes: {', '.join(GROUPS)}. Fields of {route.title}: {', '.join(fields_of(route))}"
        )
    return Column(name, (route,), field)


def model_of(route: Route) -> type[BaseModel]:
    """emmet-core's class of the route's documents."""
    module, _, name = route.model.rpartition(".")
    return getattr(import_module(f"emmet.core.{module}"), name)


@cache
def fields_of(route: Route) -> tuple[str, ...]:
    """Every field of the route's documents."""
    return tuple(model_of(route).model_fields)


def told_under(column: Column, payload: str) -> bool:
    """Whether a payload holds anything under the column's own path; phonon's fields stand below a method."""
    (route,) = column.routes
    held = [orjson.loads(payload)]
    for word in route.words:
        held = [each[word] for each in held if word in each]
    if route.has_own_ids:
        held = [each for methods in held for each in methods.values()]
    for word in column.field.split("."):
        held = [each[word] for each in held if isinstance(each, dict) and word in each]
    return bool(held)


def _start(route: Route) -> str:
    return "".join(f"{word}." for word in route.words)
