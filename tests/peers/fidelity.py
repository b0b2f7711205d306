"""What a lake holds against the crystals that were made: nothing lost, nothing told twice, every cell the same."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import polars as pl

from lake.crystal import Crystal
from lake.entries import crystal_of
from lake.properties import PROPERTIES
from lake.store import Lake
from lake.tables import ENTRIES, OBSERVATIONS, RECORDS
from tests.peers.crystals import Made

CLOSE = 1e-6  # in A for cell vectors, in fractions of a cell for positions


def ids_told_twice(lake: Lake, source: str) -> list[tuple[str, str]]:
    """Route and id of which the lake keeps more than one version."""
    kept = lake.scan(RECORDS).filter(pl.col("source") == source).select("route", "source_id").sort(pl.all()).collect()
    return [first for first, second in pairwise(kept.iter_rows()) if first == second]


def ids_by_route(lake: Lake, source: str) -> dict[str, set[str]]:
    """Route -> the ids that came by it."""
    kept = lake.scan(RECORDS).filter(pl.col("source") == source).select("route", "source_id").collect()
    return {route: set(ids) for route, ids in kept.group_by("route").agg("source_id").iter_rows()}


def crystals_that_differ(lake: Lake, source: str, made: Mapping[str, Made]) -> list[str]:
    """Ids whose entry is not the crystal that was made: lost, never made, or changed on its way.

    made: source_id -> what was made.
    """
    rows = lake.scan(ENTRIES).filter(pl.col("source") == source).collect()
    kept = {row["source_id"]: crystal_of(row) for row in rows.iter_rows(named=True)}
    changed = [name for name in kept.keys() & made.keys() if not _same(kept[name], made[name].crystal)]
    return sorted([*(kept.keys() ^ made.keys()), *changed])


def values_that_differ(lake: Lake, source: str, property_name: str, made: Mapping[str, float]) -> list[str]:
    """Entry ids whose observation of a property is not the value that was made, or is there without one.

    Of a property that several routes tell: the first reading's.
    """
    kind = PROPERTIES[property_name]
    (reading, *_) = (reading.name for reading in kind.readings if reading.source == source)
    told = (pl.col("property") == kind.name) & (pl.col("reading") == reading)
    rows = lake.scan(OBSERVATIONS).filter(told).collect()
    kept = dict(zip(rows["entry_id"], rows["value"], strict=True))
    wanted = {f"{source}:{name}": value for name, value in made.items()}
    changed = [name for name in kept.keys() & wanted.keys() if abs(kept[name] - wanted[name]) > CLOSE]
    return sorted([*(kept.keys() ^ wanted.keys()), *changed])


def _same(kept: Crystal, made: Crystal) -> bool:
    """The same cell and sites in the same order; positions are compared modulo whole cells."""
    if kept.counts != made.counts or not np.array_equal(kept.numbers, made.numbers):
        return False
    shift = kept.positions - made.positions
    return bool(
        np.isclose(kept.volume, made.volume, rtol=CLOSE)
        and np.allclose(kept.lattice, made.lattice, atol=CLOSE)
        and np.allclose(shift, np.round(shift), atol=CLOSE)
    )
