"""Which fields a property needs that no crawl ever asked for: what a column crawl would have to fetch.

What belongs here: comparing the catalog's paths with what sources keep. Fetching is loop.py's, with a scope's column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lake.properties.definition import Property, Reading
from lake.sources.page import MAIN, Source
from lake.store import Lake
from lake.tables import RECORDS


def unfetched(lake: Lake, kind: Property, source_of: Callable[[str], Source]) -> list[tuple[str, str]]:
    """Source and field for each reading of a property whose source the lake holds, and whose field it never asked for.

    A source that keeps whole records (no fields named) was asked for everything. The field is the reading's path, or
    its route where that was never read; either names the column crawl that brings it.
    """
    routes = lake.scan(RECORDS).select("source", "route").unique().collect()
    held = {(source, route) for source, route in routes.iter_rows()}
    lacking = []
    for reading in kind.readings:
        if (reading.source, MAIN) not in held or (reading.source, reading.path) in held:
            continue
        keeps = source_of(reading.source).keeps
        if reading.route not in keeps:
            if (reading.source, reading.route) not in held:
                lacking.append((reading.source, reading.route))
        elif keeps[reading.route] and not _asked_for(reading.field or _inside(reading), keeps[reading.route]):
            lacking.append((reading.source, reading.path))
    return lacking


def _inside(reading: Reading) -> str:
    """The path below the route: `elasticity.order` of the route `elasticity` is its field `order`."""
    return reading.path.removeprefix(reading.route.replace("/", ".") + ".")


def _asked_for(path: str, fields: Sequence[str]) -> bool:
    """Whether a dotted path, or what stands above it, is among the fields."""
    steps = path.split(".")
    return any(".".join(steps[:n]) in fields for n in range(1, len(steps) + 1))
