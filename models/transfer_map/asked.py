"""Asked: one run of a map by name, and the runs that a question about every pair takes. No torch here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations


@dataclass(frozen=True, order=True)
class Asked:
    """One run: the tasks trained together, sorted, by one seed.

    placebo: those of them whose labels are permuted among themselves.  target: where it is named, the other tasks learn
    also from their labels on test crystals, and only the target's error comes back.
    """

    seed: int
    tasks: tuple[str, ...]
    placebo: tuple[str, ...] = ()
    target: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", tuple(sorted(set(self.tasks))))
        object.__setattr__(self, "placebo", tuple(sorted(set(self.placebo))))


def alone(names: Sequence[str], seeds: Iterable[int]) -> list[Asked]:
    """Each task by itself: T runs a seed."""
    return [Asked(seed, (name,)) for seed in seeds for name in names]


def together(names: Sequence[str], seeds: Iterable[int]) -> list[Asked]:
    """Every two tasks: T (T - 1) / 2 runs a seed, each of two ordered pairs."""
    return [Asked(seed, pair) for seed in seeds for pair in combinations(names, 2)]


def placebos(names: Sequence[str], seeds: Iterable[int]) -> list[Asked]:
    """Every target with every source permuted: T (T - 1) runs a seed, the dear part of all pairs."""
    return [Asked(seed, pair, placebo=pair[1:]) for seed in seeds for pair in permutations(names, 2)]


def knowing(names: Sequence[str], seeds: Iterable[int]) -> list[Asked]:
    """Every target with every source that has labels on the target's test crystals too: T (T - 1) runs a seed."""
    return [Asked(seed, pair, target=pair[0]) for seed in seeds for pair in permutations(names, 2)]
