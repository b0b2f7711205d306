"""Errors by element as periodic tables: where the model that validated best is better or worse than on the average."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lake.crystal import SYMBOLS
from lake.figures.periodic_table import place
from lake.figures.style import INK, MUTED, drawn, empty, unit_text
from lake.policies import default
from lake.store import Lake
from lake.tables import ERRORS_BY_GROUP, LEADERBOARD
from models.figures.panels import panels

REACH = 3.0  # times worse or better than the average, at the ends of the colours
BETTER_WORSE = LinearSegmentedColormap.from_list(
    "better, worse", ["#0b4f72", "#8cc5d3", "#f4f4f0", "#f0b27a", "#a03c00"]
)
HEAVIEST = 103


@drawn
def errors_by_element(lake: Lake) -> Figure:
    """One table per property; an element's colour is the error of test rows that contain it over that of all."""
    tables = {name: told for name, told in _told(lake).items() if len(told) > 1}
    if not tables:
        return empty("No element is in test rows enough yet: materialise errors_by_group.")
    figure, grid = panels(len(tables), 5.4, 3.1, above=0.55)
    norm = LogNorm(1 / REACH, REACH, clip=True)
    for axes, (name, rows) in zip(grid, tables.items(), strict=True):
        _table(axes, name, rows, norm)
    bar = figure.colorbar(ScalarMappable(norm, BETTER_WORSE), ax=grid, location="bottom", shrink=0.4, aspect=40,
                          ticks=[1 / 3, 1 / 2, 1, 2, 3], format="{x:.2g}")  # fmt: skip
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    bar.set_label("test MAE of rows with the element over that of all rows")
    return figure


def _told(lake: Lake) -> dict[str, pl.DataFrame]:
    """Property -> groups `all` and `element` of the model that validated best, among those that have any."""
    rows = lake.read(ERRORS_BY_GROUP).filter(pl.col("grouping").is_in(["all", "element"]))
    places = lake.read(LEADERBOARD).select("property", "model", "place")
    rows = rows.join(places, on=["property", "model"])
    best = rows.filter(pl.col("place") == pl.col("place").min().over("property"))
    return {
        name: best.filter(pl.col("property") == name) for name in default().by_name if name in set(best["property"])
    }


def _table(axes: Axes, name: str, rows: pl.DataFrame, norm: LogNorm) -> None:
    whole = rows.filter(pl.col("grouping") == "all")["mae"][0] or 1.0
    found = dict(rows.filter(pl.col("grouping") == "element").select("member", "mae").iter_rows())
    for number, symbol in enumerate(SYMBOLS[: HEAVIEST + 1]):
        if number:
            column, row = place(number)
            ratio = found[symbol] / whole if symbol in found else None
            colour = "white" if ratio is None else BETTER_WORSE(norm(max(ratio, 1e-6)))
            axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, facecolor=colour, edgecolor="#cfd9de",
                                     linewidth=0.4))  # fmt: skip
            strong = ratio is not None and abs(norm(max(ratio, 1e-6)) - 0.5) > 0.36
            ink = "#a9b7be" if ratio is None else "white" if strong else INK
            axes.text(column, row, symbol, ha="center", va="center", color=ink, fontsize=6.5)
    axes.set(xlim=(0.4, 18.6), ylim=(9.9, 0.4), aspect="equal")
    axes.axis("off")
    axes.set_title(default().by_name[name].short_label)
    unit = f" {unit_text(rows['unit'][0])}".rstrip()
    axes.text(3.6, 1.2, f"{rows['model'][0]}\nMAE {whole:.3g}{unit}", color=MUTED, fontsize=8, va="center")
