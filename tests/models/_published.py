"""Files as Chang 2022 published them, of thirty rock salts made up for a test."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from lake.crystal import SYMBOLS, Crystal
from models.published import PUBLISHED
from models.published.chang2022 import CRYSTALS, SPLITS
from tests.models._made import PAIRS, rock_salt


def made(folder: Path, name: str, broken: tuple[int, ...] = ()) -> Path:
    """Thirty crystals and five splits of one set; the value follows from the cell. broken: rows whose CIF is cut."""
    key, rows = PUBLISHED[name].key, []
    for row in range(30):
        length = 4.2 + 0.08 * ((row * 7) % 30)
        text = _cif(rock_salt(*PAIRS[row % 20], length))
        told = text[: len(text) // 3] if row in broken else text
        rows.append({"task": key, "row": row, "mp_id": None, "column": "e", "value": 8.0 - length, "cif": told})
    pl.DataFrame(rows, schema_overrides={"mp_id": pl.String}).write_parquet(folder / CRYSTALS)
    orders = [np.random.default_rng(split).permutation(30).tolist() for split in range(5)]
    splits = [{"train": o[:20], "val": o[20:25], "test": o[25:]} for o in orders]
    (folder / SPLITS).write_text(json.dumps({key: splits}))
    return folder


def _cif(crystal: Crystal) -> str:
    lengths = np.linalg.norm(crystal.lattice, axis=1)
    atoms = [
        f"{SYMBOLS[z]}{at} {SYMBOLS[z]} {' '.join(map(str, place))}"
        for at, (z, place) in enumerate(zip(crystal.numbers, crystal.positions, strict=True))
    ]
    cell = [f"_cell_length_{axis} {length}" for axis, length in zip("abc", lengths, strict=True)]
    cell += [f"_cell_angle_{angle} 60" for angle in ("alpha", "beta", "gamma")]
    loop = ["loop_", *(f"_atom_site_{field}" for field in ("label", "type_symbol", "fract_x", "fract_y", "fract_z"))]
    return "\n".join(["data_salt", "_symmetry_space_group_name_H-M 'P 1'", *cell, *loop, *atoms, ""])
