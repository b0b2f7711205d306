"""The step that writes what identity found: the tables `materials`, `matches` and `splits`."""

from __future__ import annotations

import polars as pl

from lake.entries import DISORDERED
from lake.store import Lake
from lake.structures.match import find_materials
from lake.structures.split import splits
from lake.tables import ENTRIES, MATCHES, MATERIALS, SPLITS


def write_materials(lake: Lake) -> dict[str, int]:
    """Cluster all entries of the lake but slabs and write the three tables; returns how many of each.

    Counts: entries (bulk and disordered), materials, disordered (of these materials), shared (told by two databases or
    more), comparisons, matcher_calls.
    """
    entries = lake.read(ENTRIES)
    materials, matches = find_materials(entries)
    lake.replace(MATERIALS, materials)
    lake.replace(MATCHES, matches)
    ordered = materials.filter(pl.col("kind") != DISORDERED)  # nothing is learnt from the others
    lake.replace(SPLITS, splits(ordered))
    return {
        "entries": int(materials["members"].list.len().sum()),
        "materials": len(materials),
        "disordered": len(materials) - len(ordered),
        "shared": int((materials["n_sources"] > 1).sum()),
        "comparisons": len(matches),
        "matcher_calls": int(matches["decided_by"].str.contains("StructureMatcher").sum()),
    }
