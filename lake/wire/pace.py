"""The pace at which a host is asked: one line of all processes, in which each request has its turn.

What belongs here: when the next request may leave. How many are on their way at once belongs to lanes.py.
"""

from __future__ import annotations

from lake.wire.clock import Clock
from lake.wire.shared_state import Shared, State

LATE = 0.03  # of a pause: a process wakes some milliseconds late, and the next one in time
CROWD = 60  # processes that may stand in line; who stands further back found a clock that was put back


class Line(State):
    """free: when the next request may leave, seconds since 1970."""

    free: float = 0.0


class Pace:
    """Turns a little more than 1 / rate seconds apart, for whoever shares the line; no pauses where the rate is 0.

    The little more is for processes that wake late: at 2 requests a second, no second sees three.

    longest: seconds that the line may be held at once.
    """

    def __init__(self, rate: float, line: Shared[Line], clock: Clock, longest: float) -> None:
        self._pause = (1 + LATE) / rate if rate > 0 else 0.0
        self._line, self._clock, self._longest = line, clock, longest

    def turn(self) -> None:
        """Wait until one request may leave."""
        with self._line.changed() as line:
            now = self._clock.now()
            turn = self._next(line, now)
            line.free = turn + self._pause
        self._clock.sleep(turn - now)

    def hold(self, seconds: float) -> None:
        """Nobody's next request leaves earlier than in so many seconds."""
        with self._line.changed() as line:
            now = self._clock.now()
            line.free = max(self._next(line, now), now + min(seconds, self._longest))

    def _next(self, line: Line, now: float) -> float:
        believable = line.free <= now + self._longest + CROWD * self._pause
        return max(now, line.free) if believable else now
