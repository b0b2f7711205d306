"""Ladder: rounds of short whole runs, each of the sizes that look best by then, and one size trained to its end.

Successive halving (Jamieson and Talwalkar, AISTATS 2016) with two changes. A short run is a whole run on its own
schedule: under a rate that rises first, losses before the fall are mostly noise, so that a run which is merely stopped
tells little of its size. And who goes on is said by a surrogate of all properties' figures, not by one noisy run.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from models.search.explore import Choices, Strategy
from models.search.purse import Ask
from models.search.space import Point, SearchError, Space
from models.search.surrogate import expected

# Shares of the budget that remains beside one whole run, and epochs as shares of a whole run's, round by round: shorter
# runs would be more, but favour who learns fast.
RUNGS = ((1 / 3, 1 / 3),) * 3


def ladder(
    spaces: Sequence[Space], budget: int, seed: int = 0, rungs: Sequence[tuple[float, float]] = RUNGS
) -> Strategy:
    """Search all these spaces together; each has `budget` epochs, the whole run of its choice among them."""
    if len({space.axes for space in spaces}) != 1:
        raise SearchError("a ladder climbs spaces of the same axes")
    named, seen = {space.name: space for space in spaces}, {}
    whole = spaces[0].whole
    if not (climbed := heights(budget, whole, len(spaces[0]), rungs)):
        raise SearchError(f"a search needs a whole run of {whole} epochs and a short one, found {budget}")
    for at, (epochs, n) in enumerate(climbed):
        chosen = _first(named, n, seed) if not at else _best(named, seen, n, epochs)
        asks = [Ask(name, point, epochs) for name, points in chosen.items() for point in points]
        seen |= dict(zip(asks, (yield asks), strict=True))
    choices: Choices = {name: points[0] for name, points in _best(named, seen, 1).items()}
    yield [Ask(name, point, whole) for name, point in choices.items()]
    return choices


def heights(budget: int, whole: int, n: int, rungs: Sequence[tuple[float, float]] = RUNGS) -> list[tuple[int, int]]:
    """Epochs and number of sizes of each round, of n sizes there are; what one round leaves goes to the next."""
    found, left = [], max(budget - whole, 0)
    for at, (share, length) in enumerate(rungs):
        epochs = max(1, round(whole * length))
        mine = left * share / sum(part for part, _ in rungs[at:])
        many = min(int(mine + 1e-9) // epochs, n)
        if many:
            found.append((epochs, many))
            left -= epochs * many
    return found


def _first(spaces: Mapping[str, Space], n: int, seed: int) -> dict[str, list[Point]]:
    """Sizes to begin with: the same lot for all properties, shifted, so that together they see as many as can be."""
    points = next(iter(spaces.values())).points()
    order = random.Random(seed).sample(points, len(points)) * 2
    starts = {name: at * n % len(points) for at, name in enumerate(spaces)}
    return {name: order[start : start + n] for name, start in starts.items()}


def _best(
    spaces: Mapping[str, Space], seen: Mapping[Ask, float], n: int, epochs: int | None = None
) -> dict[str, list[Point]]:
    """The n most promising sizes of each property.  epochs: that none of them was trained for; None: of those tried."""
    known = {(ask.space, ask.point) for ask in seen if epochs in (None, ask.epochs)}
    best = {}
    for name, told in expected(spaces, seen).items():
        points = spaces[name].points()
        ranked = [points[at] for at in told.argsort(kind="stable")]
        best[name] = [point for point in ranked if ((name, point) in known) == (epochs is None)][:n]
    return best
