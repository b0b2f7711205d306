"""Training rows: which entry teaches what. No torch here.

A label is learnt on the structure it was computed for: a row is an entry, its own structure, its own values. The
material only groups rows and draws the split; it never lends one entry's value to another.

A task is a column of the default policy, which says what may teach it: of which source, correction and level.
One family of theory: where levels are named (PBE, PBE+U), rows of any other level (LDA, SCAN, ...) are left out, since
a model must not learn the difference between functionals as if it were chemistry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from lake.policies import column_named, default
from lake.policies.choosing import QUALIFIED, preference
from lake.store import Lake
from lake.structures.splits import DEFAULT, scheme_named
from lake.tables import ENTRIES, MATERIALS, OBSERVATIONS, SPLITS

SPLIT_NAMES = ("train", "validation", "test")


class TaskError(ValueError):
    """A task that cannot be learnt from this lake; the message says which and why."""


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """n entries with at least one label of T tasks.

    frame: entry_id, structure_hash, material_id, split; one row per entry, sorted by entry_id.
    targets: (n, T) float32 in the catalog's units, NaN where there is no label.
    """

    tasks: tuple[str, ...]
    frame: pl.DataFrame
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    def of(self, split: str) -> np.ndarray:
        """Row numbers of one split."""
        return np.flatnonzero((self.frame["split"] == split).to_numpy())

    def labels(self, split: str) -> np.ndarray:
        """Labelled rows per task in one split, (T,)."""
        return np.isfinite(self.targets[self.of(split)]).sum(axis=0)

    def without(self, split: str) -> TrainingRows:
        """The rows of the other splits: what is not there cannot be looked at."""
        kept = np.flatnonzero((self.frame["split"] != split).to_numpy())
        return replace(self, frame=self.frame[kept], targets=self.targets[kept])

    @cached_property
    def digest(self) -> str:
        """Content address of structures, targets and split, 16 hex digits."""
        digest = hashlib.blake2b(self.targets.tobytes(), digest_size=8)
        for column in ("entry_id", "structure_hash", "split"):
            digest.update("\n".join(self.frame[column]).encode())
        return digest.hexdigest()

    def checked(self) -> TrainingRows:
        """Return self, or raise TaskError: every task needs two different finite labels to train on."""
        for name, endless in zip(self.tasks, np.isinf(self.targets).sum(axis=0), strict=True):
            if endless:
                raise TaskError(f"labels must be finite, NaN where missing; found infinity {endless} times in {name}")
        for name, reason in unlearnable(self).items():
            raise TaskError(f"task {name} cannot be learnt: {reason}; leave it out, or bring more of its labels")
        return self


def unlearnable(rows: TrainingRows) -> dict[str, str]:
    """Tasks that cannot be learnt from these rows -> why."""
    reasons = {}
    for name, column in zip(rows.tasks, rows.targets[rows.of("train")].T, strict=True):
        labels = column[np.isfinite(column)]
        if len(labels) < 2:
            reasons[name] = f"it needs two labelled training rows or more, found {len(labels)}"
        elif np.ptp(labels) == 0:
            reasons[name] = f"all its {len(labels)} training labels are {labels[0]:g}"
    return reasons


def training_rows(
    lake: Lake, tasks: Sequence[str], limit: int | None = None, scheme: str = DEFAULT, flagged: bool = False
) -> TrainingRows:
    """Entries of kind bulk that carry a label of any of the tasks, with their split.

    limit: at most so many labels per task in training and a quarter of it in validation, the same ones whatever the
    other tasks are; test rows are all kept. scheme: of the splits; materials that it has no part for are left out.
    flagged: whether values that are flagged teach, too.
    Raises UnknownProperty for a name that is no column, KeyError for a scheme that there is not.
    """
    names = tuple(column_named(default(), name).name for name in tasks)
    values = pl.concat([labels(lake, name, flagged) for name in names])
    wide = values.pivot("property", index="entry_id", values="value")
    wide = wide.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names if name not in wide.columns)
    frame = places(lake, scheme).join(wide, on="entry_id").sort("entry_id")
    targets = frame.select(pl.col(names).cast(pl.Float32).fill_null(float("nan"))).to_numpy().reshape(-1, len(names))
    rows = TrainingRows(names, frame.drop(names), np.ascontiguousarray(targets))
    return rows if limit is None else limited(rows, {"train": limit, "validation": max(limit // 4, 1)})


def labels(lake: Lake, name: str, flagged: bool = False) -> pl.DataFrame:
    """entry_id, property, value of one task, one value per entry: the one that its column of the matrix would prefer.

    name: a column of the default policy, which most properties have one of, named as they are.
    """
    column = replace(column_named(default(), name).taught(), flagged=flagged)
    rows = lake.scan(OBSERVATIONS).filter(pl.col("property") == column.property)
    told = rows.select("entry_id", "value", "origin", "flag", *QUALIFIED).collect()
    stands = told.with_columns(stands=pl.Series(preference(column, told))).filter(pl.col("stands") >= 0)
    best = stands.sort("entry_id", "stands", "reading").unique("entry_id", keep="first", maintain_order=True)
    return best.select("entry_id", pl.lit(name).alias("property"), "value")


def places(lake: Lake, scheme: str = DEFAULT) -> pl.DataFrame:
    """entry_id, structure_hash, material_id, split of every bulk entry that belongs to a material with a split."""
    known = scheme_named(scheme).name
    entries = lake.scan(ENTRIES).filter(pl.col("kind") == "bulk").select("entry_id", "structure_hash")
    members = lake.scan(MATERIALS).select("material_id", entry_id="members").explode("entry_id")
    splits = lake.scan(SPLITS).filter(pl.col("scheme") == known).select("material_id", "split")
    return entries.join(members, on="entry_id").join(splits, on="material_id").collect()


def trainable(lake: Lake, tasks: Sequence[str]) -> dict[str, str | None]:
    """For each task None where this lake can teach it, else the reason why not."""
    reasons = unlearnable(training_rows(lake, tasks))
    return {name: reasons.get(name) for name in tasks}


def limited(rows: TrainingRows, limits: dict[str, int], tasks: Sequence[str] | None = None) -> TrainingRows:
    """Keep the first labels of each of these tasks, by split, in an order that only the entries' names decide.

    tasks: all of them where none are named. Rows that keep no label are left out.
    """
    lots = np.array([hashlib.blake2b(e.encode(), digest_size=8).hexdigest() for e in rows.frame["entry_id"]])
    drawn = np.argsort(lots)
    targets = rows.targets.copy()
    split = rows.frame["split"].to_numpy()
    for task in range(targets.shape[1]):
        if tasks is not None and rows.tasks[task] not in tasks:
            continue
        for name, limit in limits.items():
            labelled = drawn[(split[drawn] == name) & np.isfinite(targets[drawn, task])]
            targets[labelled[limit:], task] = np.nan
    kept = np.flatnonzero(np.isfinite(targets).any(axis=1))
    return replace(rows, frame=rows.frame[kept], targets=targets[kept])
