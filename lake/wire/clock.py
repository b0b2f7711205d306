"""Time, as whoever waits for a database sees it: a clock that runs, and one that leaps.

What belongs here: telling the time and letting it pass. How long to wait belongs to those who wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Clock(Protocol):
    """What waits and measures waiting goes by one of these, never by `time` itself."""

    def now(self) -> float:
        """Seconds since 1970, UTC: what processes can tell each other."""

    def monotonic(self) -> float:
        """Seconds since some moment, never put back: what durations are measured by."""

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass; none where there is nothing to wait for."""


class WallClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait in truth."""
        if seconds > 0:
            time.sleep(seconds)


class LeapingClock:
    """A clock whose sleep takes no time: its hands leap ahead. A night of faults passes in seconds.

    start: seconds since 1970. slept: every wait so far, in seconds.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.slept: list[float] = []
        self._now = start

    def now(self) -> float:
        """Where the hands stand."""
        return self._now

    def monotonic(self) -> float:
        """Where the hands stand: nobody puts this clock back."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Leap."""
        if seconds > 0:
            self.slept.append(seconds)
            self._now += seconds


_current: Clock = WallClock()


def current() -> Clock:
    """The clock of whoever was given none."""
    return _current


@contextmanager
def running(clock: Clock) -> Iterator[Clock]:
    """While the block lasts, what is made without a clock of its own goes by this one."""
    global _current
    before, _current = _current, clock
    try:
        yield clock
    finally:
        _current = before
