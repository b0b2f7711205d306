"""Explore: walk a strategy, which asks for errors until it knows what to choose.

A strategy is a generator: it yields lists of `Ask`, is sent their validation errors, and returns its choices. Given the
same errors it asks the same again; so a search that was killed is walked from its beginning, and what the ledger has
answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence

from models.search.purse import Ask, Purse
from models.search.space import Point

Choices = dict[str, Point]  # by name of the space
Strategy = Generator[list[Ask], Sequence[float], Choices]
Answer = Callable[[list[Ask]], list[float]]


def explore(strategy: Strategy, purse: Purse, answer: Answer) -> Choices:
    """What the strategy chooses; every list is paid before it is answered."""
    asks = next(strategy)
    while True:
        purse.pay(asks)
        try:
            asks = strategy.send(answer(asks))
        except StopIteration as end:
            return end.value


def together(strategies: Sequence[Strategy]) -> Strategy:
    """Several strategies in step, so that what they ask for in one round can be trained at once."""
    choices: Choices = {}
    waiting: Mapping[int, list[Ask]] = {at: next(strategy) for at, strategy in enumerate(strategies)}
    while waiting:
        errors = yield [ask for asks in waiting.values() for ask in asks]
        told, going = iter(errors), {}
        for at, asks in waiting.items():
            try:
                going[at] = strategies[at].send([next(told) for _ in asks])
            except StopIteration as end:
                choices |= end.value
        waiting = going
    return choices
