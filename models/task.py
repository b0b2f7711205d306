"""Task: something that a model learns to tell. A column of the default policy, or a set that others published.

What belongs here: names, units and scales. Where the labels come from: dataset.py for the lake, published.py for sets
with splits of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lake.policies import column_named, default
from models.published import PUBLISHED


@dataclass(frozen=True)
class Task:
    """name: as recipes and tables say it.  unit: of labels and errors.  label: short, for pictures.

    log: whether values spread over decades, so that their logarithm is learnt (`Recipe.transform` may say otherwise).
    """

    name: str
    unit: str
    label: str
    log: bool


def task_named(name: str) -> Task:
    """The task of that name; UnknownProperty lists the nearest names."""
    if name in PUBLISHED:
        told = PUBLISHED[name]
        return Task(name, told.unit, told.label, log=False)
    column = column_named(default(), name)
    return Task(name, column.known.unit, column.short_label, column.known.log)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """These tasks, each once, in the one order that the house keeps, so that order cannot matter."""
    asked = set(names)
    for name in asked:
        task_named(name)
    return tuple(name for name in (*default().by_name, *PUBLISHED) if name in asked)
