"""Rows -> Parquet: how the columns of a table are packed into its files. Which files make a table is the store's.

Two writers pack by the same rules: `write` is pyarrow, which writes text some three times as fast as Delta Lake's own
writer; `of_delta` is for what Delta Lake writes itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from deltalake import ColumnProperties, WriterProperties
from pyarrow.parquet import ParquetWriter

from lake.contract import Table

UNLIKE = frozenset({"entry_id", "material_id", "payload_sha256"})  # text that differs from row to row
HASHES = frozenset({"payload_sha256"})  # nobody asks for a range of them, and to squeeze them costs more than the rest


def write(path: Path, table: Table, frames: Sequence[pl.DataFrame]) -> None:
    """One file of these rows, in their order; each frame, which has some rows, is in row groups of its own."""
    words = {name for name, dtype in frames[0].schema.items() if dtype == pl.String and _constant(name, frames)}
    leaves = {name: f"{name}.list.element" if dtype == pl.List else name for name, dtype in frames[0].schema.items()}
    codec = _compression(table)
    how = {
        "compression": {leaf: "NONE" if name in HASHES else codec for name, leaf in leaves.items()},
        "use_dictionary": [leaf for name, leaf in leaves.items() if not _unlike(name, frames[0].schema[name])],
        "write_statistics": [leaf for name, leaf in leaves.items() if name not in HASHES],
        "store_schema": False,  # a reader is to find text, however it was handed over
    }
    with ParquetWriter(path, _handed(frames[0].head(1), words).schema, **how) as file:
        for frame in frames:
            file.write_table(_handed(frame, words), row_group_size=table.rows_per_group)


def of_delta(table: Table, schema: pl.Schema) -> WriterProperties:
    """The same for Delta Lake's own writer."""
    plain = [name for name, dtype in schema.items() if _unlike(name, dtype)]
    return WriterProperties(
        max_row_group_size=table.rows_per_group,
        compression=_compression(table),
        column_properties=dict.fromkeys(plain, ColumnProperties(dictionary_enabled=False)),
    )


def _compression(table: Table) -> str:
    return "SNAPPY" if table.open_ended else "ZSTD"  # the matrix is unpacked fastest of all


def _unlike(name: str, dtype: pl.DataType) -> bool:
    # begun and given up when it is full, a dictionary doubles the time of writing and leaves pages slow to read
    return dtype == pl.Float64 or name in UNLIKE


def _constant(name: str, frames: Iterable[pl.DataFrame]) -> bool:
    """Whether each frame says one word in that column, perhaps another than the next frame."""
    return all(not frame[name].null_count() and (frame[name] == frame[name][0]).all() for frame in frames)


def _handed(frame: pl.DataFrame, words: set[str]) -> pa.Table:
    """The frame for pyarrow. What is one word throughout is handed over as that word, not hashed row by row."""
    rest, places = frame.drop(words).to_arrow(), pa.array(np.zeros(len(frame), np.int32))
    said = {name: pa.DictionaryArray.from_arrays(places, pa.array([frame[name][0]])) for name in words}
    return pa.table({name: said[name] if name in words else rest[name] for name in frame.columns})
