"""Exports as matminer keeps its data sets: pandas' `split` JSON, gzipped, structures as pymatgen's dictionaries.

`pandas.read_json(file, orient="split")` reads it; matminer's `load_dataframe_from_json` makes Structures of it.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from lake.contract import Column
from lake.crystal import Crystal
from lake.disordered import DisorderedCrystal, shares_of
from lake.export.crystals import crystal_in
from lake.export.optimade import ROWS_AT_ONCE, TOLD_BY_OPTIMADE


def write_matminer(rows: pl.LazyFrame, columns: Sequence[Column], file: Path) -> None:
    """Rows with a crystal each, which becomes the column `structure`, written piece by piece."""
    kept = [column.name for column in columns if column.name not in TOLD_BY_OPTIMADE]
    n = 0
    with file.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
        stream.write(b'{"columns":' + orjson.dumps(["structure", *kept]) + b',"data":[')
        for batch in rows.collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True):
            for row in batch.iter_rows(named=True):
                told = [_structure(crystal_in(row)), *(row[name] for name in kept)]
                stream.write((b"," if n else b"") + orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY))
                n += 1
        stream.write(b'],"index":' + orjson.dumps(list(range(n))) + b"}")


def _structure(crystal: Crystal | DisorderedCrystal) -> dict[str, Any]:
    if isinstance(crystal, Crystal):
        return crystal.to_pymatgen().as_dict()
    from pymatgen.core import Structure

    return Structure(crystal.lattice, [shares_of(label) for label in crystal.species], crystal.positions).as_dict()
