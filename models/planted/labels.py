"""Labels: what each task is worth on each crystal, and on which crystals that has been measured.

Who is labelled. Training crystals stand in one random order. A task with n labels takes its first overlap x n crystals,
which all tasks begin with, and the others from the end, where each task has a stretch to itself. So two tasks share
exactly overlap x (the smaller n) crystals. Validation crystals likewise. Test crystals carry every task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from models.planted.dials import Dials
from models.planted.menu import Task
from models.streams import seed_of

SHARES = {"train": 0.65, "validation": 0.15, "test": 0.20}  # of the crystals
RESCALED = (1000.0, 250.0)  # factor and shift of the rescaled copy
# Monotone; a factor has mean zero and deviation one.
BENDS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType({
    "straight": lambda x: x,
    "tanh_relu": lambda x: np.tanh(x) + 0.5 * np.maximum(x, 0.0),
    "log": lambda x: np.sign(x) * np.log1p(2 * np.abs(x)),
    "exp": lambda x: np.exp(0.4 * x),
})  # fmt: skip


def split(groups: np.ndarray, seed: int) -> np.ndarray:
    """(n,) train, validation or test, whole groups in an order of their names' own."""
    names, of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort([seed_of(seed, f"split/{name}") for name in names], kind="stable")
    before = np.empty(len(names))
    before[order] = np.cumsum(sizes[order]) - sizes[order]
    ends = np.cumsum(list(SHARES.values()))[:-1] * len(groups)
    return np.array(list(SHARES))[np.searchsorted(ends, before, side="right")][of]


def gate(prototypes: np.ndarray, seed: int) -> np.ndarray:
    """(n,) 1 or -1, the same for all crystals of a prototype; -1 for every second prototype in a random order."""
    names, of = np.unique(prototypes, return_inverse=True)
    order = np.argsort([seed_of(seed, f"gate/{name}") for name in names], kind="stable")
    signs = np.empty(len(names))
    signs[order] = np.resize([1.0, -1.0], len(names))
    return signs[of]


def values(
    tasks: Sequence[Task], white: np.ndarray, signs: np.ndarray, parts: np.ndarray, dials: Dials, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """All tasks on all crystals, (n, T) float64: without noise, and with it.

    white: (n, 8) latents.  signs: (n,) of the gate.  parts: (n,) of the split, within which copies are permuted.
    """
    clean, noisy = np.empty((2, len(white), len(tasks)))
    at = {task.name: column for column, task in enumerate(tasks)}
    for column, task in enumerate(tasks):
        if task.copy_of is None:
            clean[:, column], noisy[:, column] = _original(task, white, signs, dials, seed)
    for column, task in enumerate(tasks):
        if task.copy_of is None:
            continue
        for table in (clean, noisy):
            copied = table[:, at[task.copy_of]]
            if task.item.kind == "rescaled":
                table[:, column] = RESCALED[0] * copied + RESCALED[1]
            else:
                table[:, column] = copied[_within(parts, seed_of(seed, f"{task.name}/permuted"))]
    return clean, noisy


def labelled(noisy: np.ndarray, parts: np.ndarray, dials: Dials, seed: int) -> np.ndarray:
    """(n, T) bool: where each task has been measured. ValueError where there are too few crystals for it."""
    known = np.zeros(noisy.shape, dtype=bool)
    known[parts == "test"] = True
    twice = 2 if dials.missing == "low" else 1  # half of them will turn out too high
    for part, share in (("train", 1.0), ("validation", dials.validation)):
        pool = np.flatnonzero(parts == part)
        pool = pool[np.random.default_rng(seed_of(seed, f"order/{part}")).permutation(len(pool))]
        counts = [twice * max(round(share * n), 1) for n in dials.training_labels()]
        common = [round(dials.overlap * n) for n in counts]
        needed = max(common) + sum(counts) - sum(common)
        if needed > len(pool):
            least = -(-needed * len(parts) // len(pool))
            raise ValueError(
                f"these labels take {needed} {part} crystals, found {len(pool)}: ask for some {least} crystals in all, "
                "or for fewer labels or more overlap"
            )
        end = len(pool)
        for column, (n, shared) in enumerate(zip(counts, common, strict=True)):
            rows = np.concatenate([pool[:shared], pool[end - (n - shared) : end]])
            end -= n - shared
            low = np.argsort(noisy[rows, column], kind="stable")[: n // twice]
            known[rows[low], column] = True
    return known


def _original(
    task: Task, white: np.ndarray, signs: np.ndarray, dials: Dials, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    eps = np.random.default_rng(seed_of(seed, f"{task.name}/noise")).standard_normal(len(white))
    unit = dials.scale ** np.random.default_rng(seed_of(seed, f"{task.name}/unit")).uniform(-1.0, 1.0)
    if task.item.kind == "noise":
        return np.zeros(len(white)), unit * eps
    factor = white @ task.loading
    if task.item.kind == "gated":
        factor = signs * factor
    clean = BENDS[task.item.bend if dials.nonlinear else "straight"](factor)
    clean = unit * (clean - clean.mean()) / clean.std()
    return clean, clean + unit * dials.noise * eps


def _within(parts: np.ndarray, seed: int) -> np.ndarray:
    """(n,) a permutation of the rows that leaves each in its part."""
    draw, moved = np.random.default_rng(seed), np.arange(len(parts))
    for part in SHARES:
        rows = np.flatnonzero(parts == part)
        moved[rows] = draw.permutation(rows)
    return moved
