"""Look-up: what a table of source labels says of test crystals, without any learning.

A crystal's value is the mean over its twins in the lake (`models/published/overlap.py`), told in the set's scale, and
where it has none, the median of the training rows. No offset is fitted: what is looked up is taken as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl

from benchmarks.learning.multitask.study import Study, of, overlap_of
from lake.graphs.gathered import GatheredGraphs
from lake.store import Lake
from models.dataset import TrainingRows, labels

SEED = "look-up"  # what stands in the log's column
Formula = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Rule:
    """columns: of the lake.  told: their values, in that order, in the scale of the set."""

    columns: tuple[str, ...]
    told: Formula = np.asarray


def poisson_ratio(bulk: np.ndarray, shear: np.ndarray) -> np.ndarray:
    """Of an isotropic solid."""
    return (3 * bulk - 2 * shear) / (6 * bulk + 2 * shear)


def _ln(value: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(value, np.finfo(float).tiny))


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        f"chang2022.{key}": rule
        for key, rule in {
            "expt_eform": Rule(("formation_energy_per_atom_mp2018",)),
            "jarvis_2d_eform": Rule(("formation_energy_per_atom_mp2018",)),
            "jarvis_2d_gap_opt": Rule(("band_gap",)),
            "jarvis_2d_gap_tbmbj": Rule(("band_gap",)),
            "jarvis_2d_dielectric_opt": Rule(("optical_dielectric_constant",)),
            "jarvis_2d_dielectric_tbmbj": Rule(("optical_dielectric_constant",)),
            "mp_elastic_anisotropy": Rule(("universal_anisotropy",)),
            "mp_eps_electronic": Rule(("optical_dielectric_constant",), _ln),
            "mp_eps_total": Rule(("static_dielectric_constant",), _ln),
            "mp_phonons": Rule(("last_phonon_dos_peak",), _ln),
            "mp_poisson_ratio": Rule(("bulk_modulus", "shear_modulus"), poisson_ratio),
            "mp_poly_electronic": Rule(("optical_dielectric_constant",)),
            "mp_poly_total": Rule(("static_dielectric_constant",)),
            "piezoelectric_tensor": Rule(("piezoelectric_modulus",), np.log1p),
        }.items()
    }
)  # of the exfoliation energy the lake has nothing that it could be looked up in


def found(study: Study, name: str) -> dict[str, float]:
    """entry_id -> what the lake's labels say, of the set's entries that they say something of."""
    rule = RULES.get(name)
    if rule is None:
        return {}
    lake, told = Lake(Path(study.lake)), overlap_of(study.overlap_folder).twins.filter(pl.col("set") == name)
    for column in rule.columns:
        values = labels(lake, column).select(twin="entry_id", **{column: pl.col("value").cast(pl.Float64)})
        told = told.join(values, on="twin")
    values = pl.Series("value", np.asarray(rule.told(*(told[column].to_numpy() for column in rule.columns))))
    means = told.with_columns(values).filter(pl.col("value").is_finite()).group_by("entry_id").agg(pl.mean("value"))
    return dict(means.select("entry_id", "value").iter_rows())


def told_of(rows: TrainingRows, values: Mapping[str, float]) -> tuple[np.ndarray, float]:
    """What is said of the test rows, and the share of them that values answer."""
    entries = rows.frame["entry_id"].gather(rows.of("test"))
    middle = float(np.median(rows.targets[rows.of("train"), 0]))
    return np.array([values.get(e, middle) for e in entries]), float(np.mean([e in values for e in entries]))


def share(study: Study, name: str, values: Mapping[str, float]) -> float:
    """Of test rows that the lake's labels answer, mean over splits."""
    return float(np.mean([told_of(rows, values)[1] for rows in of(study.data, name).splits[: study.splits]]))


def look_up(study: Study) -> None:
    """Score every set's test rows by looking them up, and write it down with the other looks under all labels."""
    for name in study.sets:
        values = found(study, name)
        if not values:
            continue
        for split, rows in enumerate(of(study.data, name).splits[: study.splits]):
            key = {
                "set": name, "split": split, "seed": SEED, "recipe": "+".join(RULES[name].columns),
                "data": rows.digest, "graphs": GatheredGraphs.version,
            }  # fmt: skip
            if not study.looks("all").stands(**key):
                study.looks("all").score(key, rows, told_of(rows, values)[0], study.command)
