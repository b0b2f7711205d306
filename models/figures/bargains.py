"""Thermal conductivity against element cost: what conducts better than everything cheaper than itself?"""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lake.figures.style import GRID, HALO, INK, ORIGIN_COLOUR, ORIGIN_MARKER, drawn, empty, origin_handle
from lake.store import Lake
from lake.tables import CANDIDATES
from models.figures.ranking import subscripted


@drawn
def bargains(lake: Lake) -> Figure:
    """Every candidate with a price; the stair joins those that no cheaper candidate outdoes."""
    priced = lake.read(CANDIDATES).drop_nulls("cost")
    if not len(priced):
        return empty("No candidate with a price yet: materialise candidates.")
    figure = Figure(figsize=(8.6, 5.2), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log")
    front = unbeaten(priced)
    size, faint = (24, 0.75) if len(priced) < 300 else (9, 0.4)
    _points(axes, priced, s=size, alpha=faint, linewidths=0)
    _points(axes, front, s=34, linewidths=0, zorder=3)
    right = priced["cost"].max() * 1.6
    axes.step([*front["cost"], right], [*front["thermal_conductivity"], front["thermal_conductivity"][-1]],
              where="post", color=INK, linewidth=1.0, zorder=1)  # fmt: skip
    axes.set_xlim(priced["cost"].min() / 6, right)
    _names(axes, front)
    axes.margins(y=0.1)
    axes.set_xlabel("element cost (USD/kg, price list of 2013 to 2020)")
    axes.set_ylabel("thermal conductivity, AGL scale (W/m/K)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,g}")
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(handles=[origin_handle("computed", "computed (AGL)"), origin_handle("predicted", "predicted AGL")],
                  loc="outside upper left", ncols=2, handletextpad=0.2)  # fmt: skip
    return figure


def _points(axes: Axes, some: pl.DataFrame, **look: float) -> None:
    for origin in ("predicted", "computed"):  # computed last: on top
        of_it = some.filter(pl.col("thermal_conductivity_origin") == origin)
        axes.scatter(of_it["cost"], of_it["thermal_conductivity"], marker=ORIGIN_MARKER[origin],
                     color=ORIGIN_COLOUR[origin], **look)  # fmt: skip


def _names(axes: Axes, front: pl.DataFrame) -> None:
    """Formulas left of the stair, from the top; one that would run into the one above stays unnamed."""
    above = float("inf")
    for told in front.reverse().iter_rows(named=True):
        cost, value = told["cost"], told["thermal_conductivity"]
        if value > above * 0.8:
            continue
        above = value
        name = subscripted(told["reduced_formula"])
        beside = {"xytext": (-5, 4), "textcoords": "offset points", "ha": "right"}
        axes.annotate(name, (cost, value), fontweight="bold", bbox=HALO, **beside)


def unbeaten(priced: pl.DataFrame) -> pl.DataFrame:
    """The candidates that conduct better than every one as cheap or cheaper, cheapest first."""
    by_cost = priced.sort("cost", "thermal_conductivity", descending=[False, True])
    best_before = pl.col("thermal_conductivity").cum_max().shift(1).fill_null(float("-inf"))
    return by_cost.filter(pl.col("thermal_conductivity") > best_before)
