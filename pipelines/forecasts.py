"""Forecasts: what crawls would cost, before they start. A few cheap questions to each database, and nothing is kept."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from lake.sources import source_named
from lake.sources.scope import Scope
from lake.spoken import duration, storage
from lake.wire.down import SourceDown
from pipelines.sample import sources_of

COLUMNS = ("source", "records", "requests", "at_most_per_second", "at_least", "on_disk", "note")


def forecasts(
    root: Path, sources: Sequence[str], scope: Scope, folder: Path | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """A row for each source that answers: records, requests, time at the polite rate, bytes; and who does not."""
    rows, faults = [], []
    with sources_of(root, folder) as settings:
        for name in sources:
            try:
                told = source_named(name, settings).forecast(scope)
            except (SourceDown, ValueError) as fault:
                faults.append(f"{name}: {fault}" if not str(fault).startswith(name) else str(fault))
                continue
            rate = settings.rate(name)
            time = duration(told.requests / rate) if rate else "no limit"
            rows.append((name, told.records, told.requests, rate or None, time, storage(told.size), told.note))
    types = (pl.String, pl.Int64, pl.Int64, pl.Float64, pl.String, pl.String, pl.String)
    return pl.DataFrame(rows, schema=dict(zip(COLUMNS, types, strict=True)), orient="row"), faults
