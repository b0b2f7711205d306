"""Verdict: the best size of a property, whether it can be told from the second, and how ASHA agrees with all that.

Sizes are chosen by validation; test errors are reported and choose nothing. Frames are one property's rows of GRID.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from models.grid.full import FIRST
from models.grid.sizes import Size
from models.transfer import summary

FULL, ASHA = "full", "asha"  # modes
SIZE = ("gnn_layers", "decoder_layers", "width")


@dataclass(frozen=True)
class Verdict:
    """What the full grid says of one property. Errors are validation errors, means over `seeds`.

    sizes: how many were tried.  seeds: n of the comparison: fresh ones, that chose nothing; without them 1, the first.
    excess: how much larger the second's error is, as a share of the best's, paired by seed; low, high: its 95 % t
    interval over the seeds, None with fewer than two.  near: sizes whose error from the first seed is within two
    standard deviations of one seed's error from the lowest, None where that deviation is not known.
    """

    best: Size
    second: Size | None
    error: float
    error_test: float | None
    sizes: int
    seeds: int
    excess: float | None = None
    low: float | None = None
    high: float | None = None
    near: int | None = None

    @property
    def distinguishable(self) -> bool:
        """Whether the interval keeps off zero."""
        return self.low is not None and self.low > 0

    @property
    def words(self) -> str:
        """The statement of confidence, in a sentence or two."""
        if self.second is None:
            return f"{self.best} is the only size tried."
        if self.low is None:
            return f"{self.best} before {self.second}, from one seed: not known to be distinguishable."
        told = "distinguishable" if self.distinguishable else "not distinguishable"
        over = f"the second's error is {_percent(self.excess)} larger, 95 % interval {_percent(self.low)} to "
        over += f"{_percent(self.high)} over n = {self.seeds} seeds that did not choose them"
        crowd = "" if self.near is None else f" {self.near} of {self.sizes} sizes lie within two seeds' deviations."
        return f"{self.best} before {self.second}: {told}; {over}.{crowd}"


def verdict(rows: pl.DataFrame) -> Verdict | None:
    """The verdict on the full grid's rows; None where it has none."""
    full = rows.filter(pl.col("mode") == FULL).drop_nulls("mae_validation").with_columns(size=pl.concat_list(SIZE))
    first, fresh = full.filter(pl.col("seed") == FIRST), full.filter(pl.col("seed") != FIRST)
    fresh = _paired(fresh)
    judged = fresh if fresh["size"].n_unique() > 1 else first
    if not len(judged):
        return None
    means = judged.group_by("size").agg(pl.col("mae_validation", "mae_test").mean()).sort("mae_validation", "size")
    best, second = Size(*means["size"][0]), Size(*means["size"][1]) if len(means) > 1 else None
    seeds, sizes = judged["seed"].n_unique(), first["size"].n_unique()
    told = (best, second, means["mae_validation"][0], means["mae_test"][0], sizes, seeds)
    if seeds < 2:
        return Verdict(*told)
    pair = (judged.filter(pl.col("size") == list(size)).select("seed", "mae_validation") for size in (best, second))
    both = next(pair).join(next(pair), on="seed", suffix="_second")
    gain = both.select(gain=pl.col("mae_validation_second") / pl.col("mae_validation") - 1, property=pl.lit("-"))
    found = summary(gain).row(0, named=True)
    return Verdict(*told, found["gain"], found["low"], found["high"], _near(first, judged))


@dataclass(frozen=True)
class Rung:
    """epoch: of the rung.  runs: that came to it.  spearman: of their losses there with the full grid's errors."""

    epoch: int
    runs: int
    spearman: float | None


@dataclass(frozen=True)
class Agreement:
    """How the ranking of ASHA's rungs agrees with the full grid's of the same seed.

    kept: whether the full grid's best size came to its end in ASHA.  chosen: what ASHA would choose.  excess: how much
    larger that one's error is in the full grid, as a share of the best's.  share: of the full grid's epochs spent.
    """

    rungs: list[Rung]
    best: Size
    chosen: Size
    kept: bool
    excess: float
    share: float

    @property
    def words(self) -> str:
        """In a sentence or two."""
        ranks = "; ".join(
            f"after {rung.epoch} epochs {'no rank correlation' if rung.spearman is None else f'{rung.spearman:.2f}'} "
            f"(n = {rung.runs})"
            for rung in self.rungs
        )
        kept = "kept" if self.kept else "stopped"
        loss = "the same size" if self.chosen == self.best else f"{self.chosen}, {_percent(self.excess)} larger error"
        return (
            f"ASHA spent {100 * self.share:.0f} % of the epochs. Rank correlation of its rungs with the full grid's "
            f"errors: {ranks}. It {kept} the full grid's best, {self.best}, and would choose {loss}."
        )


def agreement(rows: pl.DataFrame, epochs: Sequence[int]) -> Agreement | None:
    """The agreement of both modes' rows of one seed; None before both have tried every size that the other has.

    epochs: of the rungs.
    """
    mine = rows.filter(pl.col("seed") == FIRST).with_columns(size=pl.concat_list(SIZE))
    full = mine.filter(pl.col("mode") == FULL).select("size", "epochs", end="mae_validation")
    tried = mine.filter(pl.col("mode") == ASHA)
    both = tried.join(full, on="size", suffix="_full")
    ended = both.filter(pl.col("state") == "finished")
    if not len(ended) or not len(full) == len(tried) == len(both):
        return None
    best, chosen = both.sort("end", "size").row(0, named=True), ended.sort("mae_validation", "size").row(0, named=True)
    return Agreement(
        [rung for at, epoch in enumerate(epochs) if (rung := _rung(both, at, epoch)).runs],
        Size(*best["size"]),
        Size(*chosen["size"]),
        best["state"] == "finished",
        chosen["end"] / best["end"] - 1,
        both["epochs"].sum() / both["epochs_full"].sum(),
    )


def _paired(fresh: pl.DataFrame) -> pl.DataFrame:
    """The rows of seeds from which every one of these sizes was trained: half a study compares nothing."""
    sizes = fresh["size"].n_unique()
    return fresh.filter(pl.col("size").n_unique().over("seed") == sizes)


def _near(first: pl.DataFrame, judged: pl.DataFrame) -> int:
    deviation = judged.group_by("size").agg(pl.col("mae_validation").var())["mae_validation"].mean() ** 0.5
    errors = first["mae_validation"]
    return int((errors <= errors.min() + 2 * deviation).sum())


def _rung(both: pl.DataFrame, at: int, epoch: int) -> Rung:
    came = both.filter(pl.col("rungs").list.len() > at)
    losses, ends = came["rungs"].list.get(at, null_on_oob=True), came["end"]
    if len(came) < 3 or losses.n_unique() < 2 or ends.n_unique() < 2:
        return Rung(epoch, len(came), None)
    from scipy.stats import spearmanr

    return Rung(epoch, len(came), float(spearmanr(losses, ends).statistic))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace("-", "−")
