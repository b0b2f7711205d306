"""The periodic table as a heat map: how many materials contain each element."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lake.figures.style import DEPTH, INK, MUTED, drawn, empty
from lake.store import Lake
from lake.tables import MATERIALS

NOBLE = (2, 10, 18, 36, 54, 86, 118)  # the last element of each period


@drawn
def elements(lake: Lake) -> Figure:
    """Materials per element, darker is more; elements that no material contains stay white."""
    from pymatgen.core import Element

    count = materials_per_element(lake)
    if not count:
        return empty("No materials yet: materialise entries and materials.")
    figure = Figure(figsize=(9.6, 5.2))
    axes = figure.add_subplot()
    norm = LogNorm(1, max(10, *count.values()))
    for number in range(1, 104):
        symbol = Element.from_Z(number).symbol
        _cell(axes, symbol, number, count.get(symbol, 0), norm)
    axes.set(xlim=(0.4, 18.6), ylim=(9.9, 0.4), aspect="equal")
    axes.axis("off")
    bar = figure.colorbar(ScalarMappable(norm, DEPTH), cax=axes.inset_axes([0.2, 0.90, 0.42, 0.025]),
                          orientation="horizontal")  # fmt: skip
    bar.ax.set_title("materials that contain the element", fontsize=9, fontweight="normal", loc="left")
    bar.outline.set_visible(False)
    bar.ax.tick_params(which="both", length=0)
    bar.ax.xaxis.set_major_formatter("{x:,.0f}")
    return figure


def materials_per_element(lake: Lake) -> dict[str, int]:
    """Element symbol -> number of materials whose formula contains it."""
    inside = pl.col("reduced_formula").str.extract_all("[A-Z][a-z]?").list.unique()
    frame = lake.scan(MATERIALS).select(inside.alias("element")).explode("element").drop_nulls()
    return dict(frame.group_by("element").len().collect().iter_rows())


def place(number: int) -> tuple[float, float]:
    """Column 1..18 and row of an element; lanthanides and actinides stand apart below."""
    for first, row in ((57, 8.4), (89, 9.4)):
        if first <= number <= first + 14:
            return number - first + 3, row
    period = next(i for i, last in enumerate(NOBLE, start=1) if number <= last)
    before = NOBLE[period - 2] if period > 1 else 0
    offset, length = number - before, NOBLE[period - 1] - before
    # groups 1 and 2 stand left, everything else is counted from the noble gas backwards
    return (offset if offset <= (1 if period == 1 else 2) else 18 - (length - offset)), period


def _cell(axes: Axes, symbol: str, number: int, count: int, norm: LogNorm) -> None:
    column, row = place(number)
    colour = DEPTH(norm(count)) if count else "white"
    corner = (column - 0.47, row - 0.47)
    axes.add_patch(Rectangle(corner, 0.94, 0.94, facecolor=colour, edgecolor="#cfd9de", linewidth=0.5))
    ink = ("white" if norm(count) > 0.45 else INK) if count else "#8496a0"
    axes.text(column, row - 0.08, symbol, ha="center", va="center", color=ink, fontsize=10.5, fontweight="bold")
    axes.text(column, row + 0.29, f"{count:,}" if count else "", ha="center", va="center", color=ink, fontsize=6.5)
    if number in (57, 89):
        axes.text(3, row - 2.4, "*" if number == 57 else "**", ha="center", va="center", color=MUTED)
