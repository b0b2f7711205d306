"""The low-data curve: what sharing gains as the labels of one property become few and all others stay."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lake.figures.style import GRID, INK, drawn, empty
from lake.store import Lake
from models.figures.model_marks import handles, look
from models.multitask.gains import low_data as curve
from models.multitask.plan import LOW
from models.task import task_named


@drawn
def low_data(lake: Lake) -> Figure:
    """Gain over training alone by number of labels; bands: 95 % t intervals. Above zero sharing pays."""
    told = curve(lake)
    if not len(told):
        return empty("No run with few labels yet: materialise multitask.")
    methods = sorted(set(told["method"]))
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot(xscale="log")
    axes.axhline(0, color=INK, linewidth=1.0)
    for method in methods:
        rows, style = told.filter(pl.col("method") == method), look(method, methods)
        axes.plot(rows["labels"], rows["gain"], linewidth=1.4, markersize=6, **style)
        known = rows.drop_nulls("low")
        axes.fill_between(known["labels"], known["low"], known["high"], color=style["color"], alpha=0.15, linewidth=0)
    counts = sorted(set(told["labels"]))
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(f"training labels of {task_named(LOW).label}; all others as they are")
    axes.set_ylabel("log(error alone / error) on test")
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(handles=handles(methods), loc="outside upper left", ncols=5)
    return figure
