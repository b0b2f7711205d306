"""What a table's contract is: columns, types, key, and the check of a frame against them. The tables: tables.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl


class ContractError(ValueError):
    """A frame that breaks its table's contract; the message names table, column and rule."""


@dataclass(frozen=True)
class Column:
    """One column: name, polars type, meaning, unit (pint spelling, None where there is none)."""

    name: str
    dtype: pl.DataType | type[pl.DataType]
    about: str
    unit: str | None = None
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the lake.

    layer: the folder it lives in (bronze, silver, gold, models).
    key: columns that together name a row; no two rows share them.
    partition_by: column whose partitions are replaced one by one.
    open_ended: whether float columns beyond the contract may stand behind it (the property matrix).
    rows_per_group: rows that a reader unpacks at once; few where one row may be large.
    """

    name: str
    layer: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: str | None = None
    open_ended: bool = False
    rows_per_group: int = 122_880  # DuckDB reads a group per thread; its own default size keeps all threads busy

    @property
    def schema(self) -> pl.Schema:
        """Column name -> polars type, in the contract's order."""
        return pl.Schema({c.name: c.dtype for c in self.columns})

    def empty(self) -> pl.DataFrame:
        """A frame without rows that fits the contract."""
        return pl.DataFrame(schema=self.schema)

    def frame(self, rows: list[Mapping[str, object]]) -> pl.DataFrame:
        """Rows as a checked frame of this table."""
        return self.checked(pl.DataFrame(rows, schema=self.schema, orient="row") if rows else self.empty())

    def checked(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame in contract order, or ContractError: missing, extra, mistyped or null columns, repeated keys."""
        return self.checked_together([frame])[0]

    def checked_together(self, frames: Iterable[pl.DataFrame]) -> list[pl.DataFrame]:
        """The same of several frames that are one table: no two of their rows share a key either."""
        fitting = [self._fitting(frame) for frame in frames]
        keys = [frame.select(self.key) for frame in fitting]
        # hashes are quickly told apart; where two are alike, rows are compared
        hashes = [key.hash_rows() for key in keys]
        if hashes and pl.concat(hashes).n_unique() < sum(map(len, keys)):
            every = pl.concat(keys)
            if len(repeated := every.filter(pl.struct(pl.all()).is_duplicated())):
                raise self._broken(f"key {self.key} must be unique, found twice: {repeated.row(0)}")
        return fitting

    def _fitting(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame in contract order, its columns checked; of keys nothing is known yet."""
        missing = [c for c in self.schema if c not in frame.columns]
        extra = [c for c in frame.columns if c not in self.schema]
        if missing or (extra and not self.open_ended):
            raise self._broken(f"columns must be {[*self.schema]}; missing {missing}, extra {extra}")
        frame = frame.select([*self.schema, *extra])
        for column in self.columns:
            if frame.schema[column.name] != column.dtype:
                raise self._broken(f"column {column.name} must be {column.dtype}, found {frame.schema[column.name]}")
            if not column.nullable and frame[column.name].null_count():
                raise self._broken(f"column {column.name} may not be null")
        for name in extra:
            if not frame.schema[name].is_float():
                raise self._broken(f"extra column {name} must be a float, found {frame.schema[name]}")
        return frame

    def _broken(self, rule: str) -> ContractError:
        return ContractError(f"table {self.name}: {rule}")
