"""The real structures that graphs are measured on: a random part of the Materials Project's 2018 file."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.identity.real import DATA, MP
from lake.cif import crystal_from_cif
from lake.crystal import Crystal, CrystalError


def random_crystals(count: int, seed: int = 0) -> list[Crystal]:
    """So many different rows that are crystals, in random order; FileNotFoundError without the file."""
    texts = pl.scan_parquet(DATA / MP).select("cif").collect()["cif"]
    found: list[Crystal] = []
    for row in np.random.default_rng(seed).permutation(len(texts)):
        if len(found) == count:
            break
        try:
            found.append(crystal_from_cif(texts[int(row)]).checked())
        except CrystalError:
            continue
    return found
