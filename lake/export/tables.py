"""Exports as tables: Parquet as the lake has them, or CSV with lists as JSON and the units in a second file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from lake.contract import Column

ROWS_PER_GROUP = 65_536


def write_parquet(rows: pl.LazyFrame, columns: Sequence[Column], file: Path) -> None:
    """The rows as one Parquet file, written piece by piece."""
    rows.sink_parquet(file, row_group_size=ROWS_PER_GROUP, maintain_order=True)


def write_csv(rows: pl.LazyFrame, columns: Sequence[Column], file: Path) -> None:
    """The rows as CSV: null is empty, an empty text is `""`, a list is JSON. What columns mean: `write_meanings`."""
    lists = [column for column in columns if isinstance(column.dtype, pl.List)]
    rows.with_columns(_json(column) for column in lists).sink_csv(file, maintain_order=True)


def write_meanings(told: Sequence[tuple[str, Sequence[Column]]], file: Path) -> None:
    """`columns.csv`: file, column, type, unit and meaning of every column of these files."""
    with file.open("w", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["file", "column", "type", "unit", "meaning"])
        for name, columns in told:
            rows.writerows([name, c.name, type_words(c.dtype), c.unit or "", c.about] for c in columns)


def type_words(dtype: pl.DataType | type[pl.DataType]) -> str:
    """A column's type for people: text, number, whole number, yes or no, time, list of ..."""
    if isinstance(dtype, pl.List):
        return f"list of {type_words(dtype.inner)}s"
    names = {pl.String: "text", pl.Float64: "number", pl.Int64: "whole number", pl.Boolean: "flag", pl.Datetime: "time"}
    return names[dtype.base_type()]


def _json(column: Column) -> pl.Expr:
    """A list as JSON: the shortest digits that read back as the same numbers."""
    text, each = pl.col(column.name), pl.element().cast(pl.String)
    if column.dtype.inner == pl.String:
        each = '"' + each.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True) + '"'
    return ("[" + text.list.eval(each).list.join(",") + "]").alias(column.name)
