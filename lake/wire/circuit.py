"""The circuit to a database: it opens on one that is down, so that nobody goes on knocking, and closes by itself.

What belongs here: whether a database is asked at all. How often one question is repeated belongs to patience.py.
"""

from __future__ import annotations

from datetime import UTC, datetime

from lake.wire.clock import Clock
from lake.wire.down import NotNow
from lake.wire.shared_state import Shared, State

PROBE = 300.0  # s that one process has for its trial, from request to request, before another may try too


class CircuitOpen(NotNow):
    """A database that is left alone for now; the message says since when, until when, why, and how to close it."""


class Fuse(State):
    """failures: exhausted patiences in a row. opened, until: seconds since 1970. cool_down: s, the latest one."""

    failures: int = 0
    opened: float | None = None
    until: float = 0.0
    cool_down: float = 0.0
    reason: str = ""


class Circuit:
    """Closed, open (every request is refused), or half-open: after a cool-down one process may try.

    A trial that fails opens it again for twice as long; the first good answer closes it.
    after: exhausted patiences in a row that open it, 0 for never. first, longest: s, cool-downs.
    """

    def __init__(
        self, source: str, fuse: Shared[Fuse], clock: Clock, after: int = 12, first: float = 300, longest: float = 21600
    ) -> None:
        self._source, self._fuse, self._clock = source, fuse, clock
        self._after, self._first, self._longest = after, first, longest
        self._trial: float | None = None  # until when the trial is ours

    def check(self) -> None:
        """Raise CircuitOpen unless the database may be asked."""
        if self._fuse.read().opened is None:
            return
        with self._fuse.changed() as fuse:
            if fuse.opened is None:
                return
            now = self._clock.now()
            if self._refuses(fuse, now):
                raise self._refusal(fuse)
            self._trial = fuse.until = now + PROBE

    def good(self) -> None:
        """A good answer came: close, and forget what was."""
        if self._fuse.read() != Fuse():
            self._fuse.forget()
        self._trial = None

    def exhausted(self, reason: str) -> None:
        """A patience ended without an answer; enough of them in a row open the circuit."""
        with self._fuse.changed() as fuse:
            fuse.failures += 1
            if fuse.opened is not None or 0 < self._after <= fuse.failures:
                self._blow(fuse, reason, 0.0)

    def open(self, reason: str, at_least: float = 0.0) -> None:
        """Open now, for `at_least` so many seconds within the longest cool-down."""
        with self._fuse.changed() as fuse:
            self._blow(fuse, reason, at_least)

    def _blow(self, fuse: Fuse, reason: str, at_least: float) -> None:
        now = self._clock.now()
        if fuse.opened is not None and self._refuses(fuse, now):
            return  # somebody was first
        fuse.cool_down = min(self._longest, max(self._first, 2 * fuse.cool_down))
        fuse.until = now + max(fuse.cool_down, min(at_least, self._longest))
        fuse.opened = now if fuse.opened is None else fuse.opened
        fuse.reason = reason[:400]
        self._trial = None

    def _refuses(self, fuse: Fuse, now: float) -> bool:
        believable = fuse.until <= now + max(self._longest, PROBE)  # else the clock was put back
        return now < fuse.until and believable and fuse.until != self._trial

    def _refusal(self, fuse: Fuse) -> CircuitOpen:
        by_hand = f"delete {self._fuse.path}" if self._fuse.path else "start anew"
        return CircuitOpen(
            f"{self._source}: not asked: it is down since {_told(fuse.opened or 0)} and left alone until "
            f"{_told(fuse.until)}, because {fuse.reason}; to ask earlier, {by_hand}"
        )


def _told(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
