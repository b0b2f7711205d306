"""Lake world: the columns of a lake as what a map learns from. A row is an entry, its own structure, its own labels.

The lake's test crystals are held back: only the world that confirms ever sees them, and is measured on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lake.graphs.shards import GraphStore
from lake.snapshots import at
from lake.store import Lake
from lake.tables import ENTRIES
from models.dataset import TrainingRows, training_rows
from models.licences import learnt_from
from models.task import task_named
from models.transfer_map.worlds.drawn import Stock, drawn

if TYPE_CHECKING:
    from models.transfer_map.problem import Problem


@dataclass(frozen=True)
class LakeWorld:
    """root: the lake's folder.  names: columns of the default policy.  labels: of a property in a run, at most.

    largest_cell: crystals of more atoms are left out, 0 for none.  snapshot: the one learnt from, empty for the lake as
    it is.  confirming: whether runs are measured on the lake's test crystals, which no other world sees.
    """

    root: Path
    names: tuple[str, ...]
    labels: int = 1500
    largest_cell: int = 0
    snapshot: str = ""
    confirming: bool = False

    @property
    def lake(self) -> Lake:
        """The lake as it was in the snapshot."""
        return at(Lake(self.root), self.snapshot) if self.snapshot else Lake(self.root)

    def problem(self, seed: int) -> Problem:
        """What runs of this seed learn from; every seed draws crystals and split anew."""
        return _problem(self, seed)

    def confirmation(self) -> LakeWorld:
        """The same, measured on the lake's test crystals."""
        return replace(self, confirming=True)

    def stock(self) -> Stock:
        """All labelled crystals, kept."""
        return _read(replace(self, labels=0, confirming=False))[0]

    def licences(self) -> dict[str, tuple[str, ...]]:
        """Of each column, those of its labels and their structures."""
        return _licences(replace(self, labels=0, confirming=False))


@lru_cache(maxsize=64)
def _problem(world: LakeWorld, seed: int) -> Problem:
    return drawn(world.stock(), seed, world.labels, world.confirming)


@lru_cache(maxsize=2)
def _read(world: LakeWorld) -> tuple[Stock, TrainingRows]:
    lake = world.lake
    rows = training_rows(lake, world.names)
    graphs = GraphStore(lake)
    entries = lake.scan(ENTRIES).select("entry_id", "n_atoms", "reduced_formula").collect()
    frame = rows.frame.join(entries, on="entry_id", how="left", maintain_order="left")
    fits = pl.col("structure_hash").is_in(graphs.hashes.implode())
    if world.largest_cell:
        fits &= pl.col("n_atoms") <= world.largest_cell
    kept = np.flatnonzero(frame.select(fits).to_series().to_numpy())
    frame, targets = frame[kept], rows.targets[kept].astype(np.float64)
    held = frame.with_columns((pl.col("split") == "test").any().over("reduced_formula").alias("held"))["held"]
    logs = tuple(task_named(name).log for name in rows.tasks)
    stock = Stock(
        rows.tasks, targets, logs, frame["reduced_formula"].to_numpy().astype(str), held.to_numpy(), graphs,
        graphs.rows(frame["structure_hash"]),
    )  # fmt: skip
    return stock, replace(rows, frame=rows.frame[kept], targets=rows.targets[kept])


@lru_cache(maxsize=2)
def _licences(world: LakeWorld) -> dict[str, tuple[str, ...]]:
    rows = _read(world)[1]
    return {name: learnt_from(world.lake, _alone(rows, name)) for name in world.names}


def _alone(rows: TrainingRows, name: str) -> TrainingRows:
    """The rows that one column labels."""
    column: Sequence[float] = rows.targets[:, rows.tasks.index(name)]
    known = np.flatnonzero(np.isfinite(column))
    return replace(rows, tasks=(name,), frame=rows.frame[known], targets=np.asarray(column)[known, None])
