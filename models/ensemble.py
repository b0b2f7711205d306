"""Ensemble: the networks of one property and study, one per seed, and what they say together.

Many ensembles speak of a batch of graphs at once, so that each graph is read once and not once per model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.checkpoint import Checkpoint
from models.conformal import digest
from models.losses import SMALLEST_LOG_SCALE

if TYPE_CHECKING:
    from lake.graphs.arrays import Graphs
    from lake.graphs.shards import GraphStore

CRYSTALS = 64  # per batch; a batch's edges then stay near the core
SAID = {
    "at": pl.Int64, "property": pl.String, "study": pl.String, "models": pl.String, "value": pl.Float64,
    "spread": pl.Float64, "told": pl.Float64, "apart": pl.Float64, "floor": pl.Float64, "distance": pl.Float64,
    "far": pl.Boolean, "foreign": pl.List(pl.Int64),
}  # fmt: skip


@dataclass(frozen=True)
class Ensemble:
    """The members of one property and study: each a place among the voices, and the task's place among its tasks."""

    property: str
    study: str
    members: tuple[tuple[int, int], ...]
    elements: frozenset[int]
    models: str
    floor: float | None


class Voices:
    """Checkpoints, loaded once. Their ensembles: one per property and study."""

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        self.checkpoints = tuple(checkpoints)
        self.networks = [checkpoint.network() for checkpoint in checkpoints]
        self.references = [checkpoint.reference() for checkpoint in checkpoints]
        self.ensembles = ensembles(checkpoints)

    def said(self, graphs: GraphStore | Graphs, rows: np.ndarray) -> pl.DataFrame:
        """What every ensemble says of each of these graphs; the columns of SAID, by graph, then by ensemble.

        at: the place in rows.  value, spread: mean and standard deviation over the seeds, in the property's unit.
        told: deviation that the networks tell of themselves (loss `laplace`), apart: standard deviation over the seeds;
        of logarithms where floor, in the property's unit, is not null.  distance: mean over the seeds (models/far.py),
        far where it is above one.  foreign: elements that training had not; then nothing else is said.
        """
        parts = [self._batch(graphs, rows[start : start + CRYSTALS], start) for start in range(0, len(rows), CRYSTALS)]
        return pl.concat([pl.DataFrame(schema=SAID), *parts])

    def _batch(self, graphs: GraphStore | Graphs, rows: np.ndarray, start: int) -> pl.DataFrame:
        from models.batch import Batch
        from models.network import device, told_of

        union = graphs.batch(rows)
        batch = Batch.of(union, device())
        heard = [told_of(network, batch) for network in self.networks]
        distances = [
            reference.distances(vectors) if reference else None
            for reference, (_, vectors) in zip(self.references, heard, strict=True)
        ]
        atoms = np.split(union.numbers, np.cumsum(union.counts)[:-1])
        elements = [frozenset(numbers.tolist()) for numbers in atoms]
        parts = [self._together(e, [told for told, _ in heard], distances, elements) for e in self.ensembles]
        return pl.concat(parts).with_columns(pl.col("at") + start).sort("at", maintain_order=True)

    def _together(
        self, ensemble: Ensemble, told: list[np.ndarray], distances: list, elements: list[frozenset[int]]
    ) -> pl.DataFrame:
        """One ensemble's rows of SAID."""
        values, inner, scales, far = [], [], [], []
        for voice, task in ensemble.members:
            scaler = self.checkpoints[voice].scaler
            value = scaler.inverse(told[voice][..., 0].reshape(-1, len(scaler.tasks)))[:, task]
            values.append(value)
            inner.append(value if ensemble.floor is None else np.log(np.maximum(value, ensemble.floor)))
            if told[voice].shape[-1] > 1:
                logs = np.clip(told[voice][:, task, 1].astype(np.float64), SMALLEST_LOG_SCALE, 10.0)
                scales.append(2 * (np.exp(logs) * scaler.deviation[task]) ** 2)  # a Laplace distribution's variance
            if distances[voice] is not None:
                far.append(distances[voice])
        foreign = [sorted(found - ensemble.elements) for found in elements]
        known = np.array([not symbols for symbols in foreign])
        whole = len(ensemble.members)
        distance = np.mean(far, axis=0, dtype=np.float64) if far else np.full(len(known), np.nan)
        columns = {
            "value": np.mean(values, axis=0),
            "spread": _deviation(values),
            "told": np.sqrt(np.mean(scales, axis=0)) if len(scales) == whole else np.full(len(known), np.nan),
            "apart": _deviation(inner),
            "distance": distance,
        }
        silent = {name: np.where(known, column, np.nan) for name, column in columns.items()}
        return (
            pl.DataFrame(silent)
            .with_columns(pl.all().fill_nan(None))
            .with_columns(
                at=pl.int_range(pl.len(), dtype=pl.Int64),
                property=pl.lit(ensemble.property),
                study=pl.lit(ensemble.study),
                models=pl.lit(ensemble.models),
                floor=pl.lit(ensemble.floor, pl.Float64),
                foreign=pl.Series(foreign, dtype=pl.List(pl.Int64)),
            )
            .with_columns(far=pl.when(pl.col("foreign").list.len() > 0).then(True).otherwise(pl.col("distance") > 1))
            .select(pl.col(name).cast(dtype) for name, dtype in SAID.items())
        )


def ensembles(checkpoints: Sequence[Checkpoint]) -> list[Ensemble]:
    """The ensembles of these checkpoints, in the order in which their properties first come."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for voice, checkpoint in enumerate(checkpoints):
        for task, name in enumerate(checkpoint.recipe.tasks):
            found.setdefault((name, checkpoint.recipe.study), []).append((voice, task))
    return [_ensemble(name, study, members, checkpoints) for (name, study), members in found.items()]


def _ensemble(name: str, study: str, members: list[tuple[int, int]], checkpoints: Sequence[Checkpoint]) -> Ensemble:
    mine = [checkpoints[voice] for voice, _ in members]
    floors = [checkpoints[voice].scaler.floor[task] for voice, task in members]
    floor = None if None in floors else max(floors)
    elements = frozenset.intersection(*(frozenset(one.elements) for one in mine))
    models = digest([(one.recipe.slug, one.run.data) for one in mine])
    return Ensemble(name, study, tuple(members), elements, models, floor)


def _deviation(seeds: list[np.ndarray]) -> np.ndarray:
    """Standard deviation over the seeds; zero where there is one."""
    return np.std(seeds, axis=0, ddof=1) if len(seeds) > 1 else np.zeros(len(seeds[0]))
