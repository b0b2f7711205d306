"""Study: the trials in waves, each waiting for what the one before it chose, and what the books already have of them.

First every method's learning rate by the seed TUNED, single tasks before those that begin with them; then the seeds
that are compared; then the low-data curve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from models.multitask.books import LAST, Books
from models.multitask.cost import cost
from models.multitask.ground import Ground
from models.multitask.plan import BIG, HARD, LOW, SINGLE, TUNED, Trial, methods
from models.study import merit


class Study:
    """What is to be trained and what is, of one ground and its books."""

    def __init__(self, ground: Ground, books: Books, asked: Sequence[str] = ()) -> None:
        """asked: methods; all whose files are there where none are named. `single` is always among them."""
        there = methods()
        self.ground, self.books = ground, books
        self.asked = [name for name in there if name == SINGLE or not asked or name in asked]
        self.refresh()

    def refresh(self) -> None:
        """Read the books anew."""
        self.every = self.books.runs.rows().filter(pl.col("graphs") == self.ground.graphs)
        self.lines = self.every.filter(pl.col("stage") == LAST)
        self._known = set(self.lines.select("recipe", "rows").iter_rows())

    def waves(self, guess: bool = False) -> Iterator[list[Trial]]:
        """The trials in turn; each list knows what those before it chose, as far as they are in the books.

        guess: see `compared_low`.
        """
        seeds, together = self.ground.spent.seeds, [name for name in self.asked if name != SINGLE]
        rates = self.ground.spent.rates if len(self.ground.spent.rates) > 1 else ()
        tasks = self.ground.tasks
        yield [self.trial(SINGLE, TUNED, rate, task) for rate in rates for task in tasks]
        yield [self.trial(name, TUNED, rate) for name in together for rate in rates]
        yield [self.trial(SINGLE, seed, None, task) for seed in seeds for task in tasks]
        yield [self.trial(name, seed) for seed in seeds for name in together]
        few = self.ground.counts
        yield [self.trial(SINGLE, seed, None, LOW, n) for n in few for seed in seeds]
        yield [self.trial(name, seed, labels=n) for n in few for seed in seeds for name in self.compared_low(guess)]

    def trial(self, method: str, seed: int, rate: float | None = None, task: str = "", labels: int = 0) -> Trial:
        """The trial of this method with the rate that was chosen for it, or that is said."""
        tasks = (task,) if method == SINGLE else self.ground.tasks
        sources: tuple[Trial, ...] = ()
        if method == "experts":
            big = [name for name in BIG if name in self.ground.tasks] or self.ground.tasks
            sources = tuple(self.trial(SINGLE, seed, None, name) for name in big)
        rate = self.chosen(method, task) if rate is None else rate
        return Trial(method, tasks, seed, rate, labels, sources, self.ground.budget)

    def chosen(self, method: str, task: str = "") -> float:
        """The learning rate that validated best by the seed TUNED; the first one before all are tried."""
        rates = self.ground.spent.rates
        tried = {rate: self.best(self.trial(method, TUNED, rate, task)) for rate in rates} if len(rates) > 1 else {}
        if not tried or any(lines is None for lines in tried.values()):
            return rates[0]
        return min(rates, key=lambda rate: (merit(tried[rate]["mae_validation"]), rate))

    def best(self, trial: Trial) -> pl.DataFrame | None:
        """The lines of the trial's chosen run, one per task, in the recipe's order; None before it is finished."""
        if not self.finished(trial):
            return None
        rows = self._rows(trial)
        those = {recipe.digest for recipe in trial.stages[-1]}
        mine = self.lines.filter(pl.col("rows") == rows, pl.col("recipe").is_in(list(those)))
        mine = mine.unique(["recipe", "property"], keep="first", maintain_order=True)
        parts = mine.partition_by("recipe", maintain_order=True)
        return min(parts, key=lambda part: merit(part["mae_validation"]))

    def finished(self, trial: Trial) -> bool:
        """Whether the books have all its last runs."""
        return all((recipe.digest, self._rows(trial)) in self._known for recipe in trial.stages[-1])

    def beside(self, trial: Trial) -> float:
        """Seconds of the trial's other runs: of its earlier stages, and of candidates that were not chosen."""
        best, rows = self.best(trial), self._rows(trial)
        those = {recipe.digest for stage in trial.stages for recipe in stage} - set(best["recipe"])
        mine = self.every.filter(pl.col("rows") == rows, pl.col("recipe").is_in(list(those)))
        return float(mine.unique("recipe", keep="first")["seconds"].sum())

    def compared_low(self, guess: bool = False) -> list[str]:
        """Methods of the low-data curve: hard sharing, and of all others the one that validated best for the task.

        Before all of them are through nobody knows which that is. guess: then the dearest one, for a forecast.
        """
        if not self.ground.counts:
            return []
        others, scores = [name for name in methods() if name not in (SINGLE, HARD)], {}
        for name in others:
            lines = [self.best(self.trial(name, seed)) for seed in self.ground.spent.seeds]
            if all(part is not None for part in lines):
                errors = [part.filter(pl.col("property") == LOW)["mae_validation"][0] for part in lines]
                scores[name] = merit(errors)
        known = len(scores) == len(others)
        best = [min(scores, key=scores.__getitem__)] if scores and known else []
        if guess and not known:
            best = [max(others, key=lambda name: cost(self.trial(name, self.ground.spent.seeds[0])))]
        return [name for name in (HARD, *best) if name in self.asked]

    def _rows(self, trial: Trial) -> str:
        return self.ground.rows(trial.tasks, trial.labels).digest
