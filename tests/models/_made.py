"""What the tests of models are made of: rock salts, and rows of a lake written by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from lake.crystal import Crystal
from lake.graphs.shards import write_graphs
from lake.shards import shard_of
from lake.store import Lake
from lake.tables import ENTRIES, MATERIALS, OBSERVATIONS, SPLITS
from tests import observed

PAIRS = [(a, b) for a in (3, 11, 19, 37, 12, 20, 38, 56) for b in (9, 17, 35, 53, 8, 16)]


def rock_salt(cation: int, anion: int, length: float) -> Crystal:
    """Primitive rock salt with the conventional cell length in A."""
    cell = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) * length / 2
    return Crystal(cell, [[0, 0, 0], [0.5, 0.5, 0.5]], [cation, anion])


def entry(name: str, crystal: Crystal, kind: str = "bulk") -> dict[str, object]:
    """A row of ENTRIES."""
    return {
        "entry_id": name, "source": name.split(":")[0], "source_id": name.split(":")[1], "kind": kind,
        "reduced_formula": crystal.reduced_formula, "shard": shard_of(crystal.reduced_formula), "year": None,
        "n_atoms": len(crystal), "volume": crystal.volume,
        "lattice": crystal.lattice.ravel().tolist(), "positions": crystal.positions.ravel().tolist(),
        "numbers": crystal.numbers.tolist(), "structure_hash": crystal.structure_hash, "level_of_theory": "PBE",
        "licence": "made for a test", "payload_sha256": "0", "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip


def observation(name: str, prop: str, value: float, level: str = "PBE", origin: str = "computed") -> dict[str, object]:
    """A row of OBSERVATIONS."""
    return observed.observation(name, prop, value, level_of_theory=level, origin=origin)


def material(name: str, members: list[str], formula: str = "NaCl") -> dict[str, object]:
    """A row of MATERIALS."""
    return {
        "material_id": name, "reduced_formula": formula, "kind": "bulk",
        "representative": members[0], "members": members,
        "sources": sorted({m.split(":")[0] for m in members}), "n_sources": 1, "space_group": None,
        "space_group_number": None, "n_atoms": 2, "shard": "00", "bucket": "b",
    }  # fmt: skip


def split(name: str, where: str, formula: str = "NaCl") -> dict[str, object]:
    """A row of SPLITS."""
    return {
        "material_id": name,
        "reduced_formula": formula,
        "scheme": "reduced_formula",
        "split": where,
        "rule": "test",
    }


def filled(root: object, entries: list, observations: list, materials: list, splits: list) -> Lake:
    """A lake with these rows and their graphs."""
    lake = Lake(root)
    for table, rows in ((ENTRIES, entries), (OBSERVATIONS, observations), (MATERIALS, materials), (SPLITS, splits)):
        lake.replace(table, table.frame(rows))
    write_graphs(lake)
    return lake
