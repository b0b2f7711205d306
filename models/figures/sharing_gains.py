"""Ways of sharing against training alone: the gain of each property under each method, with 95 % t intervals."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from lake.figures.style import GRID, INK, MUTED, drawn, empty
from lake.policies import default
from lake.store import Lake
from models.figures.model_marks import handles, look
from models.multitask.gains import ALL, gains


@drawn
def sharing_gains(lake: Lake) -> Figure:
    """A row per property and one for their mean; right of zero sharing helps. Hollow: the interval holds zero."""
    told = gains(lake)
    if not len(told):
        return empty("No way of sharing was compared with training alone yet: materialise multitask.")
    methods = told["method"].unique(maintain_order=True).to_list()
    names = told["property"].unique().to_list()
    names = [*(name for name in default().by_name if name in names), ALL]
    figure = Figure(figsize=(8.6, 1.4 + len(names) * (0.3 + 0.11 * len(methods))), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color=INK, linewidth=1.0)
    for method in methods:
        style, place = look(method, methods), methods.index(method)
        for row in told.filter(pl.col("method") == method).iter_rows(named=True):
            at = names.index(row["property"]) + 0.66 * ((place + 0.5) / len(methods) - 0.5)
            if row["low"] is not None:
                axes.plot([row["low"], row["high"]], [at, at], color=style["color"], linewidth=1.8)
            filled = "white" if row["verdict"] == "no claim" else style["color"]
            axes.plot([row["gain"]], [at], linestyle="none", markersize=5.5, markerfacecolor=filled, **style)
    for place in range(1, len(names)):
        axes.axhline(place - 0.5, color=INK if names[place] == ALL else GRID, linewidth=0.7)
    axes.set_yticks(range(len(names)), [_label(name) for name in names])
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.set_xlabel("gain: log(error alone / error) on test, from the same seeds; bar: 95 % t interval")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    for place, words, side in ((0.0, "◀ hurts (negative transfer)", "left"), (1.0, "helps ▶", "right")):
        axes.annotate(words, (place, 1.01), xycoords="axes fraction", ha=side, color=MUTED)
    figure.legend(handles=handles(methods), loc="outside upper left", ncols=6, handletextpad=0.3, columnspacing=1.2)
    return figure


def _label(name: str) -> str:
    return "mean of all" if name == ALL else default().by_name[name].short_label
