"""Overlap of databases as bars over combinations: how many materials exactly this set of databases tells."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lake.figures.style import GRID, INK, MUTED, SOURCE_NAME, WATER, drawn, empty
from lake.store import Lake
from lake.tables import MATERIALS

SHOWN = 18  # combinations; the rest are counted in the caption


@drawn
def overlap(lake: Lake) -> Figure:
    """Bars of the combinations of databases that tell the same material, largest first; dots name the databases."""
    combinations, per_source = counted(lake)
    if not len(combinations):
        return empty("No materials yet: materialise entries and materials.")
    shown = combinations.head(SHOWN)
    sources = per_source["source"].to_list()
    wide, high = 0.36 * max(12, len(shown)), 0.3 * len(sources)
    figure = Figure(figsize=(3.6 + wide, 3.3 + high))
    # three columns: sizes, room for the names, dots
    grid = figure.add_gridspec(2, 3, width_ratios=(1.3, 1.6, wide), height_ratios=(2.6, high), wspace=0, hspace=0.04)
    bars = figure.add_subplot(grid[0, 2])
    dots = figure.add_subplot(grid[1, 2], sharex=bars)
    sizes = figure.add_subplot(grid[1, 0], sharey=dots)
    _bars(bars, shown)
    _dots(dots, shown["sources"].to_list(), sources)
    _sizes(sizes, per_source)
    rest = len(combinations) - len(shown)
    if rest:
        figure.text(0.99, 0.0, f"{rest} rarer combinations not shown", ha="right", color=MUTED, fontsize=8.5)
    return figure


def counted(lake: Lake) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Materials per exact combination of databases (sources, n), and per database (source, n), largest first."""
    told = lake.scan(MATERIALS).select(pl.col("sources").list.unique().list.sort())
    combinations = told.group_by("sources").len("n").sort(["n", "sources"], descending=[True, False]).collect()
    each = combinations.explode("sources").group_by(pl.col("sources").alias("source")).agg(pl.col("n").sum())
    return combinations, each.sort(["n", "source"], descending=[True, False])


def _bars(axes: Axes, shown: pl.DataFrame) -> None:
    several = shown["sources"].list.len() > 1
    colours = [WATER if shared else "#a9bcc6" for shared in several]
    axes.bar(range(len(shown)), shown["n"], color=colours, width=0.66)
    for place, n in enumerate(shown["n"]):
        axes.annotate(f"{n:,}", (place, n), (0, 2), textcoords="offset points", ha="center", fontsize=8.5)
    axes.set_title("materials told by exactly these databases", fontsize=9.5)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.margins(x=0.02, y=0.12)


def _dots(axes: Axes, combinations: list[list[str]], sources: list[str]) -> None:
    for row in range(0, len(sources), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f3f7f8", linewidth=0)
    for place, members in enumerate(combinations):
        rows = [sources.index(source) for source in members]
        others = [row for row in range(len(sources)) if row not in rows]
        axes.scatter([place] * len(others), others, s=34, color=GRID, linewidths=0)
        axes.plot([place] * len(rows), rows, marker="o", markersize=6, color=INK, linewidth=1.4)
    axes.set_ylim(len(sources) - 0.5, -0.5)
    axes.set_yticks(range(len(sources)), [SOURCE_NAME.get(source, source) for source in sources])
    axes.tick_params(bottom=False, left=False, labelbottom=False)
    axes.spines[:].set_visible(False)


def _sizes(axes: Axes, per_source: pl.DataFrame) -> None:
    axes.barh(range(len(per_source)), per_source["n"], color=WATER, height=0.6)
    for row, n in enumerate(per_source["n"]):
        axes.annotate(f"{n:,}", (n, row), (-3, 0), textcoords="offset points", ha="right", va="center", fontsize=8.5)
    axes.set_xlim(per_source["n"].max() * 1.45, 0)
    axes.set_xlabel("materials in each", color=MUTED)
    axes.set_xticks([])
    axes.tick_params(left=False, labelleft=False)
    axes.spines[:].set_visible(False)
