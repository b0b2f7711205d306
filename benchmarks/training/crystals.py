"""The real crystals that training is measured on: a random part of the Materials Project's 2018 file."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.identity.real import DATA, MP
from lake.cif import crystal_from_cif
from lake.crystal import Crystal, CrystalError


def labelled_crystals(count: int, seed: int = 0) -> tuple[list[Crystal], np.ndarray]:
    """So many different rows with a band gap, in random order: crystals, and gaps in eV, (count,) float32."""
    rows = pl.scan_parquet(DATA / MP).select("cif", "band_gap").drop_nulls().collect()
    found: list[Crystal] = []
    gaps: list[float] = []
    for row in np.random.default_rng(seed).permutation(len(rows)):
        if len(found) == count:
            break
        text, gap = rows.row(int(row))
        try:
            found.append(crystal_from_cif(text).checked())
            gaps.append(gap)
        except CrystalError:
            continue
    return found, np.array(gaps, dtype=np.float32)
