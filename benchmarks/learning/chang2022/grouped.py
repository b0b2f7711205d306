"""Grouped splits: five random ones of our own, in which no reduced formula stands in two parts."""

from __future__ import annotations

import hashlib

import numpy as np

from models.dataset import TrainingRows
from models.published.chang2022 import ReadSet

SPLITS = 5


def grouped(read: ReadSet) -> list[TrainingRows]:
    """As many crystals in test and validation as the first published split has, give or take one formula's.

    The draw depends on the formulas and the split's number only, so that sets of the same crystals are split alike.
    """
    published = read.splits[0]
    wanted = {part: len(published.of(part)) for part in ("test", "validation")}
    return [read.rows(_drawn(read.formulas, wanted, split)) for split in range(SPLITS)]


def shared(rows: TrainingRows, formulas: dict[str, str]) -> float:
    """The share of test rows whose formula is among the training rows'."""
    taught = {formulas[entry] for entry in rows.frame["entry_id"].gather(rows.of("train"))}
    return float(np.mean([formulas[entry] in taught for entry in rows.frame["entry_id"].gather(rows.of("test"))]))


def _drawn(formulas: dict[str, str], wanted: dict[str, int], split: int) -> dict[str, str]:
    """entry_id -> part: formulas in an order drawn by lot fill test, then validation; the rest trains."""
    members: dict[str, list[str]] = {}
    for entry, formula in formulas.items():
        members.setdefault(formula, []).append(entry)
    parts: dict[str, str] = {}
    room = dict(wanted)
    for formula in sorted(members, key=lambda formula: _lot(formula, split)):
        part = next((part for part, left in room.items() if left > 0), "train")
        parts |= dict.fromkeys(members[formula], part)
        if part in room:
            room[part] -= len(members[formula])
    return parts


def _lot(formula: str, split: int) -> str:
    return hashlib.blake2b(f"{split}/{formula}".encode(), digest_size=8).hexdigest()
