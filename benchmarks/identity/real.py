"""The real structures that identity is measured on: three files together, one row per structure.

`$CRYSTAL_LAKE_REAL_DATA`, or `../shared/data`. Rows that tell exactly the same id twice stay two structures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import polars as pl

from lake.cif import crystal_from_cif
from lake.crystal import Crystal, CrystalError

DATA = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA") or "../shared/data")
MP, AFLOW, CROSS = "mp2018_multi_property.parquet", "aflow_ael_agl.parquet", "cross_source_samples.parquet"


class Told(NamedTuple):
    """One structure of one database. name: database and id there (`#2` where the id is repeated)."""

    name: str
    source: str
    formula: str
    crystal: Crystal


def real_structures(files: tuple[str, ...] = (MP, AFLOW, CROSS), every: int = 1) -> list[Told]:
    """Every n-th structure of these files that is a crystal, in their order; FileNotFoundError without the files."""
    texts = pl.concat([_texts(file) for file in files]).gather_every(every)
    times: dict[str, int] = {}
    told = []
    for source, name, cif in texts.iter_rows():
        try:
            crystal = crystal_from_cif(cif).checked()
        except CrystalError:
            continue
        times[name] = times.get(name, 0) + 1
        unique = name if times[name] == 1 else f"{name}#{times[name]}"
        told.append(Told(unique, source, crystal.reduced_formula, crystal))
    return told


def _texts(file: str) -> pl.DataFrame:
    """source, name, cif of each row."""
    told = pl.scan_parquet(DATA / file)
    if file == MP:
        told = told.select(source=pl.lit("mp"), name="mp:" + pl.col("mp_id"), cif="cif")
    elif file == AFLOW:
        told = told.with_row_index("row").select(
            source=pl.lit("aflow"), name="aflow:" + pl.col("row").cast(pl.String), cif="cif"
        )
    else:
        told = told.select("source", name="cross-" + pl.col("source") + ":" + pl.col("id"), cif="cif")
    return told.collect()
