"""Gains of training together over training alone: mean, 95 % t interval, and each seed as a dot."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lake.figures.style import GRID, HALO, INK, MUTED, drawn, empty
from lake.policies import default
from lake.store import Lake
from lake.tables import TRANSFER
from models.results import gains as summed

VERDICT_COLOUR = {"helps": "#12607f", "hurts": "#b84a00", "no claim": "#66757e"}


@drawn
def gains(lake: Lake) -> Figure:
    """Per property the change of test error by training together: right of zero it helps, left of zero it hurts."""
    summary = summed(lake)
    if not len(summary):
        return empty("No property was trained both alone and together yet: materialise transfer.")
    seeds = lake.read(TRANSFER)
    figure = Figure(figsize=(8.6, 1.5 + 0.5 * len(summary)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color=INK, linewidth=1.0)
    for row, told in enumerate(summary.iter_rows(named=True)):
        dots = seeds.filter(pl.col("property") == told["property"])["gain"]
        look = {"color": VERDICT_COLOUR[told["verdict"]], "alpha": 0.55, "linewidths": 0}
        axes.scatter(dots, [row - 0.22] * len(dots), s=14, **look)
        _interval(axes, row, told)
    axes.set_yticks(range(len(summary)), [_label(name) for name in summary["property"]])
    axes.set_ylim(len(summary) - 0.4, -0.7)
    ends = [*summary["low"].drop_nulls(), *summary["high"].drop_nulls(), *seeds["gain"], 0.01]
    reach = 1.12 * max(map(abs, ends))
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0 if reach > 0.04 else 1))
    axes.set_xlabel("gain in test error by training together; bar: 95 % t interval over paired seeds, dots: seeds")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    for place, words, side in ((0.0, "◀ hurts (negative transfer)", "left"), (1.0, "helps ▶", "right")):
        axes.annotate(words, (place, 1.01), xycoords="axes fraction", ha=side, color=MUTED)
    return figure


def _interval(axes: Axes, row: int, told: dict) -> None:
    colour = VERDICT_COLOUR[told["verdict"]]
    if told["low"] is not None:
        axes.plot([told["low"], told["high"]], [row, row], color=colour, linewidth=2.6, solid_capstyle="round")
    filled = "white" if told["verdict"] == "no claim" else colour
    axes.plot([told["mean"]], [row], marker="D", markersize=6.5, color=colour, markerfacecolor=filled)
    words = f"{told['mean']:+.1%}  {told['verdict']}".replace("-", "−")
    axes.annotate(words, (told["mean"], row), (0, -16), textcoords="offset points", ha="center", color=colour,
                  fontsize=8.5, bbox=HALO)  # fmt: skip


def _label(name: str) -> str:
    column = default().by_name.get(name)
    return column.short_label if column else name
