"""Predicted against label, on test rows only, beside what the mean predictor would have done."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from lake.figures.style import DEPTH, GRID, HALO, MUTED, ORIGIN_COLOUR, drawn, empty, unit_text, with_unit
from lake.policies import default
from lake.store import Lake
from lake.tables import PREDICTIONS
from models.figures.panels import panels
from models.results import best_study, errors

CROWD = 1500  # from here on points would hide each other, so hexagons count them


@drawn
def parity(lake: Lake) -> Figure:
    """One panel per property: what the best study (by validation) predicts for test rows, against their labels."""
    known = {name: rows for name, rows in tested(lake).items() if len(rows)}
    if not known:
        return empty("No prediction on a labelled test row yet: materialise training and predictions.")
    figure, grid = panels(len(known), 4.3, 4.2)
    told = errors(lake)
    for axes, (name, rows) in zip(grid, known.items(), strict=True):
        _panel(axes, name, rows)
        _errors(axes, told.filter(pl.col("property") == name, pl.col("study") == rows["study"][0]))
    return figure


def tested(lake: Lake) -> dict[str, pl.DataFrame]:
    """Property -> its labelled test rows, predicted by the study that validated best."""
    rows = lake.read(PREDICTIONS).filter(pl.col("split") == "test", pl.col("label").is_not_null())
    names = [name for name in default().by_name if name in set(rows["property"])]
    best = {name: best_study(lake, name) for name in names}
    return {name: rows.filter(pl.col("property") == name, pl.col("study") == study) for name, study in best.items()}


def _panel(axes: Axes, name: str, rows: pl.DataFrame) -> None:
    column = default().by_name[name]
    known = column.known
    label, value = rows["label"].to_numpy(), rows["value"].to_numpy()
    log = known.log and min(label.min(), value.min()) > 0
    if log:
        axes.set(xscale="log", yscale="log")
    low, high = _limits(np.concatenate([label, value]), log)
    if log and high / low < 100:  # decades alone would leave an axis without numbers
        for axis in (axes.xaxis, axes.yaxis):
            axis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_formatter=NullFormatter())
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.9, zorder=1)
    if len(rows) > CROWD:
        scale = {"xscale": "log", "yscale": "log"} if log else {}
        axes.hexbin(label, value, gridsize=45, bins="log", mincnt=1, cmap=DEPTH, linewidths=0, **scale)
    else:
        faint = 0.75 if len(rows) < 200 else 0.4
        look = {"marker": "^", "color": ORIGIN_COLOUR["predicted"], "alpha": faint, "linewidths": 0}
        axes.scatter(label, value, s=20, zorder=2, **look)
    axes.set(xlim=(low, high), ylim=(low, high), box_aspect=1)
    axes.set_title(column.short_label)
    axes.set_xlabel(with_unit(f"{known.origin} label", known.unit))
    axes.set_ylabel(with_unit("predicted", known.unit))
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    crowd = ", darker is more" if len(rows) > CROWD else ""
    words = f"{len(rows):,} test rows, {rows['study'][0]}{crowd}"
    axes.annotate(words, (0.97, 0.04), xycoords="axes fraction", ha="right",
                  color=MUTED, fontsize=8.5)  # fmt: skip


def _errors(axes: Axes, told: pl.DataFrame) -> None:
    for row in told.filter(pl.col("mae_test").is_not_null()).iter_rows(named=True):
        unit = f" {unit_text(row['unit'])}".rstrip()
        seeds = f"mean of {row['seeds']} seeds" if row["seeds"] > 1 else "1 seed"
        words = f"MAE {row['mae_test']:.3g}{unit} ({seeds})"
        if row["mae_mean_predictor"] is not None:
            words += f"\nmean predictor {row['mae_mean_predictor']:.3g}{unit}"
        axes.annotate(words, (0.04, 0.96), xycoords="axes fraction", va="top", fontsize=8.5, bbox=HALO)


def _limits(values: np.ndarray, log: bool) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if log:
        return low / 1.25, high * 1.25
    margin = 0.05 * (high - low or 1.0)
    return low - margin, high + margin
