"""Made-up transfer maps for the tests of the report: gains of a simulation, judged as real ones are."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import polars as pl

from lake.store import Lake
from lake.tables.models import GROUPS, TRANSFER_MAP
from models.recipe import Recipe
from models.transfer_map.families import BETWEEN, WITHIN
from models.transfer_map.statistics.discoveries import discovered
from models.transfer_map.statistics.equivalence import judged
from models.transfer_map.statistics.intervals import estimated
from models.transfer_map.statistics.simulation import simulated

MADE_OF = {"code": "0123456789ab", "data": "0123456789abcdef", "snapshot": "2026-11-23-1", "licences": ["CC BY 4.0"]}
TASKS = {  # name -> family, training labels
    "band_gap": ("band_gap", 1500),
    "fermi_energy": ("fermi_energy", 1500),
    "energy_above_hull_mp2018": ("energy_above_hull", 1500),
    "bulk_modulus": ("bulk_modulus", 1200),
    "optical_dielectric_constant": ("optical_dielectric_constant", 650),
    "refractive_index": ("optical_dielectric_constant", 640),
}


def mapped(
    lake: Lake,
    kept: float | None = 1.0,
    tasks: dict[str, tuple[str, int]] = TASKS,
    study: str = "lake",
    seed: int = 0,
    spread: float = 0.25,
) -> Lake:
    """Write a map and its groups. kept: share of the tried claims that is confirmed; None: none was tried."""
    rng = np.random.default_rng([seed, *b"map"])
    truth = np.where(rng.random((len(tasks),) * 2) < spread, rng.choice([0.08, 0.15, -0.1], (len(tasks),) * 2), 0.0)
    names = sorted(tasks)
    called = {f"t{at:02d}": name for at, name in enumerate(names)}
    named = [pl.col(end).replace_strict(called) for end in ("target", "source")]
    gains = simulated(truth, 5, seed).with_columns(*named)
    gains = gains.with_columns(gain=pl.col("gain") + pl.Series(rng.normal(0.02, 0.03, len(gains))))
    raw = estimated(gains, "gain").select("target", "source", "low", "high", "gain")
    told = judged(discovered(estimated(gains))).rename(
        {"gain": "gain_placebo", "low": "low_placebo", "high": "high_placebo", "p_bh": "q", "p_by": "q_by"}
    )
    rows = told.join(raw, on=["target", "source"]).to_dicts()
    pairs = set(permutations(tasks, 2))
    rows = [_row(row, study, tasks) for row in rows if (row["target"], row["source"]) in pairs]
    claims = [row for row in rows if row["kind"] == BETWEEN and row["verdict"] in ("helps", "hurts")][:20]
    for at, row in enumerate(claims if kept is not None else []):
        held = at < kept * len(claims)
        gain = row["gain_placebo"] * (0.8 if held else 0.05)
        row |= {"claimed_n": 5, "confirmed_n": 10, "confirmed_gain": gain, "confirmed_low": gain - 0.03,
                "confirmed_high": gain + 0.03, "confirmed": held}  # fmt: skip
    lake.replace(TRANSFER_MAP, TRANSFER_MAP.frame(rows), study)
    lake.replace(GROUPS, GROUPS.frame(_groups(rows, study, names)), study)
    return lake


def _row(row: dict, study: str, tasks: dict[str, tuple[str, int]]) -> dict:
    (family, labels), (other, others) = tasks[row["target"]], tasks[row["source"]]
    told = dict.fromkeys(TRANSFER_MAP.schema) | {name: row[name] for name in TRANSFER_MAP.schema if name in row}
    return told | {
        "study": study, "estimator": "pairs", "kind": WITHIN if family == other else BETWEEN,
        "family_target": family, "family_source": other, "labels_target": labels, "labels_source": others,
        "shared_labels": min(labels, others) // 3, "gain_knowing": row["gain"] + 0.01,
        "width": 16, "steps": 1500, "graphs": "v2", **MADE_OF,
    }  # fmt: skip


def _groups(rows: list[dict], study: str, names: list[str]) -> list[dict]:
    half = len(names) // 2
    divided = [("exact", "", at, group) for at, group in enumerate((names[:half], names[half:-1], names[-1:]), 1)]
    divided += [("greedy", name, 1, [name, names[0]]) for name in names[1:]]
    found = []
    for method, target, number, group in divided:
        recipe = Recipe(tuple(group), sharing="hard" if len(group) > 1 else "single").to_json()
        for task in group:
            gain = sum(row["gain"] for row in rows if row["target"] == task and row["source"] in group)
            row = {"study": study, "method": method, "target": target, "group": number, "task": task, "gain": gain}
            found.append(row | {"recipe": recipe, **MADE_OF})
    return found
