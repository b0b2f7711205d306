"""One process per core, one thread each: how independent pieces of learning share a machine. No torch here.

Measured on a CPU: K processes of one thread beat one process of K threads, and models trained together in one
vectorised pass are slower than a loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import connection, get_context, parent_process
from threading import Thread
from typing import TypeVar

from lake.progress import QUIET, track

R = TypeVar("R")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    work: Callable[..., R],
    pieces: Sequence[tuple],
    doing: str,
    processes: int | None = None,
    each: Callable[[R], None] = lambda _: None,
) -> list[R]:
    """work(*piece) for every piece, in fresh processes; results in the pieces' order.

    work must be a function at the top of a module. With one process or one piece it runs here. The first error is
    raised again here, after the pieces not yet begun are called off. each: is told every result here, as it comes. The
    processes end with this one, also where it is killed.
    """
    processes = min(processes or cores(), len(pieces))
    if processes <= 1:
        results = []
        for piece in track(pieces, doing):
            results.append(work(*piece))
            each(results[-1])
        return results
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_begin)
    try:
        futures = [pool.submit(work, *piece) for piece in pieces]
        for future in track(as_completed(futures), doing, total=len(futures)):
            each(future.result())
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """One bar is enough: the parent's. And one thread per process, for every library that asks before it starts."""
    os.environ[QUIET] = "1"
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ[name] = "1"
    Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    """End with the parent, however it ends: what a killed study began would else go on beside the one begun anew."""
    connection.wait([parent_process().sentinel])
    os._exit(1)
