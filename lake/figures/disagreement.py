"""How far databases are apart, as dots: a row per property and pair, the published yardstick beside ours."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from lake.disagreement import disagreement
from lake.figures.style import GRID, INK, MUTED, SOURCE_NAME, WATER, drawn, empty
from lake.properties import PROPERTIES
from lake.store import Lake

SHOWN = 24  # pairs, those that share most materials
FEWEST = 5  # materials, below which a median says nothing
LEAST = 1e-3  # the axis begins there: less than a thousandth apart is the same number


@drawn
def apart(lake: Lake) -> Figure:
    """Median relative difference of each property and pair of databases that share at least FEWEST materials."""
    told = disagreement(lake, FEWEST).filter(pl.col("source_a") != pl.col("source_b"))
    rows = told.drop_nulls("median_relative_difference").head(SHOWN).to_dicts()
    if not rows:
        return empty("No property is told by two databases of enough materials yet: materialise disagreement.")
    rows.sort(key=lambda row: -row["median_relative_difference"])
    figure = Figure(figsize=(9.8, 1.3 + 0.34 * len(rows)), layout="constrained")
    dots, words = figure.subplots(1, 2, sharey=True, width_ratios=(3.0, 1.9))
    _dots(dots, rows)
    _words(words, rows)
    dots.set_yticks(range(len(rows)), [_label(row) for row in rows])
    dots.set_ylim(len(rows) - 0.5, -0.5)
    for axes in (dots, words):
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.tick_params(left=False)
    return figure


def _dots(axes: Axes, rows: list[dict]) -> None:
    for place, row in enumerate(rows):
        ours, published = max(row["median_relative_difference"], LEAST), row["published"]
        axes.axhline(place, color=GRID, linewidth=0.8, zorder=0)
        axes.plot(ours, place, marker="o", markersize=7.5, color=WATER)
        if published:
            axes.plot(published, place, marker="|", markersize=15, markeredgewidth=2, color=INK)
    axes.set_xscale("log")
    told = [
        max(row[name], LEAST)
        for row in rows
        for name in ("published", "median_relative_difference")
        if row[name] is not None
    ]
    axes.set_xlim(max(LEAST, min(0.01, *told)) / 1.3, max(0.2, *told) * 1.3)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.3%}".rstrip("0%").rstrip(".") + " %"))
    axes.set_xlabel("median relative difference", color=MUTED, loc="left")
    handles = [
        Line2D([], [], marker="o", markersize=7, color=WATER, linestyle="none", label="this lake"),
        Line2D([], [], marker="|", markersize=12, markeredgewidth=2, color=INK, linestyle="none",
               label="published for AFLOW, Materials Project, OQMD"),
    ]  # fmt: skip
    axes.figure.legend(handles=handles, loc="outside upper left", ncols=2, handletextpad=0.3)


def _words(axes: Axes, rows: list[dict]) -> None:
    columns = ((0.3, "materials", "n", "{:,}"), (0.64, "Pearson", "correlation", "{:.3f}"),
               (1.0, "Spearman", "rank_correlation", "{:.3f}"))  # fmt: skip
    for x, title, name, form in columns:
        axes.annotate(title, (x, 1.0), (0, 4), xycoords="axes fraction", textcoords="offset points", ha="right",
                      color=MUTED, fontsize=8.5)  # fmt: skip
        for place, row in enumerate(rows):
            told = "–" if row[name] is None else form.format(row[name])
            axes.text(x, place, told, ha="right", va="center", fontsize=9)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _label(row: dict) -> str:
    known = PROPERTIES.get(row["property"])
    label = known.short_label if known else row["property"]
    return f"{label}\n{_name(row['source_a'])}, {_name(row['source_b'])}"


def _name(source: str) -> str:
    return SOURCE_NAME.get(source, source)
