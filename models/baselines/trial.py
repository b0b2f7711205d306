"""Trial: one baseline, one property, one seed. What decides it, how it is run, and its figures as a Run's.

A trial is fitted on training rows alone, in an order that only the entries' names decide; validation and test rows are
predicted and never shown. Values are transformed as networks' are (`models/scale.py`).
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from models.baselines import baseline_named
from models.dataset import TrainingRows
from models.metrics import mean_absolute_errors, mean_predictor_errors
from models.run import Run
from models.scale import Scaler

HELD_OUT = ("validation", "test")


@dataclass(frozen=True)
class Trial:
    """Everything that decides a baseline's run, except the data. Books are kept of it as of a Recipe.

    method: a name in `models/baselines`.  task, seed, limit: as in Recipe.  trees: of a forest; others have none.
    """

    method: str
    task: str
    seed: int = 0
    trees: int = 100
    limit: int | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        """Its one task."""
        return (self.task,)

    @property
    def digest(self) -> str:
        """Eight hex digits of everything in the trial."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:8]

    def to_json(self) -> str:
        """The trial as JSON, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True)


def tried(trial: Trial, rows: TrainingRows, features: np.ndarray) -> tuple[Run, np.ndarray]:
    """The figures of a trial on rows of one task, and its predictions (n,), NaN on training rows.

    features: (n, F), what the method makes of the rows' structures. Raises TaskError for what cannot be learnt, and
    ValueError where a row has no features.
    """
    began = time.perf_counter()
    rows.checked()
    if not np.isfinite(features).all():
        lost = int((~np.isfinite(features).all(axis=1)).sum())
        raise ValueError(f"{trial.method} must know every structure, found {lost} of {len(rows)} without features")
    predicted = predictions(trial, rows, features)
    errors = {
        name: mean_absolute_errors(predicted[rows.of(name), None], rows.targets[rows.of(name)]) for name in HELD_OUT
    }
    floor = mean_predictor_errors(rows.targets[rows.of("train")], rows.targets[rows.of("test")])
    scores = {f"n_{split}": int(rows.labels(split)[0]) for split in ("train", *HELD_OUT)}
    scores |= {f"mae_{name}": errors[name][0] for name in HELD_OUT} | {"mae_mean_predictor": floor[0]}
    run = Run(trial, {trial.task: scores}, [], Path(), time.perf_counter() - began, rows.digest)
    return run, predicted


def predictions(trial: Trial, rows: TrainingRows, features: np.ndarray) -> np.ndarray:
    """What the trial says of validation and test rows, (n,) in the property's unit; NaN on training rows."""
    method = baseline_named(trial.method, trial.seed, trial.trees)
    names = rows.frame["entry_id"].to_numpy()
    train = rows.of("train")
    train = train[np.isfinite(rows.targets[train, 0])]
    train = train[np.argsort(names[train])]
    scaler = Scaler.fit(rows.tasks, rows.targets[train], method.transform)
    method.fit(features[train], scaler.forward(rows.targets[train])[:, 0])
    predicted = np.full(len(rows), np.nan)
    held = np.concatenate([rows.of(name) for name in HELD_OUT])
    predicted[held] = scaler.inverse(np.asarray(method.predict(features[held]))[:, None])[:, 0]
    return predicted
