"""Features: vectors that others made of the lake's crystals, for instance by a frozen foundation model, as a table.

A file is Parquet with a column `structure_hash` or `entry_id`, and either one column `vector` of lists or a column for
each number. `crystal-lake features` checks it and keeps it in the lake's folder `features/`; from there the table is
made, again after each crawl, so that what was unknown finds its structure once it comes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from lake.store import Lake
from lake.tables import ENTRIES, FEATURES

KEYS = ("structure_hash", "entry_id")
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


class BadFeatures(ValueError):
    """A file that cannot be imported: the message says the rule and what was found."""


@dataclass(frozen=True)
class Imported:
    """What became of a file: structures that have a vector now, rows of which the lake knows no structure, length."""

    structures: int
    unknown: int
    length: int


def add_features(lake: Lake, file: Path, name: str, licence: str) -> Imported:
    """Check the file, keep it under this name and make its part of the table; one of that name is replaced.

    Raises BadFeatures for a file or a name that cannot be used; then nothing is changed.
    """
    if not NAME.fullmatch(name):
        raise BadFeatures(f"a name must be small letters, digits, `_`, `.` and `-`, found {name!r}")
    told = read_features(file)
    rows, unknown = _joined(lake, told, name, licence)
    if not len(rows):
        raise BadFeatures(f"{file.name}: none of its {len(told):,} rows is of a structure of this lake")
    there = folder_of(lake) / f"{name}.parquet"
    there.parent.mkdir(parents=True, exist_ok=True)
    half = there.with_suffix(".half")
    told.with_columns(licence=pl.lit(licence)).write_parquet(half)
    half.replace(there)
    lake.replace(FEATURES, rows, name)
    return Imported(len(rows), unknown, len(told["vector"][0]))


def write_features(lake: Lake) -> dict[str, int]:
    """Make FEATURES anew of the files in the lake's folder; structures by name."""
    parts = []
    for file in sorted(folder_of(lake).glob("*.parquet")):
        told = pl.read_parquet(file)
        parts.append(_joined(lake, told.drop("licence"), file.stem, told["licence"][0])[0])
    lake.replace(FEATURES, pl.concat([FEATURES.empty(), *parts]))
    return {part["model"][0]: len(part) for part in parts if len(part)}


def folder_of(lake: Lake) -> Path:
    """Where the files are kept."""
    return lake.root / "features"


def read_features(file: Path) -> pl.DataFrame:
    """A key of KEYS and `vector` (lists of Float64, equally long, finite), one row each; else BadFeatures."""
    try:
        frame = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadFeatures(f"{file.name} must be a Parquet file: {error}") from error
    key = next((name for name in KEYS if name in frame.columns), None)
    if key is None or not len(frame):
        raise BadFeatures(
            f"{file.name} needs rows with a column {' or '.join(KEYS)}, found {len(frame)} rows of {frame.columns}"
        )
    told = frame.select(
        pl.col(key).cast(pl.String), vector=_vectors(frame.drop([k for k in KEYS if k in frame.columns]), file.name)
    )
    if told[key].null_count() or told[key].is_duplicated().any():
        twice = told.filter(pl.col(key).is_duplicated())[key]
        raise BadFeatures(
            f"{file.name}: every {key} must be there once, found {twice[0] if len(twice) else None} "
            f"{(told[key] == twice[0]).sum() if len(twice) else told[key].null_count()} times"
        )
    lengths = told["vector"].list.len().unique().to_list()
    if len(lengths) != 1 or not lengths[0]:
        raise BadFeatures(f"{file.name}: vectors must be equally long, found lengths {sorted(map(str, lengths))}")
    finite = np.isfinite(told["vector"].explode().fill_null(float("nan")).to_numpy()).reshape(len(told), -1).all(axis=1)
    if not finite.all():
        first = told[key][int(np.argmin(finite))]
        raise BadFeatures(
            f"{file.name}: numbers must be finite, found NaN, infinity or nothing in {(~finite).sum()} rows, "
            f"first {first}"
        )
    return told


def _vectors(frame: pl.DataFrame, file: str) -> pl.Expr | pl.Series:
    """The column of lists, or the numeric columns together."""
    if "vector" in frame.columns:
        return frame["vector"].cast(pl.List(pl.Float64))
    wrong = [name for name, kind in frame.schema.items() if not kind.is_numeric()]
    if wrong or not frame.columns:
        raise BadFeatures(f"{file}: beside the key there must be `vector` or numbers alone, found {wrong or 'nothing'}")
    return pl.Series(
        "vector", frame.cast(pl.Float64).fill_null(float("nan")).to_numpy().tolist(), dtype=pl.List(pl.Float64)
    )


def _joined(lake: Lake, told: pl.DataFrame, name: str, licence: str) -> tuple[pl.DataFrame, int]:
    """The rows of FEATURES, and how many rows have no structure in this lake."""
    key = told.columns[0]
    known = lake.scan(ENTRIES).select("structure_hash", "entry_id").collect()
    if key == "structure_hash":
        known = known.select("structure_hash").unique()
    found = told.join(known, on=key, how="inner")
    each = found.select("structure_hash", "vector").unique(maintain_order=True)
    if each["structure_hash"].is_duplicated().any():
        twice = each.filter(pl.col("structure_hash").is_duplicated())["structure_hash"][0]
        names = found.filter(pl.col("structure_hash") == twice)["entry_id"].to_list()
        raise BadFeatures(f"one structure must have one vector, found different ones of {', '.join(names)}")
    rows = each.with_columns(model=pl.lit(name), licence=pl.lit(licence)).select(FEATURES.schema.names())
    return FEATURES.checked(rows.sort("structure_hash")), len(told) - len(found)
