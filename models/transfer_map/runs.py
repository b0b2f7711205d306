"""Runs: the training of those small networks that a map asks for and its ledger lacks. No torch at import.

A run is independent of all others, so pieces of them go to one process per core; what a piece found is written down
when it is finished, and nothing that stands in the ledger is trained again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import polars as pl

from models.pool import cores, spread
from models.transfer_map.asked import Asked
from models.transfer_map.ledger import RunLedger

if TYPE_CHECKING:
    from models.transfer_map.networks.size import Size
    from models.transfer_map.problem import Problem

PIECE = 20.0  # seconds that a piece of runs is meant to take: what a killed study loses per process


class World(Protocol):
    """Where problems come from: hashable, and cheap to send to another process, which makes the problem itself."""

    def problem(self, seed: int) -> Problem:
        """What runs of this seed learn from; the same one for all seeds where the world has one split."""


def trained_runs(
    world: World, asked: Iterable[Asked], size: Size, ledger: RunLedger, processes: int | None = None,
    seconds: float = float("inf"),
) -> pl.DataFrame:  # fmt: skip
    """RUNS of those asked, from the ledger or from training: tasks, placebo (lists), target, seed, task, error, ...

    seconds: after so many no piece is begun; then those asked that are not finished have no rows. Raises ProblemError
    and TaskError as `small.trained` does.
    """
    asked, digests = sorted(set(asked)), {}
    for seed in sorted({one.seed for one in asked}):
        digests[seed] = world.problem(seed).digest
    left, end = missing(asked, digests, size, ledger), time.monotonic() + seconds
    processes = min(processes or cores(), max(len(left), 1))
    while left and time.monotonic() < end:
        pieces = _pieces(world, left, size)
        turn = pieces[: 8 * processes] if seconds < float("inf") else pieces
        spread(run_piece, [(world, piece, size) for piece in turn], "small networks", processes,
               lambda found: ledger.add(found, digests, size))  # fmt: skip
        left = [one for piece in pieces[len(turn) :] for one in piece]
    return ledger.found(asked, digests, size)


def missing(asked: Iterable[Asked], digests: dict[int, str], size: Size, ledger: RunLedger) -> list[Asked]:
    """Those asked that the ledger does not have on these problems, sorted by seed."""
    known = ledger.finished(digests, size)
    return sorted(one for one in set(asked) if one not in known)


def run_piece(world: World, asked: Sequence[Asked], size: Size) -> list[tuple[Asked, dict[str, float]]]:
    """Train these, one after the other: of each the errors on test by task, in the task's unit."""
    from models.transfer_map.networks.small import trained

    found = []
    for one in asked:
        told = trained(
            _problem(world, one.seed), one.tasks, one.seed, size, one.placebo, one.target or None, bool(one.target)
        )
        found.append((one, {task: errors.test for task, errors in told.items()}))
    return found


def forecast(world: World, asked: Sequence[Asked], size: Size, processes: int | None = None) -> float:
    """Seconds that these runs take: one alone and one of two tasks are trained now, and cost grows with the tasks."""
    from models.transfer_map.networks.small import trained

    if not asked:
        return 0.0
    problem = world.problem(asked[0].seed)
    sets = [problem.names[:count] for count in (1, min(2, len(problem.names)))]
    trained(problem, sets[0], 0, size)  # numba compiles
    costs = []
    for tasks in sets:
        begun = time.process_time()
        trained(problem, tasks, 0, size)
        costs.append(time.process_time() - begun)
    step = max(costs[1] - costs[0], 0.0)
    whole = sum(costs[0] + step * (len(one.tasks) - 1) for one in asked)
    return whole / min(processes or cores(), len(asked))


@lru_cache(maxsize=2)
def _problem(world: World, seed: int) -> Problem:
    return world.problem(seed)


def _pieces(world: World, left: Sequence[Asked], size: Size) -> list[list[Asked]]:
    """Runs of one seed, in a row, about PIECE seconds each by a guess that errs on the short side."""
    labels = max(len(world.problem(left[0].seed)), 1)
    guess = 1e-4 * size.steps * size.batch / 32 * (size.width / 4) ** 0.5 * max(labels / 2000, 1.0) ** 0.5
    pieces: list[list[Asked]] = []
    spent = PIECE
    for one in left:
        if spent >= PIECE or pieces[-1][-1].seed != one.seed:
            pieces.append([])
            spent = 0.0
        pieces[-1].append(one)
        spent += guess * 5 * len(one.tasks)
    return pieces
