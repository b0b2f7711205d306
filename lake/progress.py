"""Progress with time left on long work; muted by `--quiet`, silent where nobody looks (no terminal)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from lake.spoken import duration

T = TypeVar("T")
QUIET = "CRYSTAL_LAKE_QUIET"  # set by --quiet, inherited by child processes


def track(items: Iterable[T], doing: str, total: int | None = None) -> Iterator[T]:
    """Yield the items while a bar on standard error shows how many are done and how long the rest will take."""
    if not _watched():
        yield from items
        return
    with _bar() as bar:
        yield from bar.track(items, total=total, description=doing)


class Meter:
    """Records as they come: a bar for who looks on, a line now and then for a log, with rate and time left.

    doing: what is done. total: records that are to come, None where nobody knows. done: records of earlier runs.
    log: is told a line every `every` seconds. Use it as a context.
    """

    def __init__(
        self,
        doing: str,
        total: int | None,
        done: int = 0,
        log: Callable[[str], None] | None = None,
        every: float = 30.0,
    ) -> None:
        self.doing, self.total, self.done, self.log, self.every = doing, total, done, log, every
        self._begun = self._told = time.monotonic()
        self._earlier = done
        self._bar = _bar() if _watched() else None

    def advance(self, records: int) -> None:
        """So many more have come."""
        self.done += records
        if self._bar:
            self._bar.update(self._task, completed=self.done)
        if self.log and time.monotonic() - self._told > self.every:
            self._told = time.monotonic()
            self.log(self.words)

    @property
    def words(self) -> str:
        """`crawl oqmd: 12,300 of 1,407,395 records, 95 a second, 4 h 5 min left`."""
        rate = (self.done - self._earlier) / max(time.monotonic() - self._begun, 1e-9)
        of = f" of {self.total:,}" if self.total is not None else ""
        known = self.total is not None and rate > 0 and self.total >= self.done
        left = f", {duration((self.total - self.done) / rate)} left" if known else ""
        return f"{self.doing}: {self.done:,}{of} records, {rate:,.3g} a second{left}"

    def __enter__(self) -> Meter:
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task(self.doing, total=self.total, completed=self.done)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
        if self.log:
            self.log(self.words)


def _watched() -> bool:
    return not os.environ.get(QUIET) and sys.stderr.isatty()


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
