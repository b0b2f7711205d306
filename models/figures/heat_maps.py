"""Validation error by size of network: a row per property, the two widths side by side."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Rectangle

from lake.figures.style import DEPTH, INK, MUTED, drawn, empty, with_unit
from lake.store import Lake
from lake.tables import GRID
from models.grid.full import FIRST
from models.grid.sizes import DECODER_LAYERS, FOUND_BEFORE, GNN_LAYERS, WIDTHS, Size
from models.grid.verdict import FULL
from models.task import task_named

BEST, BEFORE = "#b84a00", "#a3439a"


@drawn
def grid(lake: Lake) -> Figure:
    """Errors from the first seed of the full grid; framed the lowest, ringed the size that the mission's grid found."""
    rows = lake.read(GRID).filter(pl.col("mode") == FULL, pl.col("seed") == FIRST).drop_nulls("mae_validation")
    names = [name for name in FOUND_BEFORE if name in set(rows["property"])]
    if not names:
        return empty("No run of the full grid yet: materialise grid.")
    figure = Figure(figsize=(8.6, 0.5 + 2.15 * len(names)), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.08, hspace=0.06)
    panels = figure.subplots(len(names), len(WIDTHS), squeeze=False)
    for name, pair in zip(names, panels, strict=True):
        errors = cells(rows.filter(pl.col("property") == name))
        known = [error for error in errors.values() if np.isfinite(error)]
        # so far and no further, or one run that failed would pale all others
        low, high = min(known), min(max(known), 2 * float(np.median(known)) - min(known))
        best = min(errors, key=lambda size: (np.nan_to_num(errors[size], nan=np.inf), size))
        for width, axes in zip(WIDTHS, pair, strict=True):
            _panel(axes, errors, width, (low, high))
            _marks(axes, width, best, FOUND_BEFORE[name].size)
            axes.set_title(f"{width} units", loc="right", fontweight="normal", color=MUTED, fontsize=9)
            if name == names[-1]:
                axes.set_xlabel("decoder layers")
        told = task_named(name)
        pair[0].set_title(with_unit(told.label, told.unit))
        pair[0].set_ylabel("graph convolutions")
    handles = [
        Rectangle((0, 0), 1, 1, fill=False, edgecolor=BEST, linewidth=2.2, label="lowest validation error here"),
        Line2D([], [], marker="o", linestyle="none", markersize=9, markerfacecolor="none", markeredgecolor=BEFORE,
               markeredgewidth=2, label="best of the preliminary grid"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper left", ncols=2, handlelength=1.6)
    return figure


def cells(rows: pl.DataFrame) -> dict[Size, float]:
    """Validation error of every size, NaN where it was not trained."""
    told = {
        Size(*row[:3]): row[3]
        for row in rows.select("gnn_layers", "decoder_layers", "width", "mae_validation").iter_rows()
    }
    every = (Size(gnn, decoder, width) for gnn in GNN_LAYERS for decoder in DECODER_LAYERS for width in WIDTHS)
    return {size: told.get(size, float("nan")) for size in every}


def _panel(axes: Axes, errors: dict[Size, float], width: int, limits: tuple[float, float]) -> None:
    values = np.array([[errors[Size(gnn, decoder, width)] for decoder in DECODER_LAYERS] for gnn in GNN_LAYERS])
    low, high = limits
    axes.imshow(values, cmap=DEPTH, vmin=low, vmax=high if high > low else low + 1, aspect="auto")
    for (y, x), value in np.ndenumerate(values):
        told = f"{value:.3g}" if np.isfinite(value) else "–"
        dark = np.isfinite(value) and value > low + 0.45 * (high - low)
        axes.text(x, y, told, ha="center", va="center", fontsize=8.5, color="white" if dark else INK)
    axes.set_xticks(range(len(DECODER_LAYERS)), DECODER_LAYERS)
    axes.set_yticks(range(len(GNN_LAYERS)), GNN_LAYERS)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _marks(axes: Axes, width: int, best: Size, before: Size) -> None:
    if best.width == width:
        axes.add_patch(Rectangle(_corner(best), 0.94, 0.9, fill=False, edgecolor=BEST, linewidth=2.4, zorder=3))
    if before.width == width:
        x, y = _corner(before)
        look = {"fill": False, "edgecolor": BEFORE, "linewidth": 2.0, "linestyle": (0, (3, 1.5)), "zorder": 4}
        axes.add_patch(Ellipse((x + 0.47, y + 0.45), 0.78, 0.76, **look))


def _corner(size: Size) -> tuple[float, float]:
    return DECODER_LAYERS.index(size.decoder_layers) - 0.47, GNN_LAYERS.index(size.gnn_layers) - 0.45
