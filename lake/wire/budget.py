"""The budget of a night: how many requests a database is asked in 24 hours, whoever asks.

What belongs here: counting what was spent. How fast it may be spent belongs to pace.py.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from lake.wire.clock import Clock
from lake.wire.down import NotNow
from lake.wire.shared_state import Shared, State

HOUR = 3600
DAY = 24  # hours


class BudgetSpent(NotNow):
    """Everything a database may be asked today has been asked; the message says when it goes on."""


class Spent(State):
    """hours: hour since 1970 -> requests in it."""

    hours: dict[int, int] = Field(default_factory=dict)


class Budget:
    """So many requests in 24 hours; 0 for no limit, and nothing is counted.

    Counted by whole hours: an hour is forgotten as soon as the same one begins on the next day, so that a crawl
    that starts every night at two finds its whole budget each time.
    """

    def __init__(self, source: str, allowed: int, spent: Shared[Spent], clock: Clock) -> None:
        self._source, self._allowed = source, allowed
        self._spent, self._clock = spent, clock

    def spend(self) -> None:
        """Count one request. Raises BudgetSpent where none is left."""
        if not self._allowed:
            return
        with self._spent.changed() as spent:
            hour = int(self._clock.now() // HOUR)
            spent.hours = {then: count for then, count in spent.hours.items() if hour - DAY < then <= hour}
            if sum(spent.hours.values()) >= self._allowed:
                on = datetime.fromtimestamp((min(spent.hours) + DAY) * HOUR, UTC)
                raise BudgetSpent(
                    f"{self._source}: the budget is {self._allowed:,} requests in 24 hours, and they are spent; it "
                    f"goes on at {on:%Y-%m-%d %H:%M} UTC (a larger one: CRYSTAL_LAKE_{self._source.upper()}_BUDGET)"
                )
            spent.hours[hour] = spent.hours.get(hour, 0) + 1
