"""Menu: what each task is, and what is true of each pair because of it. Four dozens, each extending the ones before.

A task is a direction in the space of the white latents: its factor is the product of the two, so the cosine of two
directions is the correlation of two factors. Four directions, A to D, at right angles, are shared by groups of tasks;
a member keeps a cosine of .95, .7 or .4 with its group's direction, with either sign, and has the rest to itself.

    anchor    the direction of its group            related   a member of a positive cosine
    twin      a member of a negative cosine         rescaled  another task in another unit, crystal by crystal
    alone     a direction at right angles to all groups; in the first dozen to all tasks
    noise     no factor                             permuted  another task's values, handed out to other crystals
    gated     the direction of its group, with a sign that half of the prototypes turn

Which name stands for which task of its dozen is drawn from the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from models.planted.dials import BLOCK, Dials
from models.streams import seed_of

RELATED = 0.4  # cosine from which a pair is expected to help, or to conflict where one of the two is gated
LATENTS = 8


@dataclass(frozen=True)
class Item:
    """One task of the menu.

    group: A, B, C or D, where it has one.  level: cosine with the group's direction.  rest: the axis that holds what is
    its own; drawn from the seed where None.  copy_of: key of the task that is copied.  bend: key of labels.BENDS.
    """

    key: str
    kind: str
    group: str = ""
    level: float = 0.0
    rest: int | None = None
    copy_of: str = ""
    bend: str = "straight"


def _member(group: str, level: float, rest: int | None = None, bend: str = "straight") -> Item:
    kind = "anchor" if level == 1 else "related" if level > 0 else "twin"
    return Item(f"{group}{level:+.2f}", kind, group, level, rest, bend=bend)


def _gated(group: str) -> Item:
    return Item(f"gated {group}", "gated", group, 1.0)


def _permuted(group: str) -> Item:
    return Item(f"permuted {group}", "permuted", copy_of=f"{group}+1.00")


# Directions of the groups and of tasks alone over eight axes, which are turned or put in a random order before they
# meet the latents. Axes 3 to 6 hold the rests of the first dozen.
_HALF = 0.5**0.5
DIRECTIONS: Mapping[str, Mapping[int, float]] = MappingProxyType({
    "A": {0: 1.0}, "B": {1: 1.0}, "C": {7: 1.0}, "D": {3: _HALF, 4: _HALF},
    "alone 1": {2: 1.0}, "alone 2": {3: _HALF, 4: -_HALF},
})  # fmt: skip
MENU: tuple[Item, ...] = (
    # first dozen
    _member("A", 1.0), _member("A", 0.95, 3, "log"), _member("A", -0.95, 4, "tanh_relu"),
    Item("rescaled A", "rescaled", "A", 1.0, copy_of="A+1.00"),
    _member("B", 1.0, bend="exp"), _member("B", 0.7, 5, "tanh_relu"), _member("B", 0.4, 6),
    Item("alone 1", "alone", bend="tanh_relu"), Item("noise 1", "noise"), _permuted("A"), _gated("A"), _gated("B"),
    # second
    _member("C", 1.0, bend="tanh_relu"), _member("C", 0.95), _member("C", -0.95, bend="exp"), _member("C", 0.7),
    _member("C", 0.4, bend="log"), _member("D", 1.0), _member("D", 0.95, bend="exp"), _member("D", -0.95, bend="log"),
    Item("alone 2", "alone"), Item("noise 2", "noise"), _permuted("C"), _gated("C"),
    # third
    _member("A", 0.7), _member("A", -0.7, bend="exp"), _member("B", 0.95, bend="log"), _member("B", -0.95),
    _member("C", -0.7, bend="log"), _member("D", 0.7, bend="tanh_relu"), _member("D", 0.4), _member("D", -0.7),
    _member("A", 0.4, bend="log"), Item("noise 3", "noise"), _permuted("B"), _gated("D"),
    # fourth
    _member("A", -0.4), _member("A", 0.8, bend="tanh_relu"), _member("B", -0.7, bend="exp"), _member("B", 0.8),
    _member("C", 0.8, bend="exp"), _member("C", -0.4), _member("D", 0.8, bend="log"), _member("D", -0.4),
    _member("B", -0.4, bend="log"), Item("noise 4", "noise"), Item("noise 5", "noise"), _permuted("D"),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Task:
    """One named task: its item, its direction (8,), zero where it has no factor, and the name of the task it copies."""

    name: str
    item: Item
    loading: np.ndarray
    copy_of: str | None


def tasks(dials: Dials, seed: int) -> tuple[Task, ...]:
    """The tasks in the order of their names; those of a dozen are the same whatever dozens follow."""
    axes = _rotation(seed) if dials.turned else _shuffle(seed)
    items = [
        MENU[first + at]
        for first in range(0, dials.tasks, BLOCK)
        for at in np.random.default_rng(seed_of(seed, f"names/{first}")).permutation(BLOCK)
    ]
    named = {item.key: name for name, item in zip(dials.names, items, strict=True)}
    return tuple(
        Task(name, item, _loading(item, seed) @ axes, named[item.copy_of] if item.copy_of else None)
        for name, item in zip(dials.names, items, strict=True)
    )


def expected(target: Task, source: Task) -> str:
    """What the design says of the pair: help, none or conflict."""
    if abs(target.loading @ source.loading) < RELATED - 1e-9:
        return "none"
    return "help" if (target.item.kind == "gated") == (source.item.kind == "gated") else "conflict"


def _rotation(seed: int) -> np.ndarray:
    """A random rotation of the axes, evenly from all of them."""
    whole, upper = np.linalg.qr(np.random.default_rng(seed_of(seed, "directions")).standard_normal((LATENTS, LATENTS)))
    return whole * np.sign(np.diag(upper))


def _shuffle(seed: int) -> np.ndarray:
    """The axes in a random order."""
    return np.eye(LATENTS)[np.random.default_rng(seed_of(seed, "axes")).permutation(LATENTS)]


def _loading(item: Item, seed: int) -> np.ndarray:
    """The direction (8,) before it is turned, of length one or zero."""
    if item.kind in ("noise", "permuted"):
        return np.zeros(LATENTS)
    main = np.zeros(LATENTS)
    for axis, part in DIRECTIONS[item.group or item.key].items():
        main[axis] = part
    if abs(item.level) in (0.0, 1.0):
        return main
    rest = np.random.default_rng(seed_of(seed, f"rest/{item.key}")).standard_normal(LATENTS)
    if item.rest is not None:
        rest = np.eye(LATENTS)[item.rest]
    rest -= (rest @ main) * main
    return item.level * main + np.sqrt(1 - item.level**2) * rest / np.linalg.norm(rest)
