"""Full: what is missing of the comparison is trained, wave by wave; what is in the books is not trained again.

Where the hours are over no trial is begun any more, and the next call goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from lake.spoken import duration
from models.multitask.books import Books
from models.multitask.cost import cost, pace
from models.multitask.ground import Ground
from models.multitask.plan import Trial
from models.multitask.study import Study
from models.multitask.trial import Done, train_trial
from models.pool import cores, spread
from models.run import Run


@dataclass(frozen=True)
class How:
    """How trials are made and who hears of it.

    processes: None for one per core.  hours: after so many no trial is begun.  tell: hears every run, with the version
    of its graphs.  say: a line of progress.
    """

    processes: int | None = None
    hours: float = float("inf")
    tell: Callable[[Run, str], None] = lambda run, graphs: None
    say: Callable[[str], None] = lambda words: None


def train(ground: Ground, books: Books, how: How = How(), asked: Sequence[str] = ()) -> bool:
    """Train what the books lack, wave by wave; False where the hours were over before all was done.

    Raises TaskError before any training where the lake has fewer than two of the tasks.
    """
    study, until = Study(ground, books, asked), time.time() + 3600 * how.hours
    processes = how.processes or cores()
    for number in range(len(list(study.waves()))):
        study.refresh()
        wave = list(study.waves())[number]
        todo = [trial for trial in wave if not study.finished(trial)]
        costs = {trial: cost(trial) for trial in todo}
        scale, left = pace(books.runs.rows()), dict(costs)

        def keep(done: Done | None, left: dict[Trial, float] = left, scale: float = scale) -> None:
            if done is None:
                return
            books.add(ground, done)
            for run in (*done.before, *done.last):
                how.tell(run, ground.graphs)
            left.pop(done.trial)
            time_left = duration(sum(left.values()) * scale / processes)
            how.say(f"{done.trial.words}: done; {len(left)} of this wave left, about {time_left}")

        longest_first = sorted(todo, key=lambda trial: -costs[trial])
        spread(train_trial, [(ground.bare(), trial, until) for trial in longest_first], "multitask", processes, keep)
        if left:
            return False
    return True


def trials(study: Study) -> list[Trial]:
    """All trials of the study as far as is known, each once; the dearest ones where it is not."""
    return list(dict.fromkeys(trial for wave in study.waves(guess=True) for trial in wave))


def left(study: Study, processes: int | None = None) -> pl.DataFrame:
    """What a call of `train` would train: a row per method and one for all, with hours of cores and the time.

    The time comes from the ledger's own seconds of each method; without any, from what was measured once.
    """
    processes, known = processes or cores(), study.books.runs.rows()
    rows = []
    for name in study.asked:
        mine = [trial for trial in trials(study) if trial.method == name]
        todo = [trial for trial in mine if not study.finished(trial)]
        seconds = sum(map(cost, todo)) * pace(known, name)
        rows.append({"method": name, "done": len(mine) - len(todo), "left": len(todo), "seconds": seconds})
    every = {"method": "all", **{key: sum(row[key] for row in rows) for key in ("done", "left", "seconds")}}
    return pl.DataFrame([*rows, every]).select(
        "method", "done", "left", core_hours=(pl.col("seconds") / 3600).round(2), processes=pl.lit(processes),
        time=(pl.col("seconds") / processes).map_elements(duration, return_dtype=pl.String),
    )  # fmt: skip
