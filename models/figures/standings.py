"""The leaderboard as dots: per property every model's test error, its spread over seeds, and the mean predictor."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lake.figures.style import GRID, HALO, INK, MUTED, WATER, drawn, empty, with_unit
from lake.policies import default
from lake.store import Lake
from lake.tables import LEADERBOARD
from models.figures.panels import panels

BEST, OTHERS = WATER, "#8496a0"


@drawn
def leaderboard(lake: Lake) -> Figure:
    """One panel per property, models from best to worst by validation; filled is the one that validated best."""
    rows = lake.read(LEADERBOARD).drop_nulls("mae_test")
    names = rows["property"].unique(maintain_order=True).to_list()
    if not names:
        return empty("No model was scored on test rows yet: materialise leaderboard.")
    tallest = rows["property"].value_counts()["count"].max()
    figure, grid = panels(len(names), 4.9, 1.15 + 0.25 * tallest)
    for axes, name in zip(grid, names, strict=True):
        _panel(axes, name, rows.filter(pl.col("property") == name).sort("place"))
    return figure


def _panel(axes: Axes, name: str, rows: pl.DataFrame) -> None:
    for row, told in enumerate(rows.iter_rows(named=True)):
        colour = BEST if told["place"] == 1 else OTHERS
        spread = told["mae_test_spread"]
        if spread is not None:
            axes.plot([told["mae_test"] - spread, told["mae_test"] + spread], [row, row], color=colour, linewidth=2.2)
        axes.plot([told["mae_test"]], [row], "o", color=colour, markersize=6.5)
        axes.annotate(f"{told['mae_test']:.3g}", (told["mae_test"], row), (0, 6), textcoords="offset points",
                      ha="center", fontsize=8, color=INK, bbox=HALO)  # fmt: skip
    floor = rows["mae_mean_predictor"].drop_nulls()
    if len(floor):
        axes.axvline(floor[0], color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    column = default().by_name.get(name)
    axes.set_title(column.short_label if column else name)
    axes.set_yticks(range(len(rows)), rows["model"].to_list())
    axes.set_ylim(len(rows) - 0.4, -0.8)
    axes.set_xlim(0, 1.12 * max([*rows["mae_test"], *floor]))
    axes.set_xlabel(with_unit("test MAE", rows["unit"][0]))
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.annotate(f"{rows['n_test'].max():,} test rows", (1, 1.02), xycoords="axes fraction", ha="right", color=MUTED,
                  fontsize=8.5)  # fmt: skip
