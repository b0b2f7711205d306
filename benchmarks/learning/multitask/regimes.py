"""Regimes: which labels of the lake may teach, given that some of its crystals are tested elsewhere.

`all`        (a) every label.
`underived`  (b) of crystals that stand in a published set, no label from which that set's target follows, or nearly.
`unseen`     (c) of crystals that stand in any published set, no label at all.

A crystal stands in a set where structure says so, or the publisher's own id (`models/published/overlap.py`), so also
the bulk crystal from which a sheet was peeled. (b) and (c) are stricter than they must be: a crystal counts whatever
split of whatever set tests it, and where it only trains there, too. So one pre-training serves all sets and splits.
Other polymorphs of the same formula are not left out, in any regime.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.learning.multitask.follows import columns
from models.dataset import TrainingRows
from models.published.overlap import Overlap

REGIMES = ("all", "underived", "unseen")
CHOICE = "unseen"  # under which recipes are chosen: one that lives on leaks must not win by them
LETTERS = dict(zip(REGIMES, "abc", strict=True))


def taught(rows: TrainingRows, overlap: Overlap, regime: str) -> TrainingRows:
    """The rows of the lake that may teach under a regime; what has no label left is no row."""
    if regime == "all":
        return rows
    twins = overlap.twins
    if regime == "unseen":
        return _kept(rows, ~rows.frame["entry_id"].is_in(twins["twin"].implode()).to_numpy(), rows.targets)
    targets, entries = rows.targets.copy(), rows.frame["entry_id"]
    for (name,), members in twins.group_by("set"):
        here = np.flatnonzero(entries.is_in(members["twin"].implode()).to_numpy())
        for task, column in enumerate(rows.tasks):
            if column in columns(str(name)):
                targets[here, task] = np.nan
    return _kept(rows, np.isfinite(targets).any(axis=1), targets)


def _kept(rows: TrainingRows, kept: np.ndarray, targets: np.ndarray) -> TrainingRows:
    where = np.flatnonzero(kept)
    return replace(rows, frame=rows.frame[where], targets=targets[where])
