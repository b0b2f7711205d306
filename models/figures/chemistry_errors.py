"""Where models err: test errors by family, by number of elements, and by what training had of the like."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lake.figures.style import GRID, INK, drawn, empty, with_unit
from lake.policies import default
from lake.store import Lake
from lake.tables import ERRORS_BY_GROUP
from models.chemistry import FAMILY_NAMES
from models.figures.model_marks import handles, look
from models.figures.panels import panels

GROUPINGS = {  # as in the table -> in a few words
    "all": "",
    "family": "",
    "number of elements": "elements: ",
    "training rows of its system": "same system in training: ",
    "training rows of its rarest element": "rarest element in training: ",
}


@drawn
def errors_by_chemistry(lake: Lake) -> Figure:
    """One panel per property, a line per group of test rows, a mark per model; the mean predictor is left out."""
    rows = lake.read(ERRORS_BY_GROUP).filter(pl.col("grouping").is_in(list(GROUPINGS)))
    rows = rows.filter(~pl.col("model").is_in(["mean", "median"]))
    names = [name for name in default().by_name if name in set(rows["property"])]
    if not names:
        return empty("No group of test rows is large enough yet: materialise errors_by_group.")
    tallest = max(len(_lines(rows.filter(pl.col("property") == name))) for name in names)
    figure, grid = panels(len(names), 5.6, 1.1 + 0.2 * tallest)
    models = sorted(set(rows["model"]))
    for axes, name in zip(grid, names, strict=True):
        _panel(axes, name, rows.filter(pl.col("property") == name), models)
    figure.legend(handles=handles(models), loc="outside upper left", ncols=5, handletextpad=0.3, columnspacing=1.2)
    return figure


def _lines(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Groups in the order in which they are read."""
    found = set(rows.select("grouping", "member").iter_rows())
    order = {name: at for at, name in enumerate(FAMILY_NAMES)}
    first = list(GROUPINGS)
    return sorted(found, key=lambda it: (first.index(it[0]), order.get(it[1], 0), _number(it[1])))


def _number(member: str) -> int:
    lead = member.split("-")[0].rstrip("+")
    return int(lead) if lead.isdigit() else 0


def _panel(axes: Axes, name: str, rows: pl.DataFrame, models: list[str]) -> None:
    lines = _lines(rows)
    counts = {(grouping, member): n for grouping, member, n in rows.select("grouping", "member", "n").iter_rows()}
    at = {group: place for place, group in enumerate(lines)}
    for group, place in at.items():
        mine = rows.filter(pl.col("grouping") == group[0], pl.col("member") == group[1])
        axes.plot([mine["mae"].min(), mine["mae"].max()], [place, place], color=GRID, linewidth=2.0, zorder=1)
        for model, mae in mine.select("model", "mae").iter_rows():
            axes.plot([mae], [place], linestyle="none", markersize=5.5, zorder=2, **look(model, models))
    for place in range(1, len(lines)):
        if lines[place][0] != lines[place - 1][0]:
            axes.axhline(place - 0.5, color=INK, linewidth=0.5, alpha=0.4)
    words = [f"{GROUPINGS[grouping]}{member}  ({counts[grouping, member]:,})" for grouping, member in lines]
    axes.set_yticks(range(len(lines)), words, fontsize=8.5)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_title(default().by_name[name].short_label)
    axes.set_xlabel(with_unit("test MAE", rows["unit"][0]))
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
