"""Files: the benchmark as Parquet, for methods that are not written in this house.

What a method may see: crystals.parquet, labels.parquet. What it is scored by: tasks.parquet, truth.parquet,
clean.parquet. What made it: planted.json. All but the last are tables of one row per crystal, task or pair.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from lake.crystal import SYMBOLS, Crystal
from lake.graphs.gathered import GatheredGraphs
from models.planted.dials import VERSION, Dials
from models.planted.latents import NAMES
from models.planted.planted import Planted

CRYSTALS, LABELS, TASKS, TRUTH, CLEAN = (
    f"{name}.parquet" for name in ("crystals", "labels", "tasks", "truth", "clean")
)
MADE = "planted.json"


class OtherVersion(ValueError):
    """Files that another version of the benchmark wrote."""


def write(planted: Planted, folder: Path) -> None:
    """Write all six files; the same benchmark gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    number = pl.Series("crystal", np.arange(len(planted.crystals)))
    crystals = pl.DataFrame({
        "crystal": number,
        "formula": planted.groups,
        "prototype": planted.prototypes,
        "split": planted.split,
        "elements": [[SYMBOLS[z] for z in c.numbers] for c in planted.crystals],
        "lattice": pl.Series([c.lattice.ravel().tolist() for c in planted.crystals], dtype=pl.List(pl.Float64)),
        "positions": pl.Series([c.positions.ravel().tolist() for c in planted.crystals], dtype=pl.List(pl.Float64)),
    })  # fmt: skip
    labels = pl.DataFrame([number, *_columns(planted.names, planted.targets)]).fill_nan(None)
    factors = [f"white_{name}" for name in NAMES]
    clean = pl.DataFrame([number, *_columns(planted.names, planted.clean), *_columns(factors, planted.white)])
    tables = {CRYSTALS: crystals, LABELS: labels, CLEAN: clean, TASKS: planted.tasks, TRUTH: planted.truth}
    for name, table in tables.items():
        table.write_parquet(folder / name)
    made = {"version": VERSION, "digest": planted.dials.digest, "seed": planted.seed, "dials": asdict(planted.dials)}
    (folder / MADE).write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Planted:
    """What `write` wrote; OtherVersion where another version of the benchmark did."""
    made = json.loads((folder / MADE).read_text(encoding="utf-8"))
    if made["version"] != VERSION:
        raise OtherVersion(f"{folder} must be of version {VERSION}, found {made['version']}: write it again")
    dials = Dials(**made["dials"])
    rows = pl.read_parquet(folder / CRYSTALS)
    crystals = tuple(
        Crystal(lattice, positions, [SYMBOLS.index(symbol) for symbol in elements])
        for lattice, positions, elements in rows.select("lattice", "positions", "elements").iter_rows()
    )
    labels, clean = pl.read_parquet(folder / LABELS), pl.read_parquet(folder / CLEAN)
    return Planted(
        dials=dials,
        seed=made["seed"],
        names=dials.names,
        crystals=crystals,
        prototypes=rows["prototype"].to_numpy().astype(str),
        groups=rows["formula"].to_numpy().astype(str),
        split=rows["split"].to_numpy().astype(str),
        targets=labels.select(dials.names).fill_null(np.nan).to_numpy().astype(np.float32),
        clean=clean.select(dials.names).to_numpy(),
        white=clean.select(f"white_{name}" for name in NAMES).to_numpy(),
        tasks=pl.read_parquet(folder / TASKS),
        truth=pl.read_parquet(folder / TRUTH),
        graphs=GatheredGraphs(crystals),
    )


def _columns(names: list[str] | tuple[str, ...], table: np.ndarray) -> list[pl.Series]:
    return [pl.Series(name, np.ascontiguousarray(table[:, at])) for at, name in enumerate(names)]
