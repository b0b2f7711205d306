"""Progress with time left on long work; muted by `--quiet`, silent where nobody looks (no terminal)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
QUIET = "CRYSTAL_LAKE_QUIET"  # set by --quiet, inherited by child processes


def track(items: Iterable[T], doing: str, total: int | None = None) -> Iterator[T]:
    """Yield the items while a bar on standard error shows how many are done and how long the rest will take."""
    if os.environ.get(QUIET) or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=doing)
