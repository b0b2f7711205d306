"""Planted: the benchmark itself, crystals with tasks whose relatedness is known because it was put there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lake.crystal import Crystal
from lake.graphs.gathered import GatheredGraphs
from models.planted import labels, latents, structures
from models.planted.dials import Dials
from models.planted.menu import Task, expected, tasks

if TYPE_CHECKING:
    from models.transfer_map.problem import Problem

TASKS = {
    "task": pl.String, "kind": pl.String, "group": pl.String, "copy_of": pl.String, "bend": pl.String,
    "n_train": pl.Int64, "loading": pl.Array(pl.Float64, 8),
}  # fmt: skip
TRUTH = {
    "target": pl.String, "source": pl.String, "cosine": pl.Float64, "correlation": pl.Float64,
    "kind_target": pl.String, "kind_source": pl.String, "expected": pl.String,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Planted:
    """n crystals and T tasks.

    names: (T,) of the tasks.  crystals: (n,).  prototypes, groups, split: (n,) str; groups are reduced formulas, and
    split is "train", "validation" or "test".  targets: (n, T) float32, NaN where nothing has been measured.
    clean: (n, T) float64, without noise, everywhere.  white: (n, 8) float64, the latents that tasks are made of.
    tasks: one row per task, what it is.  truth: one row per ordered pair, what is true of it by design.
    graphs: the lake's graphs of the crystals.
    """

    dials: Dials
    seed: int
    names: tuple[str, ...]
    crystals: tuple[Crystal, ...]
    prototypes: np.ndarray
    groups: np.ndarray
    split: np.ndarray
    targets: np.ndarray
    clean: np.ndarray
    white: np.ndarray
    tasks: pl.DataFrame
    truth: pl.DataFrame
    graphs: GatheredGraphs

    def problem(self) -> Problem:
        """What is learnt from: all that a method may see."""
        from models.transfer_map.problem import Problem

        return Problem(
            names=self.names,
            targets=self.targets,
            split=self.split,
            graphs=self.graphs,
            at=self.graphs.rows([crystal.structure_hash for crystal in self.crystals]),
            groups=self.groups,
        )


def planted(dials: Dials | None = None, seed: int = 0) -> Planted:
    """The benchmark of these dials (those of the scored one where None) and this seed, the same bytes each time.

    ValueError where there are too few crystals for the labels.
    """
    dials = dials or Dials()
    crystals, prototypes, groups, white, graphs = _population(dials.crystals, dials.largest, seed)
    parts, menu = labels.split(groups, seed), tasks(dials, seed)
    clean, noisy = labels.values(menu, white, labels.gate(prototypes, seed), parts, dials, seed)
    known = labels.labelled(noisy, parts, dials, seed)
    targets = np.where(known, noisy, np.nan).astype(np.float32)
    told, truth = _tasks(menu, dials), _truth(menu, clean)
    return Planted(
        dials, seed, dials.names, crystals, prototypes, groups, parts, targets, clean, white, told, truth, graphs
    )


@lru_cache(maxsize=2)
def _population(
    count: int, largest: int, seed: int
) -> tuple[tuple[Crystal, ...], np.ndarray, np.ndarray, np.ndarray, GatheredGraphs]:
    """Crystals, prototypes, groups, white latents and graphs: kept, since a curve turns the dials of the labels."""
    made = structures.crystals(count, largest, seed)
    crystals = tuple(crystal for crystal, _ in made)
    prototypes = np.array([prototype for _, prototype in made])
    groups = np.array([crystal.reduced_formula for crystal in crystals])
    graphs = GatheredGraphs(crystals)  # no two crystals are equal, so each has the graph of its number
    raw = latents.latents(crystals, graphs.graphs)
    white = latents.Whitening.of(raw)(raw)
    for shared in (prototypes, groups, white):
        shared.setflags(write=False)
    return crystals, prototypes, groups, white, graphs


def _tasks(menu: tuple[Task, ...], dials: Dials) -> pl.DataFrame:
    """Groups are those a method should find: a task that nothing helps is a group of its own."""
    rows = [
        (
            task.name, task.item.kind, task.item.group if task.item.kind != "gated" and task.item.group else task.name,
            task.copy_of, task.item.bend if dials.nonlinear else "straight", n, task.loading.tolist(),
        )
        for task, n in zip(menu, dials.training_labels(), strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=TASKS, orient="row")


def _truth(menu: tuple[Task, ...], clean: np.ndarray) -> pl.DataFrame:
    deviation = clean.std(axis=0)
    standard = (clean - clean.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    correlations = standard.T @ standard / len(clean)
    rows = [
        (
            target.name, source.name, float(target.loading @ source.loading), float(correlations[i, j]),
            target.item.kind, source.item.kind, expected(target, source),
        )
        for i, target in enumerate(menu) for j, source in enumerate(menu) if i != j
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=TRUTH, orient="row")
