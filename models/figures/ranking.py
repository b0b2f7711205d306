"""The candidates as a ranking: the modelled thermal conductivity that ranks, and experiment beside it."""

from __future__ import annotations

import re

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from lake.figures.style import GRID, ORIGIN_COLOUR, ORIGIN_MARKER, drawn, empty, origin_handle
from lake.store import Lake
from lake.tables import CANDIDATES

SHOWN = 20


@drawn
def candidates(lake: Lake) -> Figure:
    """The best candidates, one line each, on a logarithmic scale; measured values as dots that rank nothing."""
    best = lake.read(CANDIDATES).sort("rank").head(SHOWN)
    if not len(best):
        return empty("No candidates yet: materialise candidates.")
    figure = Figure(figsize=(8.6, 1.5 + 0.27 * len(best)), layout="constrained")
    axes = figure.add_subplot(xscale="log")
    for row, told in enumerate(best.iter_rows(named=True)):
        value, measured = told["thermal_conductivity"], told["thermal_conductivity_measured"]
        if measured is not None:
            axes.plot([value, measured], [row, row], color=GRID, linewidth=2.2, zorder=1)
            _mark(axes, measured, row, "measured", hollow=True)
        _mark(axes, value, row, told["thermal_conductivity_origin"])
    axes.set_yticks(range(len(best)), _names(best))
    axes.set_ylim(len(best) - 0.4, -0.6)
    axes.set_xlabel("thermal conductivity at 300 K (W/m/K)")
    axes.xaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:,g}", minor_formatter=NullFormatter())
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    handles = [
        origin_handle("computed", "computed (AGL), ranks"),
        origin_handle("predicted", "predicted AGL, ranks"),
        origin_handle("measured", "measured, beside: ranks nothing", markerfacecolor="white"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, handletextpad=0.2, columnspacing=1.4)
    return figure


def subscripted(formula: str) -> str:
    """A formula with its numbers set low, for matplotlib."""
    return re.sub(r"(\d+\.?\d*)", r"$_{\1}$", formula)


def _names(best: pl.DataFrame) -> list[str]:
    """Rank and formula; the space group too where one formula stands for several crystals."""
    several = best["reduced_formula"].is_duplicated()
    rows = best.select("rank", "reduced_formula", "space_group").iter_rows()
    return [
        f"{rank}.  {subscripted(formula)}" + (f"  ({group.replace(' ', '')})" if twin and group else "")
        for (rank, formula, group), twin in zip(rows, several, strict=True)
    ]


def _mark(axes: Axes, value: float, row: int, origin: str, hollow: bool = False) -> None:
    look = {"marker": ORIGIN_MARKER[origin], "color": ORIGIN_COLOUR[origin], "markersize": 6.5}
    axes.plot([value], [row], markerfacecolor="white" if hollow else ORIGIN_COLOUR[origin], zorder=3, **look)
