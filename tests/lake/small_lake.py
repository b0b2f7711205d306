"""Small lakes made by hand, for the tests of what stands on entries and records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import numpy as np
import polars as pl
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.groups import SpaceGroup

from lake.crystal import Crystal
from lake.disordered import DisorderedCrystal
from lake.shards import shard_of
from lake.store import Lake
from lake.tables import ENTRIES, RECORDS

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def held(group: str) -> SpaceGroup:
    """pymatgen finds a group again while somebody holds it, and else works out Fm-3m anew for half a second."""
    return SpaceGroup(group)


def crystal(group: str, lattice: Lattice, species: list[str], places: list[list[float]]) -> Crystal:
    held(group)
    return Crystal.from_pymatgen(Structure.from_spacegroup(group, lattice, species, places))


def zincblende(a: str, b: str, edge: float) -> Crystal:
    return crystal("F-43m", Lattice.cubic(edge), [a, b], [[0, 0, 0], [0.25, 0.25, 0.25]])


def wurtzite(a: str, b: str, edge: float) -> Crystal:
    lattice = Lattice.hexagonal(edge, edge * np.sqrt(8 / 3))
    return crystal("P6_3mc", lattice, [a, b], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.375]])


def rock_salt(a: str, b: str, edge: float) -> Crystal:
    return crystal("Fm-3m", Lattice.cubic(edge), [a, b], [[0, 0, 0], [0.5, 0.5, 0.5]])


def half_heusler(a: str, b: str, c: str, edge: float) -> Crystal:
    """c in the middle of the cube of eight, a and b around it."""
    places = [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]]
    return crystal("F-43m", Lattice.cubic(edge), [a, b, c], places)


def polytype(stacking: str, a: str = "Si", b: str = "C", edge: float = 3.08) -> Crystal:
    """Close-packed double layers in the order of the letters: AB is 2H, ABC 3C, ABCB 4H, ABCACB 6H."""
    layers, layer = len(stacking), edge * np.sqrt(2 / 3)
    corner = {"A": (0, 0), "B": (1 / 3, 2 / 3), "C": (2 / 3, 1 / 3)}
    heavy = [[*corner[letter], n / layers] for n, letter in enumerate(stacking)]
    light = [[*corner[letter], (n + 0.75) / layers] for n, letter in enumerate(stacking)]
    lattice = Lattice.hexagonal(edge, layers * layer)
    return Crystal.from_pymatgen(Structure(lattice, [a] * layers + [b] * layers, heavy + light))


def entry(
    entry_id: str, told: Crystal | DisorderedCrystal, kind: str = "bulk", level: str = "PBE", payload: str = "{}"
) -> dict:
    """A row of ENTRIES."""
    source, source_id = entry_id.split(":", 1)
    disordered = isinstance(told, DisorderedCrystal)
    return {
        "entry_id": entry_id, "source": source, "source_id": source_id, "kind": "disordered" if disordered else kind,
        "reduced_formula": told.reduced_formula, "shard": shard_of(told.reduced_formula),
        "n_atoms": len(told), "volume": told.volume, "year": None,
        "lattice": told.lattice.ravel().tolist(), "positions": told.positions.ravel().tolist(),
        "numbers": told.numbers.tolist(), "species": list(told.species) if disordered else None,
        "structure_hash": told.structure_hash, "level_of_theory": level,
        "licence": "CC0", "payload_sha256": hashlib.sha256(payload.encode()).hexdigest(), "fetched_at": NOW,
    }  # fmt: skip


def entries(*rows: dict) -> pl.DataFrame:
    return ENTRIES.frame(list(rows))


def fill(lake: Lake, told: Mapping[str, tuple[Crystal, Mapping[str, object]]], **how: str) -> None:
    """Write records and entries: entry_id -> (crystal, fields of its record)."""
    rows, records = [], []
    for entry_id, (structure, fields) in told.items():
        payload = json.dumps(fields)
        rows.append(entry(entry_id, structure, payload=payload, **how))
        records.append(record(entry_id, payload))
    lake.append(RECORDS, RECORDS.frame(records))
    for source in {row["source"] for row in rows}:
        lake.replace(ENTRIES, entries(*(row for row in rows if row["source"] == source)), source)


def record(entry_id: str, payload: str, crawl: str = "c1", route: str = "") -> dict:
    """A row of RECORDS."""
    source, source_id = entry_id.split(":", 1)
    return {
        "source": source, "source_id": source_id, "route": route, "stamp": "", "gone": False,
        "payload_sha256": hashlib.sha256(payload.encode()).hexdigest(),
        "crawl": crawl, "page": "p1", "media_type": "application/json", "payload": payload, "fetched_at": NOW,
    }  # fmt: skip


def fields_of(source: str, payload: str) -> Mapping[str, object]:
    """What every source of these lakes serves: JSON."""
    return json.loads(payload)
