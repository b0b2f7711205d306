"""Small made-up lakes for the tests of figures, screen and report: every number is written here by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from lake.compositions import write_compositions
from lake.disagreement import write_disagreement
from lake.shards import shard_of
from lake.store import Lake
from lake.tables import (
    CALIBRATION,
    CANDIDATES,
    ENTRIES,
    GRID,
    LEARNT_STRUCTURE,
    MATERIALS,
    MULTITASK,
    OBSERVATIONS,
    PREDICTIONS,
    PROPERTY_MATRIX,
    REJECTS,
    RUNS,
    TRANSFER,
)
from models.grid.sizes import SIZES, recipe
from models.screen import candidates
from tests.observed import observation

# formula, space group, sources, measured gap, computed gap, predicted gap, measured kappa, AGL kappa, predicted kappa
CRYSTALS = (
    ("C", "Fd-3m", ["mp", "aflow", "oqmd"], 5.47, 4.1, None, 2000.0, 92.0, 80.0),
    ("BN", "F-43m", ["mp", "aflow"], 6.4, 4.5, None, 750.0, 85.0, 70.0),
    ("BeO", "P6_3mc", ["mp", "aflow"], None, 7.5, None, 330.0, 60.0, None),
    ("BAs", "F-43m", ["mp"], None, 1.2, None, 1300.0, None, 55.0),
    ("AlN", "P6_3mc", ["mp", "oqmd"], None, None, 4.0, 285.0, None, 50.0),
    ("SiC", "F-43m", ["aflow", "oqmd"], 2.36, 1.4, None, 490.0, 66.0, None),
    ("UO2", "Fm-3m", ["cod"], None, 2.0, None, None, None, 9.0),
    ("NaCl", "Fm-3m", ["mp", "aflow", "cod", "oqmd"], 8.5, 5.0, None, 6.5, 4.0, None),
    ("GaSb", "F-43m", ["mp"], 0.73, 1.5, None, 33.0, 21.0, None),  # measured gap below the floor, computed above
    ("Cu", "Fm-3m", ["mp", "cod"], None, 0.0, None, 401.0, 300.0, None),  # a metal
    ("MgO", "Fm-3m", ["mp"], 7.8, 4.5, None, 60.0, None, None),  # measured only: not on the scale
)


def ground(root: Path) -> Lake:
    """A lake with entries, rejects, materials, observations and the property matrix, and no model yet."""
    lake = Lake(root)
    materials = MATERIALS.frame([_material(*c[:3]) for c in CRYSTALS])
    lake.replace(MATERIALS, materials)
    lake.replace(ENTRIES, ENTRIES.frame([_entry(c[0], source) for c in CRYSTALS for source in c[2]] + [_slab()]))
    lake.replace(REJECTS, REJECTS.frame(_rejects()))
    write_compositions(lake)
    keys = materials.select(pl.lit("default").alias("policy"), *PROPERTY_MATRIX.schema.names()[1:])
    places = {"band_gap_measured": 3, "band_gap": 4, "thermal_conductivity_measured": 6, "thermal_conductivity_agl": 7}
    columns = [pl.Series(name, [c[place] for c in CRYSTALS], dtype=pl.Float64) for name, place in places.items()]
    lake.replace(PROPERTY_MATRIX, keys.with_columns(columns))
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame(_observations()))
    write_disagreement(lake)
    return lake


def learnt(root: Path) -> Lake:
    """The same lake with predictions, runs, transfer, candidates and the grid of one property."""
    lake = ground(root)
    lake.replace(PREDICTIONS, PREDICTIONS.frame(_predictions()))
    lake.replace(RUNS, RUNS.frame(_runs()))
    lake.replace(CALIBRATION, CALIBRATION.frame([_calibration("band_gap", 0.913), _calibration("bulk_modulus", None)]))
    lake.replace(TRANSFER, TRANSFER.frame(_transfer()))
    lake.replace(CANDIDATES, candidates(lake))
    lake.replace(GRID, GRID.frame(_grid()))
    lake.replace(MULTITASK, MULTITASK.frame(_multitask()))
    lake.replace(LEARNT_STRUCTURE, LEARNT_STRUCTURE.frame(_structures()))
    return lake


def _material(formula: str, group: str, sources: list[str]) -> dict:
    members = [f"{source}:{formula}" for source in sources]
    return {
        "material_id": f"m-{formula}", "reduced_formula": formula, "kind": "bulk",
        "representative": members[0], "members": members,
        "sources": sources, "n_sources": len(sources), "space_group": group, "space_group_number": None, "n_atoms": 2,
        "shard": shard_of(formula), "bucket": "b",
    }  # fmt: skip


def _entry(formula: str, source: str, kind: str = "bulk") -> dict:
    return {
        "entry_id": f"{source}:{formula}", "source": source, "source_id": formula, "kind": kind,
        "reduced_formula": formula, "shard": shard_of(formula), "year": None,
        "n_atoms": 2, "volume": 20.0, "lattice": [3.0, 0, 0, 0, 3, 0, 0, 0, 3],
        "positions": [0.0] * 6, "numbers": [6, 6], "structure_hash": f"h-{source}-{formula}",
        "level_of_theory": "experiment" if source == "cod" else "PBE",
        "licence": "CC0" if source == "cod" else "CC BY 4.0", "payload_sha256": "0" * 64,
        "fetched_at": datetime(2026, 11, 22, tzinfo=UTC),
    }  # fmt: skip


def _slab() -> dict:
    return _entry("CuCO", "ocp", "slab+adsorbate")


def _rejects() -> list[dict]:
    why = ("volume must be positive, found -3.1; see its record", "volume must be positive, found -8; see its record")
    rows = [{"entry_id": f"cod:{i}", "stage": "entries.cod", "source": "cod", "reason": r} for i, r in enumerate(why)]
    bad = "bulk_modulus must lie in 0..700 GPa, found <b>-665</b>"
    rows.append({"entry_id": "mp:x", "stage": "observations.bulk_modulus", "source": "mp", "reason": bad})
    return [row | {"payload_sha256": None} for row in rows]


def _observations() -> list[dict]:
    rows = []
    for formula, _, sources, _, gap, *_ in CRYSTALS:
        for place, source in enumerate(s for s in sources if s != "cod" and gap):
            value = gap * (1 + 0.1 * place)
            rows.append(observation(f"{source}:{formula}", "band_gap", value))
    return rows


def _multitask() -> list[dict]:
    """Hard sharing that gains on one property and loses on another, from three seeds; few labels gain more."""
    same = {
        "partners": [], "learning_rate": 1e-3, "steps": 10, "batch_size": 32, "n_validation": 5, "n_test": 5,
        "mae_validation": 1.0, "mae_test": 1.0, "mae_mean_predictor": 2.0, "seconds": 1.0, "seconds_beside": 0.0,
        "recipe": "{}", "data": "0", "snapshot": "", "licences": ["CC0"], "unit": "eV",
    }  # fmt: skip
    told = (("band_gap", 0, 0.2), ("bulk_modulus", 0, -0.1), ("bulk_modulus", 10, 0.4))
    return [
        same | {"method": "hard", "property": name, "seed": seed, "labels": few, "n_train": few or 40,
                "gain": gain + 0.01 * seed}
        for name, few, gain in told for seed in range(3)
    ]  # fmt: skip


def _structures() -> list[dict]:
    tasks = ("band_gap", "bulk_modulus")
    return [
        {"method": "vmtl", "seed": seed, "name": "mixing of features", "row": row, "column": column, "row_at": i,
         "column_at": j, "value": None if i == j else 1.0, "about": "made", "licences": ["CC0"]}
        for seed in range(2) for i, row in enumerate(tasks) for j, column in enumerate(tasks)
    ]  # fmt: skip


def _grid() -> list[dict]:
    """All sizes of the band gap's grid, deeper ones worse, and two finalists that three fresh seeds tell apart."""
    runs = [(size, 0, 0.4 + 0.01 * at) for at, size in enumerate(SIZES)]
    runs += [(size, seed, 0.4 + 0.1 * at + 0.001 * seed) for at, size in enumerate(SIZES[:2]) for seed in (1, 2, 3)]
    return [
        {
            "property": "band_gap", "mode": "full", **size._asdict(), "seed": seed, "state": "finished", "unit": "eV",
            "n_train": 60, "n_validation": 20, "n_test": 20, "mae_validation": error, "mae_test": error + 0.05,
            "mae_mean_predictor": 1.0, "rungs": [], "epochs": 3, "seconds": 36.0, "graphs": "v", "data": "d",
            "recipe": recipe("band_gap", size, seed, "sample").to_json(), "snapshot": "", "licences": ["CC BY 4.0"],
        }
        for size, seed, error in runs
    ]  # fmt: skip


def _prediction(formula: str, source: str, name: str, unit: str, value: float, label: float | None, split: str) -> dict:
    return {
        "entry_id": f"{source}:{formula}", "material_id": f"m-{formula}", "property": name, "value": value,
        "spread": 0.1, "unit": unit, "origin": "predicted", "split": split, "label": label, "study": "single",
        "licences": ["CC BY 4.0"],
    }  # fmt: skip


def _predictions() -> list[dict]:
    rows = []
    for place, (formula, _, sources, _, gap, guess, _, agl, heat) in enumerate(CRYSTALS):
        split = ("test", "train")[place % 2]
        if gap is not None or guess is not None:
            rows.append(_prediction(formula, sources[0], "band_gap", "eV", guess or gap * 0.9, gap, split))
        if heat is not None:
            rows.append(_prediction(formula, sources[0], "thermal_conductivity_agl", "W/m/K", heat, agl, split))
    return rows


def _calibration(name: str, coverage: float | None) -> dict:
    known = coverage is not None
    return {
        "property": name, "study": "single", "models": "m", "level": 0.9, "n": 120 if known else 7,
        "quantile": 2.5 if known else None, "typical": 0.4, "n_test": 115, "coverage": coverage,
        "band_low": 0.82 if known else None, "band_high": 0.97 if known else None, "width": 1.8 if known else None,
        "far": 0.012, "licences": ["CC BY 4.0"],
    }  # fmt: skip


def _runs() -> list[dict]:
    rows = []
    for study, shift in (("single", 0.0), ("joint", 0.03)):
        for name, unit, mae, mean in (("band_gap", "eV", 0.42, 1.31), ("thermal_conductivity_agl", "W/m/K", 7.1, 6.5)):
            for seed in range(3):
                rows.append({
                    "run": f"{study}-{name}-{seed}", "study": study, "property": name, "unit": unit, "seed": seed,
                    "recipe": json.dumps({"study": study, "task": name, "seed": seed}), "n_train": 7, "n_validation": 2,
                    "n_test": 5, "mae_validation": mae + shift, "mae_test": mae + shift + 0.01 * seed,
                    "mae_mean_predictor": mean, "epochs": 10, "seconds": 1.0, "checkpoint": "x.safetensors",
                    "licences": ["CC BY 4.0"], "snapshot": "",
                })  # fmt: skip
    return rows


def _transfer() -> list[dict]:
    told = {
        "band_gap": (-0.07, -0.08, -0.09),
        "bulk_modulus": (0.10, 0.12, 0.11),
        "magnetization_per_atom": (0.2, -0.2, 0.05),
    }
    return [
        {"property": name, "partners": [p for p in told if p != name], "seed": seed, "mae_single": 1.0,
         "mae_joint": 1.0 - gain, "gain": gain, "licences": ["CC BY 4.0"]}
        for name, values in told.items() for seed, gain in enumerate(values)
    ]  # fmt: skip
