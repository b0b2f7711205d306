"""What networks learnt about their tasks: policies, mixing weights and gates as matrices, a row per task."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lake.figures.style import DEPTH, INK, drawn, empty
from lake.policies import default
from lake.store import Lake
from lake.tables import LEARNT_STRUCTURE

WORDS = 24  # letters of a column's name


@drawn
def structures(lake: Lake) -> Figure:
    """One matrix per method and name, the mean over seeds; in each cell also how far the seeds are apart."""
    rows = lake.read(LEARNT_STRUCTURE)
    if not len(rows):
        return empty("No network has learnt anything about its tasks yet: materialise learnt_structure.")
    parts = rows.sort("method", "name").partition_by("method", "name", maintain_order=True)
    heights = [0.95 + 0.3 * part["row_at"].n_unique() + 0.05 * _longest(part) for part in parts]
    figure = Figure(figsize=(8.6, sum(heights)), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1)
    every = figure.subplots(len(parts), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, part in zip(every, parts, strict=True):
        _matrix(axes, part)
    return figure


def _matrix(axes: Axes, part: pl.DataFrame) -> None:
    cells = part.group_by("row_at", "column_at", "row", "column").agg(
        pl.col("value").mean(), spread=pl.col("value").std(), seeds=pl.col("seed").n_unique()
    )
    shape = (cells["row_at"].max() + 1, cells["column_at"].max() + 1)
    values = np.full(shape, np.nan)
    for row, column, value in cells.select("row_at", "column_at", "value").iter_rows():
        values[row, column] = np.nan if value is None else value
    top = max(float(np.nanmax(values)), 1e-9) if np.isfinite(values).any() else 1.0
    low = min(float(np.nanmin(values)), 0.0) if np.isfinite(values).any() else 0.0
    axes.imshow(values, cmap=DEPTH, vmin=low, vmax=top, aspect="auto")
    small = 8.0 if shape[1] < 10 else 6.5
    for row, column, value, spread in cells.select("row_at", "column_at", "value", "spread").iter_rows():
        told = "–" if value is None else f"{value:.2f}"
        if value is not None and spread:
            told += f"\n± {spread:.2f}" if shape[1] >= 10 else f" ± {spread:.2f}"
        dark = value is not None and value > low + 0.45 * (top - low)
        axes.text(column, row, told, ha="center", va="center", fontsize=small, color="white" if dark else INK)
    rows = dict(cells.select("row_at", "row").iter_rows())
    columns = dict(cells.select("column_at", "column").iter_rows())
    axes.set_yticks(range(shape[0]), [label(rows[at]) for at in range(shape[0])])
    names = [shortened(label(columns[at])) for at in range(shape[1])]
    tilted = max(map(len, names)) * shape[1] > 70
    axes.set_xticks(range(shape[1]), names, rotation=25 if tilted else 0, ha="right" if tilted else "center")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    seeds = cells["seeds"].max()
    axes.set_title(f"{part['method'][0]}: {part['name'][0]}, {'one seed' if seeds == 1 else f'mean of {seeds} seeds'}")


def _longest(part: pl.DataFrame) -> int:
    return max(len(label(name)) for name in part["column"])


def label(name: str) -> str:
    """A task's short label; a layer or an expert is called as it is."""
    column = default().by_name.get(name)
    return column.short_label if column else name


def shortened(words: str) -> str:
    """So that columns keep apart."""
    return words if len(words) <= WORDS else f"{words[: WORDS - 1].rstrip()}…"
