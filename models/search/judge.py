"""Judge: what a search's choice loses on test against the full grid's best, beside random search of as many epochs.

Unit is the standard deviation of one seed's test error. The grid's best is the verdict's (`models/grid/verdict.py`):
chosen on validation. A size's test error is the mean over the seeds that judge where it was trained from all of them,
else that of the seed that chose. Random search trains as many whole runs as its epochs allow, sizes drawn without
replacement, and keeps the lowest validation error: over all draws that is counted, not simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import polars as pl

from models.grid.full import FINALISTS, FIRST, FRESH
from models.grid.sizes import SIZES, Size, size_of
from models.grid.verdict import FULL, SIZE, Verdict, verdict
from models.recipe import Recipe


@dataclass(frozen=True)
class Random:
    """Regret of random search, in the unit of `Judged`, over all draws.

    runs: whole runs of a draw.  mean, low, high: of the regret, the latter two hold 90 % of the draws.  no_better:
    share of the draws whose regret is the search's or larger.
    """

    runs: int
    mean: float
    low: float
    high: float
    no_better: float


@dataclass(frozen=True)
class Judged:
    """A search's choice for one property.

    error, error_best: test errors, means over `seeds` that judge (1: the seed that chose, the grid or the choice lacks
    others).  deviation: of one seed's test error.  regret: (error - error_best) / deviation; below 0 the choice is
    better on test than what validation called best.  epochs: spent.  share: of the grid's.
    """

    name: str
    choice: Size
    best: Size
    error: float
    error_best: float
    deviation: float
    regret: float
    seeds: int
    epochs: int
    share: float
    random: Random


def judged(name: str, choice: Size, epochs: int, lines: pl.DataFrame, whole: int, budget: int) -> Judged | None:
    """The judgement; None before the full grid is trained, and its finalists from the fresh seeds.

    lines: a ledger's of this property, rows and graphs; of the whole runs, also those that were trained to judge.
    whole: epochs of a whole run.  budget: epochs the search might have spent, which random search is given, too.
    """
    rows = grid_rows(lines, whole)
    found, deviation = best_of(rows), deviation_of(rows)
    if found is None or not deviation:
        return None
    first = rows.filter(pl.col("seed") == FIRST).sort("mae_validation", "recipe")
    once = {Size(*size): error for size, error in first.select("size", "mae_test").rows()}
    fresh = _fresh(rows)
    alike = choice in fresh and found.best in fresh
    tested = fresh if alike else once
    regret = (tested[choice] - tested[found.best]) / deviation
    best = (once | fresh)[found.best]
    regrets = [(error - best) / deviation for error in (once | fresh).values()]  # in the order of validation
    return Judged(
        name, choice, found.best, tested[choice], tested[found.best], deviation, regret, len(FRESH) if alike else 1,
        epochs, epochs / (len(first) * whole), random_search(regrets, max(1, budget // whole), regret),
    )  # fmt: skip


def random_search(regrets: Sequence[float], runs: int, regret: float) -> Random:
    """Random search over sizes whose regrets are given in the order of validation, best first."""
    n = len(regrets)
    runs = min(runs, n)
    chances = [comb(n - at - 1, runs - 1) / comb(n, runs) for at in range(n)]
    drawn = sorted(zip(regrets, chances, strict=True))
    mean = sum(value * chance for value, chance in drawn)
    no_better = sum(chance for value, chance in drawn if value >= regret - 1e-9)
    return Random(runs, mean, _quantile(drawn, 0.05), _quantile(drawn, 0.95), no_better)


def grid_rows(lines: pl.DataFrame, whole: int) -> pl.DataFrame:
    """Lines of whole runs of the grid's sizes as the grid's verdict reads them: with size, mode and seed."""
    recipes = [Recipe.from_json(fields) for fields in lines["fields"]]
    told = [
        recipe.epochs == whole and not recipe.decoders and recipe.sharing == "single" and recipe.starts == ()
        for recipe in recipes
    ]
    sizes = pl.DataFrame([size_of(recipe)._asdict() for recipe in recipes], schema=dict.fromkeys(SIZE, pl.Int64))
    rows = pl.concat([lines, sizes], how="horizontal").filter(pl.Series(told, dtype=pl.Boolean))
    rows = rows.with_columns(size=pl.concat_list(SIZE), mode=pl.lit(FULL)).drop_nulls(["mae_validation", "mae_test"])
    return rows.unique("recipe", keep="first", maintain_order=True)


def best_of(rows: pl.DataFrame) -> Verdict | None:
    """The grid's verdict, without the fresh runs of sizes that were only judged; None before all sizes are trained and
    the finalists from every fresh seed."""
    first = rows.filter(pl.col("seed") == FIRST).sort("mae_validation", "recipe")
    if len(first) < len(SIZES):
        return None
    theirs = rows.filter(pl.col("size").is_in(first["size"].head(FINALISTS).to_list()), pl.col("seed").is_in(FRESH))
    return verdict(pl.concat([first, theirs])) if len(theirs) == FINALISTS * len(FRESH) else None


def finalists(lines: pl.DataFrame, whole: int) -> list[Size]:
    """The sizes that the grid trains from fresh seeds; none before it has trained all."""
    first = grid_rows(lines, whole).filter(pl.col("seed") == FIRST).sort("mae_validation", "recipe")
    return [Size(*size) for size in first["size"].head(FINALISTS)] if len(first) == len(SIZES) else []


def deviation_of(rows: pl.DataFrame) -> float | None:
    """Standard deviation of one seed's test error, pooled over the sizes that were trained from several fresh seeds."""
    fresh = rows.filter(pl.col("seed").is_in(FRESH)).group_by("size")
    spread = fresh.agg(pl.col("mae_test").var(), n=pl.len()).filter(pl.col("n") > 1)
    freedom = (spread["n"] - 1).sum()
    return float(((spread["mae_test"] * (spread["n"] - 1)).sum() / freedom) ** 0.5) if freedom else None


def _fresh(rows: pl.DataFrame) -> dict[Size, float]:
    """Mean test error over the fresh seeds, of sizes that have them all."""
    means = rows.filter(pl.col("seed").is_in(FRESH)).group_by("size").agg(pl.col("mae_test").mean(), n=pl.len())
    return {Size(*size): error for size, error, n in means.rows() if n == len(FRESH)}


def _quantile(drawn: Sequence[tuple[float, float]], share: float) -> float:
    """The value below or at which this share of the draws lies; values ascend."""
    total = 0.0
    for value, chance in drawn:
        total += chance
        if total >= share - 1e-12:
            return value
    return drawn[-1][0]
