"""The property matrix as dots: which materials have which property, measured told apart from computed."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lake.figures.style import GRID, MUTED, ORIGIN_COLOUR, ORIGIN_MARKER, drawn, empty, origin_handle
from lake.matrix import matrix_of
from lake.policies import default
from lake.store import Lake
from lake.tables import PROPERTY_MATRIX

COLUMNS = 100  # dots side by side; a bigger lake puts several materials under one dot


@drawn
def coverage(lake: Lake) -> Figure:
    """Dots and counts of the property matrix: rows are properties, fullest first; columns are materials."""
    names, known = filled(lake)
    if not names:
        return empty("No property has a value yet: materialise observations and property_matrix.")
    figure = Figure(figsize=(9.8, 1.1 + 0.23 * len(names)), layout="constrained")
    dots, bars = figure.subplots(1, 2, sharey=True, width_ratios=(4.2, 1))
    colours = [ORIGIN_COLOUR[_origin(name)] for name in names]
    share, width = binned(known, COLUMNS)
    for row, name in enumerate(names):
        _dots(dots, row, share[row], _origin(name))
    dots.set_yticks(range(len(names)), [_label(name) for name in names])
    dots.set_xticks([])
    dots.set_xlim(-1.2, share.shape[1] + 0.2)
    dots.set_xlabel(_caption(known.shape[1], width), color=MUTED, loc="left")
    dots.invert_yaxis()
    _counts(bars, known.sum(axis=1), colours)
    for axes in (dots, bars):
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    handles = [origin_handle("measured"), origin_handle("computed")]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, handletextpad=0.2)
    return figure


def filled(lake: Lake) -> tuple[list[str], np.ndarray]:
    """Names of the default policy's columns with values, and a boolean array column x material; both fullest first."""
    matrix = matrix_of(lake)
    names = [name for name in matrix.columns if name not in PROPERTY_MATRIX.schema]
    known = np.isfinite(matrix.select(names).to_numpy().astype(float)).T if names else np.zeros((0, 0), bool)
    counts = known.sum(axis=1)
    order = [i for i in np.argsort(-counts, kind="stable") if counts[i]]
    known = known[order]
    # fullest property decides first, so that blocks of alike materials stand together
    if len(known):
        known = known[:, np.lexsort(~known[::-1])]
    return [names[i] for i in order], known


def binned(known: np.ndarray, columns: int) -> tuple[np.ndarray, int]:
    """Share of filled cells in at most `columns` groups of neighbouring materials, and how many one group holds."""
    width = max(1, -(-known.shape[1] // columns))
    starts = np.arange(0, known.shape[1], width)
    sizes = np.diff([*starts, known.shape[1]])
    return np.add.reduceat(known.astype(float), starts, axis=1) / sizes, width


def _dots(axes: Axes, row: int, share: np.ndarray, origin: str) -> None:
    absent, column = np.flatnonzero(share == 0), np.flatnonzero(share)
    axes.scatter(absent, np.full(len(absent), row), s=1.6, color=GRID, linewidths=0)
    look = {"color": ORIGIN_COLOUR[origin], "marker": ORIGIN_MARKER[origin], "linewidths": 0}
    axes.scatter(column, np.full(len(column), row), s=2.5 + 8 * share[column], **look)


def _counts(axes: Axes, counts: np.ndarray, colours: list[str]) -> None:
    axes.barh(range(len(counts)), counts, color=colours, height=0.62)
    for row, count in enumerate(counts):
        axes.annotate(f"{count:,}", (count, row), (4, 0), textcoords="offset points", va="center", fontsize=8.5)
    axes.set_xlim(0, counts.max() * 1.25)
    axes.set_xticks([])
    axes.set_xlabel("materials with a value", color=MUTED, loc="left")


def _caption(materials: int, width: int) -> str:
    one = "one material" if width == 1 else f"{width:,}, a smaller dot where only some have it"
    return f"{materials:,} materials, one column is {one}"


def _origin(name: str) -> str:
    return default().by_name[name].known.origin


def _label(name: str) -> str:
    return default().by_name[name].short_label
