"""Grids outside the UI: what the asset calls, for several properties at once, so that all cores stay busy."""

import os
import sys
from collections.abc import Sequence

from lake.progress import QUIET
from lake.store import Lake


def grids(lake: Lake, names: Sequence[str], mode: str, processes: int | None) -> list[str]:
    """Train what is missing of these properties and keep it in the lake. Returns what cannot be learnt, and why."""
    from assets.grid import books
    from lake.snapshots import take
    from lake.sql import publish
    from models.grid.full import How
    from models.grid.table import grounds_of, teachable, write_grid
    from pipelines.tracking import MlflowTracker

    grounds, wrong = teachable(grounds_of(lake, names, snapshot=take(lake)))
    if grounds:
        write_grid(grounds, mode, How(processes, books(MlflowTracker(lake.root), mode), _say))
        publish(lake)
    return wrong


def _say(words: str) -> None:
    if not os.environ.get(QUIET):
        print(words, file=sys.stderr, flush=True)
