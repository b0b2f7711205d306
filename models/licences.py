"""Licences of what was made by learning: those of every structure and label that went into it. No torch here.

What they allow together: `lake.licences.strictest`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from lake.store import Lake
from lake.tables import ENTRIES, MATERIALS, MATRIX_PROVENANCE, OBSERVATIONS, PREDICTIONS
from models.dataset import TrainingRows, labels

TOGETHER = pl.col("licences").explode().drop_nulls().unique().sort()  # of a group's lists of licences


def learnt_from(lake: Lake, rows: TrainingRows) -> tuple[str, ...]:
    """Licences of these rows, of any split: a run's figures tell of them all. Sorted, each once."""
    found = set(of_structures(lake, rows.frame["entry_id"])["licence"])
    for name, column in zip(rows.tasks, rows.targets.T, strict=True):
        labelled = rows.frame["entry_id"].filter(pl.Series(np.isfinite(column), dtype=pl.Boolean))
        told = of_labels(lake, name).filter(pl.col("entry_id").is_in(labelled.implode()))
        found |= set(told["licences"].explode())
    return tuple(sorted(found))


def of_structures(lake: Lake, entry_ids: pl.Series) -> pl.DataFrame:
    """entry_id, licence of these entries."""
    asked = pl.col("entry_id").is_in(entry_ids.implode())
    return lake.scan(ENTRIES).filter(asked).select("entry_id", "licence").collect()


def of_labels(lake: Lake, name: str) -> pl.DataFrame:
    """entry_id, property, licences of the labels that learning takes of a property.

    They are the licences of the observations that have the label's value; where none has it, because a rule made it of
    several, of all the entry's observations of the property.
    """
    spoken = lake.scan(OBSERVATIONS).filter(pl.col("property") == name)
    told = spoken.select("entry_id", "licence", told="value").collect()
    alike = pl.col("told") == pl.col("value")
    licences = pl.col("licence").filter(alike | ~alike.any()).unique().sort()
    each = labels(lake, name).select("entry_id", "property", "value").join(told, on="entry_id")
    return each.group_by("entry_id", "property").agg(licences=licences)


def of_models(runs: pl.DataFrame) -> pl.DataFrame:
    """property, study, licences of the models in these rows of RUNS."""
    return runs.group_by("property", "study").agg(licences=TOGETHER)


def of_predictions(lake: Lake, said: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """What was said (entry_id, property, study, ...) with `licences`: of the models, the structure and the label."""
    known = pl.concat([of_labels(lake, name) for name in said["property"].unique()])
    structures = of_structures(lake, said["entry_id"].unique())
    return (
        said.join(of_models(runs), on=["property", "study"], how="left", maintain_order="left")
        .join(structures, on="entry_id", how="left", maintain_order="left")
        .join(known, on=["entry_id", "property"], how="left", maintain_order="left", suffix="_of_label")
        .with_columns(licences=_union("licences", pl.concat_list("licence"), "licences_of_label"))
        .drop("licence", "licences_of_label")
    )


def of_candidates(lake: Lake, found: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Materials (material_id, ...) with `licences`: of their entries, cells and predictions of these properties."""
    asked, ids = pl.col("property").is_in(names), found["material_id"]
    mine = pl.col("material_id").is_in(ids.implode())
    members = lake.scan(MATERIALS).filter(mine).select("material_id", entry_id="members").explode("entry_id").collect()
    structures = members.join(of_structures(lake, members["entry_id"]), on="entry_id")
    cells = lake.scan(MATRIX_PROVENANCE).filter(asked, mine).select("material_id", "property").unique()
    values = lake.scan(OBSERVATIONS).filter(asked).select("entry_id", "property", "licence").collect()
    observed = cells.collect().join(members, on="material_id").join(values, on=["entry_id", "property"])
    predicted = lake.scan(PREDICTIONS).filter(asked, mine).select("material_id", licence="licences").collect()
    parts = (structures, observed, predicted.explode("licence"))
    told = pl.concat([part.select("material_id", "licence") for part in parts]).group_by("material_id")
    licences = told.agg(licences=pl.col("licence").drop_nulls().unique().sort())
    return found.join(licences, on="material_id", how="left", maintain_order="left").with_columns(
        pl.col("licences").fill_null(pl.lit([], pl.List(pl.String)))
    )


def _union(*columns: str | pl.Expr) -> pl.Expr:
    lists = [pl.col(column) if isinstance(column, str) else column for column in columns]
    return pl.concat_list(part.fill_null(pl.lit([], pl.List(pl.String))) for part in lists).list.unique().list.sort()
