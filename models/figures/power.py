"""The power statement: with these seeds an effect of so much is seen with such a probability."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from scipy.optimize import brentq
from scipy.stats import chi2, norm
from scipy.stats import t as student

from lake.figures.style import GRID, MUTED, WATER, drawn, empty

CONFIDENCE, WANTED = 0.95, 0.80
LARGEST = 50.0  # standard errors: an effect beyond is seen by anybody


def probability(effect: float, spread: float, seeds: int, alpha: float) -> float:
    """Of seeing an effect, its sign right, in n paired seeds of this standard deviation: t test, two-sided p < alpha.

    The noncentral t by its definition, a normal over a chi, to 1e-3: scipy's own has holes far out.
    """
    if seeds < 2:
        return 0.0
    bar, away = student.ppf(1 - alpha / 2, seeds - 1), effect / spread * np.sqrt(seeds)
    return float(norm.sf(bar * _scatter(seeds - 1) - away).mean())


@cache
def _scatter(freedom: int) -> np.ndarray:
    """What seeds may find for a standard deviation of 1, at evenly drawn quantiles."""
    return np.sqrt(chi2.ppf((np.arange(1000) + 0.5) / 1000, freedom) / freedom)


def smallest_seen(spread: float, seeds: int, alpha: float, wanted: float = WANTED) -> float:
    """The effect that is seen with the probability wanted; infinite where no effect is."""
    unit = spread / np.sqrt(max(seeds, 1))
    if probability(LARGEST * unit, spread, seeds, alpha) < wanted:
        return float("inf")
    return float(brentq(lambda effect: probability(effect, spread, seeds, alpha) - wanted, 0.0, LARGEST * unit))


def spreads(gains: pl.DataFrame) -> np.ndarray:
    """Standard deviation of one seed's gain over placebo, per pair, as the 95 % intervals tell it."""
    told = gains.drop_nulls(["low_placebo", "high_placebo"]).filter(pl.col("n") > 1)
    n = told["n"].to_numpy()
    half = (told["high_placebo"] - told["low_placebo"]).to_numpy() / 2
    return half * np.sqrt(n) / student.ppf((1 + CONFIDENCE) / 2, n - 1)


def corrected(gains: pl.DataFrame, alpha: float = 0.05) -> float:
    """The p that a pair needs in this company: the largest that was claimed, else alpha over the pairs."""
    told = gains.drop_nulls(["p", "q"])
    claimed = told.filter(pl.col("q") <= alpha)["p"].max()
    return float(max(claimed or 0.0, alpha / max(len(told), 1)))


def statement(gains: pl.DataFrame, effect: float = 0.05, alpha: float = 0.05) -> str:
    """The same in words, of a typical pair among all. gains: as for `power`."""
    told = spreads(gains)
    if not len(told):
        return "No pair has two seeds or more: no effect can be told from chance."
    seeds, bar, middle = int(gains["n"].median()), corrected(gains, alpha), float(np.median(told))
    seen, least = probability(effect, middle, seeds, bar), smallest_seen(middle, seeds, bar)
    words = f"With {seeds} seeds a pair, an effect of {effect:.0%} is seen with probability {seen:.2f}"
    words += f" (among {len(told):,} pairs one needs p < {bar:.1g})."
    if np.isfinite(least):
        words += f" The smallest effect that is seen with probability {WANTED:.2f} is {least:.1%}."
    return words.replace("%", "\u00a0%")


@drawn
def power(gains: pl.DataFrame, alpha: float = 0.05) -> Figure:
    """Probability against effect, for one pair alone and among all pairs; bands: pairs that are quieter and noisier.

    gains: columns n, low_placebo, high_placebo, p, q. Dots: the smallest effect that is seen with 80 %.
    """
    told = spreads(gains)
    if not len(told):
        return empty("No pair has two seeds or more yet: nothing is known of its spread.")
    seeds = int(gains["n"].median())
    quiet, middle, noisy = np.quantile(told, [0.25, 0.5, 0.75])
    bars = (("one pair alone", alpha, MUTED, "--"), (f"among {len(told)} pairs", corrected(gains, alpha), WATER, "-"))
    ends = [smallest_seen(noisy, seeds, bar) for _, bar, _, _ in bars]
    reach = 1.25 * max((end for end in ends if np.isfinite(end)), default=10 * noisy)
    effects = np.linspace(0, reach, 120)
    figure = Figure(figsize=(7.6, 4.4), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(WANTED, color=GRID, linewidth=1.0)
    for at, (words, bar, colour, style) in enumerate(bars):
        curves = [[probability(effect, one, seeds, bar) for effect in effects] for one in (quiet, middle, noisy)]
        axes.fill_between(effects, curves[0], curves[2], color=colour, alpha=0.15, linewidth=0)
        axes.plot(effects, curves[1], color=colour, linestyle=style, linewidth=2.0, label=f"{words} (p < {bar:.2g})")
        least = smallest_seen(middle, seeds, bar)
        if np.isfinite(least):
            axes.plot([least], [WANTED], marker="o", markersize=8, color=colour, zorder=3)
            place, side = ((-9, 7), "right") if at == 0 else ((11, -15), "left")
            axes.annotate(f"{least:.3f}", (least, WANTED), place, textcoords="offset points", ha=side, color=colour,
                          fontweight="bold")  # fmt: skip
    axes.set_xlim(0, reach)
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("true gain over placebo, log of errors (0.01 is about 1 %)")
    axes.set_ylabel("probability that it is seen")
    axes.set_title(f"With {seeds} seeds a pair")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="lower right")
    return figure
