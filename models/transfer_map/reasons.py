"""Reasons: what may explain a map that stands in the lake's tables, asked of the lake that it was made of.

Sizes and shared labels are told by the table itself. Where the lake knows the tasks, its training labels also tell how
they go together, and on which elements; a user's own tasks, which it does not, are explained without.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from lake.policies import default
from lake.store import Lake
from lake.tables import MATERIALS
from models.transfer_map.families import BETWEEN
from models.transfer_map.why import Explained, explained, features

OF_THE_LAKE = ("correlation", "element_cosine", "systems")


def reasons(lake: Lake, gains: pl.DataFrame) -> Explained:
    """What goes with gains over placebo between families. gains: rows of one study of `transfer_map`."""
    apart = gains.filter(pl.col("kind") == BETWEEN).drop_nulls("gain_placebo")
    known = of_the_table(apart)
    told = of_the_lake(lake, sorted({*apart["target"], *apart["source"]}))
    if told is not None:
        known = known.join(told, on=["target", "source"], how="left")
    return explained(known, apart)


def of_the_table(gains: pl.DataFrame) -> pl.DataFrame:
    """target, source, and the features that sizes and shared labels make up."""
    target, source, shared = (pl.col(name) for name in ("labels_target", "labels_source", "shared_labels"))
    sizes = [pl.max_horizontal(one, 1).log10() for one in (target, source)]
    return gains.select(
        "target",
        "source",
        jaccard=shared / pl.max_horizontal(target + source - shared, 1),
        more_labels=sizes[1] - sizes[0],
        log_labels_target=sizes[0],
    )


def of_the_lake(lake: Lake, names: list[str]) -> pl.DataFrame | None:
    """target, source and OF_THE_LAKE, of training labels; None where the lake lacks a task or its labels."""
    from models.dataset import training_rows
    from models.scale import Scaler

    if not names or not set(names) <= set(default().by_name):
        return None
    rows = training_rows(lake, names)
    kept = rows.of("train")
    targets = rows.targets[kept]
    if not np.isfinite(targets).any(axis=0).all():
        return None
    formulas = dict(lake.scan(MATERIALS).select("material_id", "reduced_formula").collect().iter_rows())
    elements = [re.findall(r"[A-Z][a-z]?", formulas[one]) for one in rows.frame["material_id"].gather(kept)]
    learnt = Scaler.fit(rows.tasks, targets).forward(targets)
    return features(rows.tasks, learnt, elements).select("target", "source", *OF_THE_LAKE)
