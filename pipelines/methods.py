"""Methods outside the UI: one network of one's own by any way of sharing, and the study that compares them all."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from lake.progress import QUIET
from lake.store import Lake

if TYPE_CHECKING:
    from models.run import Run


def train_method(root: Path, sharing: str, tasks: Sequence[str], **how: object) -> tuple["Run", pl.DataFrame]:
    """Train one method and write its runs into MLflow's books. The chosen run, and its errors: a row per property.

    how: what `models.train` takes besides. Raises RecipeError for unknown names, TaskError for what cannot be learnt.
    """
    from lake.snapshots import take
    from models import train
    from models.results import told_of
    from pipelines.tracking import MlflowTracker

    lake = Lake(root)
    runs, tracker = train(lake, sharing, tasks, snapshot=take(lake), **how), MlflowTracker(root)
    for run in runs:
        tracker.log(run)
    return runs[0], told_of(runs[0])


def compare(
    root: Path, asked: Sequence[str], budget: str, hours: float, processes: int | None
) -> tuple[pl.DataFrame, bool]:
    """Train what the study lacks of these methods; the gains, and whether all is trained."""
    from assets.multitask import books
    from lake.snapshots import take
    from lake.sql import publish
    from models.multitask.full import How
    from models.multitask.gains import gains
    from models.multitask.table import ground_of, write_multitask
    from pipelines.tracking import MlflowTracker

    lake = Lake(root)
    how = How(processes, hours, books(MlflowTracker(root)), say)
    ended = write_multitask(ground_of(lake, budget, take(lake)), asked, how)
    publish(lake)
    return gains(lake), ended


def forecast(root: Path, asked: Sequence[str], budget: str, processes: int | None) -> pl.DataFrame:
    """What `compare` would train, and how long it takes: a row per method."""
    from models.multitask.books import Books
    from models.multitask.full import left
    from models.multitask.study import Study
    from models.multitask.table import ground_of

    lake = Lake(root)
    return left(Study(ground_of(lake, budget), Books.of(lake), asked), processes)


def say(words: str) -> None:
    """A line of progress on standard error, unless it is muted."""
    if not os.environ.get(QUIET):
        print(words, file=sys.stderr, flush=True)
