"""A lake under every licence: what may go, what may not go commercially, and what may not go at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lake.disordered import DisorderedCrystal
from lake.matrix import write_matrix
from lake.shards import shard_of
from lake.store import Lake
from lake.tables import ENTRIES, MATERIALS, OBSERVATIONS, PREDICTIONS, TRANSFER
from tests.lake.small_lake import entry, rock_salt, zincblende
from tests.observed import observation

AFLOW = "see aflow.org (unverified)"
LICENCES = {
    "mp:1": "CC BY 4.0", "mp:2": "CC BY-NC 4.0", "aflow:1": AFLOW, "aflow:2": AFLOW, "oqmd:2": "CC BY 4.0",
    "aflow:3": AFLOW, "cod:4": "CC0-1.0", "folder:mine.cif": "not stated", "cod:6": "CC0-1.0",
}  # fmt: skip
NACL, ZNS = rock_salt("Na", "Cl", 5.64), zincblende("Zn", "S", 5.41)
ALLOY = DisorderedCrystal(np.eye(3) * 2.9, [[0, 0, 0], [0.5, 0.5, 0.5]], ("Fe0.5Ni0.4", "Al"))
CRYSTALS = {
    "mp:1": NACL, "aflow:1": NACL, "mp:2": rock_salt("K", "Cl", 6.29), "aflow:2": ZNS, "oqmd:2": ZNS,
    "aflow:3": rock_salt("Mg", "O", 4.21), "cod:4": zincblende("Ga", "As", 5.65),
    "folder:mine.cif": rock_salt("Ca", "O", 4.81), "cod:6": ALLOY,
}  # fmt: skip
# representative first: salt of two databases, one of BY-NC, one that AFLOW represents and OQMD tells, one of AFLOW
# alone, one of COD with an own label, one of one's own, a disordered one
MEMBERS = {
    "m-1": ["mp:1", "aflow:1"], "m-2": ["mp:2"], "m-3": ["aflow:2", "oqmd:2"], "m-4": ["aflow:3"], "m-5": ["cod:4"],
    "m-6": ["folder:mine.cif"], "m-7": ["cod:6"],
}  # fmt: skip
GAPS = {"mp:1": 5.0, "aflow:1": 5.1, "mp:2": 5.2, "aflow:2": 2.1, "oqmd:2": 2.0, "aflow:3": 4.5}


def material(name: str, members: list[str]) -> dict:
    told = CRYSTALS[members[0]]
    disordered = isinstance(told, DisorderedCrystal)
    sources = sorted({member.split(":")[0] for member in members})
    return {
        "material_id": name, "reduced_formula": told.reduced_formula, "shard": shard_of(told.reduced_formula),
        "kind": "disordered" if disordered else "bulk", "representative": members[0], "members": members,
        "sources": sources, "n_sources": len(sources), "space_group": None if disordered else "Fm-3m",
        "space_group_number": None if disordered else 225, "n_atoms": len(told), "bucket": "b",
    }  # fmt: skip


def prediction(entry_id: str, licences: list[str]) -> dict:
    return {
        "entry_id": entry_id, "material_id": "m-1", "property": "band_gap", "value": 4.9, "spread": 0.1, "unit": "eV",
        "origin": "predicted", "split": "test", "label": None, "study": "single", "licences": licences,
    }  # fmt: skip


def observations() -> list[dict]:
    rows = [observation(name, "band_gap", gap, licence=LICENCES[name]) for name, gap in GAPS.items()]
    rows.append(observation("mp:1", "band_gap", 7.0, level_of_theory="SCAN", reading="mp:gap.scan", correction=""))
    own = {"source": "labels", "origin": "measured", "level_of_theory": "experiment"}
    for entry_id, value, licence in (
        ("cod:4", 1.4, "private"),
        ("mp:1", 8.5, "CC BY 4.0"),
        ("mp:2", 8.4, "not stated"),
    ):
        told = {"reading": "labels:bench, 3", "reference": 'bench, "3"', "licence": licence, **own}
        rows.append(observation(entry_id, "band_gap_measured", value, **told))
    return rows


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Nine entries, seven materials, ten observations; two predictions; two gains."""
    lake = Lake(tmp_path_factory.mktemp("licensed"))
    rows = [entry(name, told) | {"licence": LICENCES[name]} for name, told in CRYSTALS.items()]
    lake.replace(ENTRIES, ENTRIES.frame(rows))
    lake.replace(MATERIALS, MATERIALS.frame([material(*told) for told in MEMBERS.items()]))
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame(observations()))
    write_matrix(lake)
    lake.replace(
        PREDICTIONS, PREDICTIONS.frame([prediction("mp:1", ["CC BY 4.0"]), prediction("cod:4", ["CC BY 4.0", AFLOW])])
    )
    gain = {"property": "band_gap", "partners": ["bulk_modulus"], "mae_single": 1.0, "mae_joint": 0.5, "gain": 0.5}
    transfer = [{**gain, "seed": 0, "licences": ["CC BY 4.0"]}, {**gain, "seed": 1, "licences": []}]
    lake.replace(TRANSFER, TRANSFER.frame(transfer))
    return lake


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out"
