"""Thermal conductivity against element cost: what conducts better than everything cheaper than itself?"""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from lake.figures.style import GRID, INK, ORIGIN_COLOUR, ORIGIN_MARKER, drawn, empty, origin_handle
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
    faint = 0.8 if len(priced) < 300 else 0.35
    for (origin,), some in priced.group_by("thermal_conductivity_origin"):
        axes.scatter(some["cost"], some["thermal_conductivity"], s=24, marker=ORIGIN_MARKER[origin],
                     color=ORIGIN_COLOUR[origin], alpha=faint, linewidths=0)  # fmt: skip
    front = unbeaten(priced)
    right = priced["cost"].max() * 1.6
    axes.step([*front["cost"], right], [*front["thermal_conductivity"], front["thermal_conductivity"][-1]],
              where="post", color=INK, linewidth=1.0, zorder=1)  # fmt: skip
    for told in front.iter_rows(named=True):
        axes.annotate(subscripted(told["reduced_formula"]), (told["cost"], told["thermal_conductivity"]), (-3, 5),
                      textcoords="offset points", ha="right", fontsize=9, fontweight="bold")  # fmt: skip
    axes.set_xlim(priced["cost"].min() / 2.2, right)
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


def unbeaten(priced: pl.DataFrame) -> pl.DataFrame:
    """The candidates that conduct better than every one as cheap or cheaper, cheapest first."""
    by_cost = priced.sort("cost", "thermal_conductivity", descending=[False, True])
    best_before = pl.col("thermal_conductivity").cum_max().shift(1).fill_null(float("-inf"))
    return by_cost.filter(pl.col("thermal_conductivity") > best_before)
