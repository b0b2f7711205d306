"""One trial: a method trained with one seed, the chosen run scored on test, what it learnt about its tasks read out.

All runs are trained without the test rows; of the last stage's runs the one that validated best is asked for them,
once. While learning rates are chosen, nobody is.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace

from lake.store import Lake
from models.multitask.ground import Ground
from models.multitask.plan import TUNED, Trial
from models.recipe import Recipe
from models.run import Run
from models.sharing.structure import Structure
from models.study import finished, merit


@dataclass(frozen=True)
class Done:
    """last: the runs of the last stage, the chosen one first, and it alone with test errors.  before: earlier stages'.

    structures: of the chosen network, or where it tells none of the run that it came from.
    """

    trial: Trial
    last: list[Run]
    before: list[Run]
    structures: list[Structure]


def train_trial(ground: Ground, trial: Trial, until: float = float("inf")) -> Done | None:
    """Train it (a process's piece of work); None where it is too late to begin. until: seconds since the epoch.

    What is finished on these rows is read from its checkpoint, so that a trial that was killed goes on.
    """
    if time.time() > until:
        return None
    from lake.graphs.shards import GraphStore

    store = GraphStore(Lake(ground.root))
    folder = ground.folder(trial.labels)
    for source in trial.sources:
        _carry(ground, source, store, trial)
    runs = [[_run(ground, trial, recipe, store) for recipe in stage] for stage in trial.stages]
    before, last = [run for stage in runs[:-1] for run in stage], sorted(runs[-1], key=_merit)
    if trial.seed == TUNED:
        return Done(trial, last, before, [])
    from models.checkpoint import read

    networks = (read(folder / f"{run.recipe.slug}.safetensors").network() for run in (last[0], *before))
    told = next((found for network in networks if (found := _structures(network))), [])
    return Done(trial, [_tested(ground, trial, last[0], store), *last[1:]], before, told)


def _run(ground: Ground, trial: Trial, recipe: Recipe, store: object) -> Run:
    from models.fit import fit

    seen = ground.rows(recipe.tasks, trial.labels).without("test")
    licences, folder = ground.licences(recipe.tasks, trial.labels), ground.folder(trial.labels)
    there = finished(Lake(ground.root), recipe, seen, licences, folder)
    return there or fit(recipe, seen, store, folder, licences, ground.snapshot)


def _carry(ground: Ground, source: Trial, store: object, trial: Trial) -> None:
    """The checkpoint of a run begun with, in the folder of the run that begins; trained where it is nowhere."""
    run = _run(ground, source, source.recipe, store)
    if ground.folder(source.labels) != ground.folder(trial.labels):
        ground.folder(trial.labels).mkdir(parents=True, exist_ok=True)
        shutil.copy(run.checkpoint, ground.folder(trial.labels))


def _tested(ground: Ground, trial: Trial, run: Run, store: object) -> Run:
    from models.checkpoint import read
    from models.evaluate import score
    from models.metrics import mean_predictor_errors

    rows = ground.rows(trial.tasks, trial.labels)
    errors = score(read(run.checkpoint), rows, store, "test")
    floor = mean_predictor_errors(rows.targets[rows.of("train")], rows.targets[rows.of("test")])
    told = zip(rows.tasks, rows.labels("test").tolist(), floor, strict=True)
    return replace(run, scores={
        task: run.scores[task] | {"n_test": n, "mae_test": errors[task], "mae_mean_predictor": mean}
        for task, n, mean in told
    })  # fmt: skip


def _structures(network: object) -> list[Structure]:
    """What it learnt about its tasks; the state of one task's best has no say for all."""
    return network.structures() if hasattr(network, "structures") else []


def _merit(run: Run) -> float:
    return merit(run.scores[task]["mae_validation"] for task in run.recipe.tasks)
