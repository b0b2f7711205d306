"""Own table: a user's table of properties on crystal files as what a map learns from.

The table's first column names files, every other column is a property: numbers, empty where unknown. `keep` writes what
can be used of it below a folder as Parquet, so that processes read it at once, and says what cannot; who reads the
crystal files is the caller. A tenth of the formulas is held back for confirmation, by the hash that parts a lake, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lake.crystal import Crystal
from lake.graphs.gathered import GatheredGraphs
from lake.structures.splits.reduced_formula import RULE
from lake.structures.splits.scheme import part
from models.transfer_map.worlds.drawn import Stock, drawn

if TYPE_CHECKING:
    from models.transfer_map.problem import Problem

FEWEST = 30  # labels that a property needs beside those held back
DECADES = 2.0  # positive labels whose middle nine tenths span so many powers of ten are learnt as logarithms
LICENCE = "private"  # nobody was told that such labels may go on


class BadTable(ValueError):
    """A table that no map can be drawn of; the message says what it lacks."""


@dataclass(frozen=True)
class CsvWorld:
    """file: where `keep` wrote the table.  names: its properties.  Others: as in LakeWorld."""

    file: Path
    names: tuple[str, ...]
    labels: int = 1500
    largest_cell: int = 0
    confirming: bool = False
    snapshot: str = ""

    def problem(self, seed: int) -> Problem:
        """What runs of this seed learn from; every seed draws crystals and split anew."""
        return _problem(self, seed)

    def confirmation(self) -> CsvWorld:
        """The same, measured on the crystals held back."""
        return replace(self, confirming=True)

    def stock(self) -> Stock:
        """All labelled crystals, kept."""
        return _read(replace(self, labels=0, confirming=False))

    def crystals(self) -> list[Crystal]:
        """Those of the stock, in its order."""
        return _crystals(self)[1]

    def licences(self) -> dict[str, tuple[str, ...]]:
        """Of each property."""
        return dict.fromkeys(self.names, (LICENCE,))


def files_of(labels: Path) -> list[str]:
    """The file names of the table's first column; BadTable where it is none."""
    return _table(labels).to_series(0).drop_nulls().unique(maintain_order=True).to_list()


def keep(labels: Path, crystals: Mapping[str, Crystal], folder: Path) -> tuple[CsvWorld, list[str]]:
    """Write what can be used below `folder`; the world of it, and a reason for each row and column that cannot.

    crystals: file name as in the table -> its crystal; rows whose file is not there are left out, without a word.
    Raises BadTable where fewer than two properties have FEWEST different labels.
    """
    table = _table(labels)
    names, faults = [], []
    file = table.columns[0]
    columns: dict[str, list[float | None]] = {}
    for name in table.columns[1:]:
        told = table[name].str.strip_chars().replace("", None)
        numbers = told.cast(pl.Float64, strict=False)
        numbers = pl.select(pl.when(numbers.is_finite()).then(numbers)).to_series()
        bad = table.select(file, value=told).filter(told.is_not_null() & numbers.is_null())
        for one, value in bad.iter_rows():
            faults.append(f"{name} of {one} must be a finite number, found {value!r}: left out")
        columns[name] = numbers.to_list()
    frame = pl.DataFrame({"file": table[file], **columns}, schema_overrides=dict.fromkeys(columns, pl.Float64))
    repeated = frame.filter(pl.col("file").is_duplicated())["file"].unique(maintain_order=True)
    faults += [f"{one} stands in several rows: the first is taken" for one in repeated if one is not None]
    frame = frame.unique("file", keep="first", maintain_order=True).filter(pl.col("file").is_in(list(crystals)))
    formulas = [crystals[one].reduced_formula for one in frame["file"]]
    held = pl.Series([part(RULE, formula) == "test" for formula in formulas], dtype=pl.Boolean)
    for name in columns:
        known = frame[name].filter(~held).drop_nulls()
        if "+" in name or name.startswith("~"):
            faults.append(f"a property's name has no + in it and no ~ before it, found {name}: left out")
        elif len(known) < FEWEST:
            faults.append(f"{name} needs {FEWEST} labels or more beside those held back, found {len(known)}: left out")
        elif known.n_unique() < 2:
            faults.append(f"all {len(known)} labels of {name} are {known[0]:g}: left out")
        else:
            names.append(name)
    if len(names) < 2:
        raise BadTable("; ".join([*faults[-3:], f"a map needs two properties, {labels} has {len(names)} that can be"]))
    folder.mkdir(parents=True, exist_ok=True)
    rows = [crystals[one] for one in frame["file"]]
    cells = pl.DataFrame({
        "formula": formulas,
        "lattice": [c.lattice.ravel().tolist() for c in rows],
        "positions": [c.positions.ravel().tolist() for c in rows],
        "numbers": [c.numbers.tolist() for c in rows],
        "held": held,
    })  # fmt: skip
    written = pl.concat([frame.select("file", *names), cells], how="horizontal")
    content = hashlib.blake2b(written.write_ndjson().encode(), digest_size=8).hexdigest()
    written.write_parquet(folder / f"{content}.parquet")  # another table is another file: worlds tell them apart
    return CsvWorld(folder / f"{content}.parquet", tuple(names)), faults


def _table(labels: Path) -> pl.DataFrame:
    try:
        table = pl.read_csv(labels, infer_schema=False, comment_prefix="#")
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise BadTable(f"{labels} is no table: {fault}") from fault
    if table.width < 3:
        raise BadTable(f"{labels} needs a column of file names and two properties or more, found {table.width} columns")
    return table


@lru_cache(maxsize=64)
def _problem(world: CsvWorld, seed: int) -> Problem:
    return drawn(world.stock(), seed, world.labels, world.confirming)


@lru_cache(maxsize=2)
def _crystals(world: CsvWorld) -> tuple[pl.DataFrame, list[Crystal]]:
    frame = pl.read_parquet(world.file)
    if world.largest_cell:
        frame = frame.filter(pl.col("numbers").list.len() <= world.largest_cell)
    return frame, [
        Crystal(np.reshape(lattice, (3, 3)), np.reshape(positions, (-1, 3)), numbers)
        for lattice, positions, numbers in frame.select("lattice", "positions", "numbers").iter_rows()
    ]


@lru_cache(maxsize=2)
def _read(world: CsvWorld) -> Stock:
    frame, crystals = _crystals(world)
    targets = frame.select(pl.col(name).fill_null(float("nan")) for name in world.names).to_numpy()
    graphs = GatheredGraphs(crystals)
    at = graphs.rows([crystal.structure_hash for crystal in crystals])
    logs = tuple(_decades(column) >= DECADES for column in targets.T)
    return Stock(
        world.names, targets, logs, frame["formula"].to_numpy().astype(str), frame["held"].to_numpy(), graphs, at
    )


def _decades(column: np.ndarray) -> float:
    """Powers of ten that the middle nine tenths of labels span; 0 where one is not positive."""
    known = column[np.isfinite(column)]
    return float(np.ptp(np.log10(np.quantile(known, [0.05, 0.95])))) if len(known) and (known > 0).all() else 0.0
