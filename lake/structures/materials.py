"""The step that writes what identity found: the tables `materials`, `matches` and `splits`."""

from __future__ import annotations

from lake.store import Lake
from lake.structures.match import find_materials
from lake.structures.splits.write import write_splits
from lake.tables import ENTRIES, MATCHES, MATERIALS


def write_materials(lake: Lake) -> dict[str, int]:
    """Cluster all bulk entries of the lake and write the three tables; returns how many of each.

    Counts: entries (bulk), materials, shared (materials told by two databases or more), comparisons, matcher_calls.
    """
    entries = lake.read(ENTRIES)
    materials, matches = find_materials(entries)
    lake.replace(MATERIALS, materials)
    lake.replace(MATCHES, matches)
    write_splits(lake)
    return {
        "entries": int(materials["members"].list.len().sum()),
        "materials": len(materials),
        "shared": int((materials["n_sources"] > 1).sum()),
        "comparisons": len(matches),
        "matcher_calls": int(matches["decided_by"].str.contains("StructureMatcher").sum()),
    }
