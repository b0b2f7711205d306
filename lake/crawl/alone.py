"""One at a time: who crawls a source into a lake, or publishes what a crawl brought, holds its lock meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import Timeout

from lake.store import Lake


class Busy(RuntimeError):
    """Another process is crawling this source into this lake."""


@contextmanager
def alone(lake: Lake, source: str) -> Iterator[None]:
    """Hold the lock of a source in a lake; it falls with the process that holds it. Raises Busy."""
    try:
        with lake.lock(f"crawl.{source}", timeout=0):
            yield
    except Timeout:
        raise Busy(
            f"one process at a time crawls a source into a lake, and another one is crawling {source} "
            f"into {lake.root}: wait for it, or stop it; a crawl that was stopped goes on when run again"
        ) from None
