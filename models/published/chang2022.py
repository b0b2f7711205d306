"""Chang 2022, read: a set's crystals, and its five splits as training rows. No torch here.

The files, one of crystals and values and one of row numbers, are not committed; docs/published.md says whence they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from lake.cif import crystal_from_cif
from lake.crystal import Crystal, CrystalError
from lake.graphs.gathered import GatheredGraphs
from models.dataset import TrainingRows
from models.published import PUBLISHED

CRYSTALS = "chang2022_small_sets.parquet"  # task, row, mp_id, value, cif
SPLITS = "chang2022_splits.json"  # task -> five of {train, val, test}: row numbers
PARTS = {"train": "train", "val": "validation", "test": "test"}  # theirs -> ours


class PublishedSetError(ValueError):
    """Files that are not what was published; the message names the rule and what was found."""


@dataclass(frozen=True, eq=False)
class ReadSet:
    """A published set of n crystals.

    frame: entry_id, structure_hash, material_id, value (float64), one row per crystal, in the publisher's order; the
        material is the publisher's id, and the entry itself where none is told.
    crystals: in the same order.
    splits: five of TrainingRows with parts train, validation and test, as published.
    unsplit: per split the entries that the publisher put in no part.
    unread: entry_id -> why its crystal cannot be read; such rows are in no other field.
    """

    name: str
    frame: pl.DataFrame
    crystals: tuple[Crystal, ...]
    splits: tuple[TrainingRows, ...]
    unsplit: tuple[tuple[str, ...], ...]
    unread: Mapping[str, str]

    @cached_property
    def graphs(self) -> GatheredGraphs:
        """The graphs of all crystals, found by structure_hash."""
        return GatheredGraphs(self.crystals)

    @cached_property
    def formulas(self) -> dict[str, str]:
        """entry_id -> reduced formula."""
        reduced = (crystal.reduced_formula for crystal in self.crystals)
        return dict(zip(self.frame["entry_id"], reduced, strict=True))

    def rows(self, part: Mapping[str, str]) -> TrainingRows:
        """Training rows of the entries that have a part (entry_id -> train, validation or test), in order of name."""
        placed = pl.DataFrame({"entry_id": list(part), "split": list(part.values())})
        frame = self.frame.join(placed, on="entry_id").sort("entry_id")
        targets = frame["value"].cast(pl.Float32).to_numpy().reshape(-1, 1)
        return TrainingRows((self.name,), frame.drop("value"), np.ascontiguousarray(targets))


def read_set(name: str, data: Path) -> ReadSet:
    """The published set of that name (`chang2022.<set>`) out of the files in this folder.

    Raises KeyError for another name, FileNotFoundError without the files, PublishedSetError where the splits are not
    disjoint or speak of rows that there are not.
    """
    key = PUBLISHED[name].key
    told = pl.scan_parquet(Path(data) / CRYSTALS).filter(pl.col("task") == key).sort("row").collect()
    entries = [entry(name, row) for row in told["row"]]
    read, unread = _read(entries, told["cif"])
    frame = told.select(
        pl.Series("entry_id", entries),
        pl.Series("structure_hash", [read[e].structure_hash if e in read else None for e in entries], pl.String),
        pl.Series("material_id", told["mp_id"].to_list(), pl.String).fill_null(pl.Series(entries)),
        "value",
    ).filter(pl.col("structure_hash").is_not_null())
    published = json.loads((Path(data) / SPLITS).read_text())[key]
    parts = [_parts(name, split, set(entries)) for split in published]
    unsplit = tuple(tuple(e for e in entries if e not in part) for part in parts)
    found = ReadSet(name, frame, tuple(read.values()), (), unsplit, unread)
    splits = tuple(found.rows(part) for part in parts)
    return ReadSet(name, frame, found.crystals, splits, unsplit, unread)


def entry(name: str, row: int) -> str:
    """The name of a row among entries: `chang2022:mp_phonons/17`."""
    return f"{name.replace('.', ':', 1)}/{row}"


def _read(entries: Sequence[str], texts: Sequence[str]) -> tuple[dict[str, Crystal], dict[str, str]]:
    crystals, unread = {}, {}
    for name, text in zip(entries, texts, strict=True):
        try:
            crystals[name] = crystal_from_cif(text).checked()
        except CrystalError as error:
            unread[name] = str(error)
    return crystals, unread


def _parts(name: str, split: Mapping[str, Sequence[int]], known: set[str]) -> dict[str, str]:
    """entry_id -> part of one published split."""
    parts: dict[str, str] = {}
    for theirs, ours in PARTS.items():
        for row in split[theirs]:
            if parts.setdefault(entry(name, row), ours) != ours:
                raise PublishedSetError(f"a row must stand in one part, found {entry(name, row)} in two")
    if lost := sorted(set(parts) - known):
        raise PublishedSetError(f"splits must speak of rows that there are, found {len(lost)} others, first {lost[0]}")
    return parts
