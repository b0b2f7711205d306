"""Learning curves: how test errors fall as training rows are added, on logarithmic scales."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from lake.figures.style import GRID, drawn, empty, with_unit
from lake.policies import default
from lake.store import Lake
from lake.tables import LEARNING_CURVES
from models.figures.model_marks import handles, look
from models.figures.panels import panels


@drawn
def learning_curves(lake: Lake) -> Figure:
    """One panel per property: the mean over seeds as a line, each seed as a faint mark."""
    rows = lake.read(LEARNING_CURVES).drop_nulls("mae_test").filter(pl.col("mae_test") > 0)
    names = [name for name in default().by_name if name in set(rows["property"])]
    if not names:
        return empty("No model was trained on a share of the rows yet: materialise learning_curves.")
    figure, grid = panels(len(names), 4.6, 3.1, above=0.4)
    models = sorted(set(rows["model"]))
    for axes, name in zip(grid, names, strict=True):
        _panel(axes, name, rows.filter(pl.col("property") == name), models)
    figure.legend(handles=handles(models), loc="outside upper left", ncols=5, handletextpad=0.3, columnspacing=1.2)
    return figure


def _panel(axes: Axes, name: str, rows: pl.DataFrame, models: list[str]) -> None:
    axes.set(xscale="log", yscale="log")
    for model in models:
        mine = rows.filter(pl.col("model") == model)
        mean = mine.group_by("n_train").agg(pl.col("mae_test").mean()).sort("n_train")
        style = look(model, models)
        axes.plot(mean["n_train"], mean["mae_test"], linewidth=1.4, markersize=5.5, **style)
        axes.plot(mine["n_train"], mine["mae_test"], linestyle="none", markersize=3, alpha=0.45,
                  marker=style["marker"], color=style["color"], markeredgewidth=0)  # fmt: skip
    axes.set_title(default().by_name[name].short_label)
    sizes = sorted(set(rows["n_train"]))
    axes.set_xticks(_apart(sizes), [f"{size:,}" for size in _apart(sizes)])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set(
        major_locator=LogLocator(subs=(1, 1.5, 2, 3, 5, 7)), major_formatter="{x:g}", minor_formatter=NullFormatter()
    )
    axes.set_xlabel("labelled training rows")
    axes.set_ylabel(with_unit("test MAE", rows["unit"][0]))
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _apart(sizes: list[int]) -> list[int]:
    """Sizes whose numbers do not stand on each other."""
    kept: list[int] = []
    for size in reversed(sizes):
        if not kept or size < kept[-1] / 1.4:
            kept.append(size)
    return kept[::-1]
