"""Vacuum: delete what nobody can still be reading. Which versions somebody may read: `snapshots.py`."""

from __future__ import annotations

from datetime import timedelta

from lake.graphs import shards
from lake.snapshots import KEPT, forget, needed, publishing
from lake.sql import clear
from lake.store import Freed, Lake
from lake.tables import GRAPHS, TABLES


def vacuum(lake: Lake, keep: timedelta = KEPT) -> Freed:
    """Delete files that no version of the last seven days and no needed snapshot has; returns their names and bytes.

    Also what killed writers and publishers left. Snapshots without a name that nobody can have open are forgotten
    first: whoever is killed here leaves files too many, never a snapshot that lacks some.
    """
    hours = int(keep / timedelta(hours=1))
    with publishing(lake):
        forget(lake, keep)
        versions = needed(lake, keep)
        freed = [clear(lake)]
        for name, table in TABLES.items():
            freed.append(lake.vacuum(table, hours, versions.get(name, ())))
        freed.append(shards.clear(lake, versions.get(GRAPHS.name, ()), keep / timedelta(hours=1)))
    return Freed([file for one in freed for file in one.files], sum(one.size for one in freed))
