"""Purse: one budget of epochs for a whole search. Every epoch asked for counts, that of a stopped candidate too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from models.search.space import Point, SearchError


class Ask(NamedTuple):
    """A run that a strategy wants to know the validation error of.

    space: its name.  epochs: of the run's own whole schedule: it is annealed to its end, however short.
    """

    space: str
    point: Point
    epochs: int


@dataclass
class Purse:
    """epochs: all there are.  paid: what was asked for; the same run asked for again is the same run, and free.

    What the ledger knew is paid like what was trained: a search is judged by what it needed, not by what was lying
    about.
    """

    epochs: int
    paid: set[Ask] = field(default_factory=set)

    @property
    def spent(self) -> int:
        """Epochs paid so far."""
        return sum(ask.epochs for ask in self.paid)

    def pay(self, asks: Iterable[Ask]) -> None:
        """Raise SearchError, and pay nothing, where the budget does not reach."""
        new = set(asks) - self.paid
        wanted = sum(ask.epochs for ask in new)
        if self.spent + wanted > self.epochs:
            raise SearchError(f"a search has {self.epochs} epochs, found {self.spent} spent and {wanted} asked for")
        self.paid |= new
