"""Exports as OPTIMADE JSON lines: what `optimade[server]` loads, and `crystal-lake crawl folder` reads back.

The lake's own values stand in provider fields, `_crystal_lake_<column>`, null where there is none. Beside the data
stands the configuration with which the reference server serves these fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from lake.contract import Column
from lake.crystal import SYMBOLS, Crystal
from lake.disordered import DisorderedCrystal, shares_of
from lake.export.crystals import crystal_in

PREFIX = "crystal_lake"
API_VERSION = "1.2.0"
HEADER = {"x-optimade": {"meta": {"api_version": API_VERSION}}}
TYPES = {pl.String: "string", pl.Float64: "float", pl.Int64: "integer", pl.Boolean: "boolean", pl.Datetime: "timestamp"}
ROWS_AT_ONCE = 2_000
TOLD_BY_OPTIMADE = frozenset({"lattice", "positions", "numbers", "species", "fetched_at"})
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def write_optimade(rows: pl.LazyFrame, columns: Sequence[Column], key: str, file: Path) -> None:
    """Rows with a crystal each, as JSON lines. key: the column that becomes the id."""
    own = [column for column in columns if column.name != key and column.name not in TOLD_BY_OPTIMADE]
    with file.open("wb") as stream:
        for line in (HEADER, {"type": "info", "id": "structures", "properties": _described(own)}):
            stream.write(orjson.dumps(line) + b"\n")
        for row in _each(rows):
            stream.write(orjson.dumps(_structure(row, key, own), option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")


def server_settings(columns: Sequence[Column], key: str, data: str) -> dict[str, Any]:
    """What `optimade[server]` needs to serve the file: OPTIMADE_CONFIG_FILE names it."""
    own = [column for column in columns if column.name != key and column.name not in TOLD_BY_OPTIMADE]
    fields = [
        {"name": name, "type": told["type"], "unit": told["unit"], "description": told["description"]}
        for name, told in _described(own).items()
    ]
    return {
        "insert_test_data": False,
        "insert_from_jsonl": data,
        "provider": {"name": "Crystal Lake", "description": "an export", "prefix": PREFIX, "homepage": None},
        "provider_fields": {"structures": fields},
    }


def _each(rows: pl.LazyFrame) -> Iterator[dict[str, Any]]:
    for batch in rows.collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True):
        yield from batch.iter_rows(named=True)


def _described(columns: Sequence[Column]) -> dict[str, dict[str, Any]]:
    return {
        f"_{PREFIX}_{column.name}": {
            "description": column.about,
            "unit": column.unit,
            "type": "list" if isinstance(column.dtype, pl.List) else TYPES[column.dtype.base_type()],
        }
        for column in columns
    }


def _structure(row: Mapping[str, Any], key: str, own: Sequence[Column]) -> dict[str, Any]:
    crystal = crystal_in(row)
    changed = row.get("crystal_fetched_at") or row["fetched_at"]
    values = {f"_{PREFIX}_{column.name}": row[column.name] for column in own}
    return {
        "id": row[key],
        "type": "structures",
        "attributes": {
            **_told(crystal),
            # the reference server compares dates written so, and passes over any other in silence
            "last_modified": {"$date": changed.strftime("%Y-%m-%dT%H:%M:%SZ")},
            **values,
        },
        "relationships": {},
    }


def _told(crystal: Crystal | DisorderedCrystal) -> dict[str, Any]:
    """OPTIMADE's own properties of a crystal."""
    counts = dict(sorted(crystal.counts.items()))
    atoms = sum(counts.values())
    disordered = isinstance(crystal, DisorderedCrystal)
    labels = list(crystal.species) if disordered else [SYMBOLS[z] for z in crystal.numbers]
    formula, anonymous = (None, None) if disordered else _formulas(counts)
    return {
        "elements": list(counts),
        "nelements": len(counts),
        "elements_ratios": [n / atoms for n in counts.values()],
        "chemical_formula_reduced": formula,
        "chemical_formula_descriptive": formula or crystal.reduced_formula,
        "chemical_formula_anonymous": anonymous,
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "lattice_vectors": crystal.lattice,
        "cartesian_site_positions": np.ascontiguousarray(crystal.positions @ crystal.lattice),
        "nsites": len(crystal),
        "species": [_species(label) for label in dict.fromkeys(labels)],
        "species_at_sites": labels,
        "structure_features": ["disorder"] if disordered else [],
    }


def _species(label: str) -> dict[str, Any]:
    shares = shares_of(label)
    empty = round(1 - sum(shares.values()), 2)
    if empty > 0:
        shares = {**shares, "vacancy": empty}
    return {"name": label, "chemical_symbols": list(shares), "concentration": list(shares.values())}


def _formulas(counts: Mapping[str, int]) -> tuple[str, str]:
    """Reduced formula in alphabetical order, and the anonymous one: `O2Si`, `A2B`."""
    units = reduce(gcd, counts.values())
    amounts = sorted((n // units for n in counts.values()), reverse=True)
    reduced = "".join(f"{symbol}{_amount(n // units)}" for symbol, n in counts.items())
    return reduced, "".join(f"{letter}{_amount(n)}" for letter, n in zip(_letters(len(amounts)), amounts, strict=True))


def _letters(n: int) -> list[str]:
    """A to Z, then Aa to Az, Ba to Bz, ..."""
    beyond = [f"{first}{second.lower()}" for first in LETTERS for second in LETTERS]
    return [*LETTERS, *beyond][:n]


def _amount(n: int) -> str:
    return str(n) if n > 1 else ""
