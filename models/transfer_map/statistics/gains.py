"""Gains: log ratios of paired errors, so that neither the unit nor the scale of a task matters. No torch here.

From RUNS, a row per run and task of it: tasks (list: trained together), placebo (list: those of them whose labels were
permuted among themselves), seed, task, error (positive), and where known errors (list: of each test crystal, in one
order for all seeds). A run is paired with those of its own seed only.
"""

from __future__ import annotations

import polars as pl

RAW, OVER_PLACEBO = "gain", "gain_placebo"  # the two estimands; claims are made on the second
KEYS = ("target", "source", "seed")
_ALONE, _TOGETHER, _PLACEBO = "_alone", "_together", "_permuted"


class UnpairedErrors(ValueError):
    """Errors that have no logarithm, or of which two claim one place."""


def gains_of(runs: pl.DataFrame) -> pl.DataFrame:
    """GAINS of ordered pairs: target, source, seed, gain, gain_placebo. Positive = the source helps.

    gain: log(error alone / error together).  gain_placebo: log(error with the source's labels permuted / error
    together).  Either is null where its run is missing. Raises UnpairedErrors.
    """
    found = _paired(runs, "error")
    before = {RAW: _ALONE, OVER_PLACEBO: _PLACEBO}
    told = found.with_columns((pl.col(of) / pl.col(_TOGETHER)).log().alias(name) for name, of in before.items())
    return told.select(*KEYS, *before).sort(KEYS)


def crystals_of(runs: pl.DataFrame, of: str = OVER_PLACEBO) -> pl.DataFrame:
    """For one estimand the errors of each test crystal: target, source, seed, before (list), after (list)."""
    found = _paired(runs, "errors")
    before = _ALONE if of == RAW else _PLACEBO
    return found.select(*KEYS, before=before, after=_TOGETHER).drop_nulls().sort(KEYS)


def subset_gains(runs: pl.DataFrame) -> pl.DataFrame:
    """Per run of several tasks and each unpermuted one of them: target, partners, permuted (lists), seed, gain.

    partners: the others with their own labels.  permuted: the others with permuted ones.  gain: log(error alone /
    error), of the same seed. Raises UnpairedErrors.
    """
    rows = _checked(runs).filter(~pl.col("task").is_in(pl.col("placebo")))
    alone = rows.filter(pl.col("tasks").list.len() == 1).select("task", "seed", alone="error")
    both = rows.filter(pl.col("tasks").list.len() > 1).join(alone, on=["task", "seed"])
    others = pl.col("tasks").list.set_difference(pl.concat_list("task"))
    return both.select(
        target="task",
        partners=others.list.set_difference("placebo").list.sort(),
        permuted=others.list.set_intersection("placebo").list.sort(),
        seed="seed",
        gain=(pl.col("alone") / pl.col("error")).log(),
    ).sort("target", "partners", "permuted", "seed")


def _paired(runs: pl.DataFrame, what: str) -> pl.DataFrame:
    """target, source, seed, and `what` of the run alone, of that together, and of that with the source permuted."""
    rows = _checked(runs).filter(~pl.col("task").is_in(pl.col("placebo")))
    alone = rows.filter(pl.col("tasks").list.len() == 1).select("seed", pl.col(what).alias(_ALONE), target="task")
    two = rows.filter(pl.col("tasks").list.len() == 2).with_columns(
        target="task", source=pl.col("tasks").list.set_difference(pl.concat_list("task")).list.first()
    )
    true = two.filter(pl.col("placebo").list.len() == 0).select(*KEYS, pl.col(what).alias(_TOGETHER))
    permuted = two.filter(pl.col("placebo").list.len() == 1).select(*KEYS, pl.col(what).alias(_PLACEBO))
    return true.join(permuted, on=KEYS, how="left").join(alone, on=["target", "seed"], how="left")


def _checked(runs: pl.DataFrame) -> pl.DataFrame:
    texts = pl.List(pl.String)
    rows = runs.with_columns(pl.col("tasks", "placebo").cast(texts).list.sort())
    error = pl.col("error").cast(pl.Float64)
    bad = rows.filter(~(error.is_finite() & (error > 0)).fill_null(False))
    if len(bad):
        row = bad.row(0, named=True)
        raise UnpairedErrors(f"errors must be positive numbers; {row['task']}, seed {row['seed']}: {row['error']}")
    twice = rows.select("tasks", "placebo", "seed", "task").is_duplicated()
    if twice.any():
        row = rows.filter(twice).row(0, named=True)
        told = f"{' + '.join(row['tasks'])}, seed {row['seed']}"
        raise UnpairedErrors(f"one run per set of tasks, placebo and seed; found two of {told}: keep one")
    return rows
