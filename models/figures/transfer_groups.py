"""Groups: which tasks to train together, and what each gains by it over training alone."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lake.figures.style import GRID, INK, MUTED, drawn, empty
from models.figures.task_names import COLOUR, HELPS, HURTS, UNCLEAR, leveled_name


@drawn
def transfer_groups(groups: pl.DataFrame) -> Figure:
    """A row per task, group under group; bar: 95 % interval, hollow where it holds zero.

    groups: columns group (a number or a name), target, gain (log(error alone / in its group)), low, high, null where
    unknown; where all are, gains are predictions. Groups of one are tasks that are best left alone.
    """
    if not len(groups):
        return empty("No groups were found yet.")
    order = groups.group_by("group").agg(size=pl.len(), first=pl.col("target").min())
    order = order.sort("size", "first", descending=[True, False])["group"].to_list()
    together = [group for group in order if (groups["group"] == group).sum() > 1]
    alone = groups.filter(~pl.col("group").is_in(together))
    parts = [(f"Group {at}", groups.filter(pl.col("group") == group)) for at, group in enumerate(together, 1)]
    parts += [("Alone", alone)] if len(alone) else []
    figure = Figure(figsize=(8.6, 1.1 + 0.3 * len(groups) + 0.42 * len(parts)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color=INK, linewidth=1.0, zorder=1)
    ticks, names, at = [], [], 0.0
    for number, (title, rows) in enumerate(parts):
        rows = rows.sort("gain", "target", descending=[True, False], nulls_last=True)
        if number % 2 == 0:
            axes.axhspan(at - 0.6, at + len(rows) + 0.5, color=GRID, alpha=0.45, linewidth=0, zorder=0)
        axes.annotate(
            title, (0.01, at), xycoords=("axes fraction", "data"), va="center", color=MUTED, fontweight="bold"
        )
        at += 1
        for row in rows.iter_rows(named=True):
            _row(axes, at, row)
            ticks.append(at)
            names.append(leveled_name(row["target"]))
            at += 1
        at += 0.3
    axes.set_yticks(ticks, names)
    axes.set_ylim(at - 0.6, -0.7)
    tried = groups["low"].is_not_null().any()
    axes.set_xlabel(
        "gain in its group: log(error alone / error together); bar: 95 % interval"
        if tried
        else "predicted gain over placebo in its group: pairs added up, no group was trained"
    )
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    for place, words, side in ((0.0, "◀ hurts", "left"), (1.0, "helps ▶", "right")):
        axes.annotate(words, (place, 1.01), xycoords="axes fraction", ha=side, color=MUTED)
    return figure


def _row(axes: Axes, at: float, row: dict) -> None:
    gain, low, high = row["gain"], row["low"], row["high"]
    if gain is None:
        return
    sure = low is not None and high is not None and not low <= 0 <= high
    colour = MUTED if low is None else COLOUR[(HELPS if gain > 0 else HURTS) if sure else UNCLEAR]
    if low is not None and high is not None:
        axes.plot([low, high], [at, at], color=colour, linewidth=2.2, solid_capstyle="round", zorder=2)
    axes.plot(
        [gain], [at], marker="D", markersize=6, color=colour, markerfacecolor=colour if sure else "white", zorder=3
    )
