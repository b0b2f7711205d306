"""Company: small sets that learn together, so that a test crystal of one teaches nothing in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from models.dataset import TrainingRows
from models.published.chang2022 import ReadSet
from models.published.overlap import Overlap
from models.task import in_order

ENTRY, HASH, VALUE = "entry_id", "structure_hash", "value"


def together(rows: TrainingRows, others: Sequence[ReadSet], overlap: Overlap) -> TrainingRows:
    """The rows of one split of a set, and all rows of the others, in training, whose crystals it does not score.

    So validation and test rows are the set's own. A crystal of several others is one row with several labels.
    Whatever the others' own splits say: what is left out is each crystal that is validated or tested here,
    by structure or by the publisher's id.
    """
    if not others:
        return rows
    tasks = in_order((*rows.tasks, *(read.name for read in others)))
    scored = rows.frame.filter(pl.col("split") != "train")[ENTRY]
    hidden = overlap.crystals(scored)
    ids = rows.frame.filter(pl.col("split") != "train")["material_id"]
    crystal = overlap.frame.select(ENTRY, "crystal")
    told = pl.concat([read.frame.with_columns(task=pl.lit(read.name)) for read in others])
    told = told.join(crystal, on=ENTRY)
    told = told.filter(~pl.col("crystal").is_in(list(hidden)), ~pl.col("material_id").is_in(ids.implode()))
    wide = told.pivot("task", index=HASH, values=VALUE, aggregate_function="mean")
    named = told.sort(ENTRY).unique(HASH, keep="first", maintain_order=True).select(ENTRY, HASH, "material_id")
    theirs = named.join(wide, on=HASH).with_columns(split=pl.lit("train"))
    mine = rows.frame.with_columns(pl.Series(rows.tasks[0], rows.targets[:, 0].astype(np.float64)))
    frame = pl.concat([mine, theirs], how="diagonal").sort(ENTRY)
    missing = [pl.lit(None, pl.Float64).alias(task) for task in tasks if task not in frame.columns]
    frame = frame.with_columns(missing)
    targets = frame.select(pl.col(tasks).cast(pl.Float32).fill_null(float("nan"))).to_numpy()
    return replace(rows, tasks=tasks, frame=frame.drop(tasks), targets=np.ascontiguousarray(targets))
