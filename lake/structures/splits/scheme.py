"""What a scheme of splits is, and the draw by a hash that most of them make."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

PARTS = ("train", "validation", "test")  # the one that leaks least first, see standing.py
TRAIN, VALIDATION = 0.8, 0.9  # upper ends of their pieces of 0..1; the rest is test


@dataclass(frozen=True)
class Scheme:
    """One way to part materials.

    name: as it stands in SPLITS.scheme.
    rule: name and version of the draw, as it stands in SPLITS.rule; whatever changes a draw changes it.
    draw: rows of MATERIALS with `year` (the earliest of the entries', null where none is known) -> their parts, in
    their order, null where the scheme has none for a material.
    whole: material ids and formulas -> what they belong to that may not cross, in their order.
    remembers: whether a material's draw may change with what joins it, so that what was drawn first has to stand.
    """

    name: str
    rule: str
    draw: Callable[[pl.DataFrame], pl.Series]
    whole: Callable[[pl.DataFrame], pl.Series]
    remembers: bool = False


def part(rule: str, group: str) -> str:
    """The part of a group by a hash of rule and group: 80 % train, 10 % validation, 10 % test, for ever."""
    digest = hashlib.blake2b(f"{rule}|{group}".encode(), digest_size=8).digest()
    draw = int.from_bytes(digest, "big") / 2**64
    return "train" if draw < TRAIN else "validation" if draw < VALIDATION else "test"


def parts(rule: str, groups: pl.Series) -> pl.Series:
    """The parts of these groups, in their order."""
    distinct = groups.unique().to_list()
    return groups.replace_strict(distinct, [part(rule, group) for group in distinct], return_dtype=pl.String)
