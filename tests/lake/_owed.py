"""What every source owes, as functions of a source's name: the tests go through all of them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from lake.properties import PROPERTIES
from lake.sources.page import Source
from lake.store import Lake
from lake.tables import ENTRIES, PAGES, RECORDS


def versions(lake: Lake, source: str) -> list[tuple[str, str]]:
    """Every version of every record that holds a crystal, by content alone: no times, no crawl ids."""
    rows = (
        lake.scan(RECORDS)
        .filter((pl.col("source") == source) & (pl.col("route") == ""))
        .select("source_id", "payload")
        .collect()
    )
    return sorted(rows.rows())


def entries(lake: Lake, source: str) -> dict[str, dict]:
    """source_id -> row of a source's entries."""
    rows = lake.scan(ENTRIES).filter(pl.col("source") == source).collect()
    return {row["source_id"]: row for row in rows.iter_rows(named=True)}


def ledger(lake: Lake, source: str, state: str) -> list[str]:
    """Keys of pages in that state."""
    rows = lake.scan(PAGES).filter((pl.col("source") == source) & (pl.col("state") == state)).collect()
    return sorted(rows["page"])


def readings(source: Source, payload: str, n_atoms: int) -> dict[str, float]:
    """Property -> number in the catalog's unit, where the catalog's path resolves in a payload's fields."""
    fields, found = source.fields(payload), {}
    for property_ in PROPERTIES.values():
        for reading in property_.readings:
            if reading.source == source.name and (value := _at(fields, reading.path)) is not None:
                found[property_.name] = float(value) / (n_atoms if reading.unit.endswith("/cell") else 1)
    return found


def _at(fields: Mapping[str, object], path: str) -> object:
    if path in fields:
        return fields[path]
    value: object = fields
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
