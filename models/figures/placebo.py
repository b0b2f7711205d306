"""What a placebo does: raw gains beside gains over placebo, and what a source with permuted labels gains by itself."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lake.figures.style import GRID, HALO, INK, MUTED, WATER, drawn, empty
from models.figures.panels import panels
from models.figures.task_names import COLOUR, HELPS, HURTS, NO_TRANSFER, UNCLEAR

MARKER = {HELPS: "^", HURTS: "v", NO_TRANSFER: "s", UNCLEAR: "o"}


@drawn
def placebo(gains: pl.DataFrame) -> Figure:
    """A dot per pair: on the diagonal the placebo does nothing. Beside: how much error falls by permuted labels alone.

    gains: columns gain, gain_placebo, verdict. What a placebo gains over single is their difference.
    """
    told = gains.drop_nulls(["gain", "gain_placebo"])
    if not len(told):
        return empty("No placebo was trained yet: nothing can be claimed.")
    figure, (dots, bars) = panels(2, 4.6, 4.4)
    _dots(dots, told)
    _bars(bars, (told["gain"] - told["gain_placebo"]).to_numpy())
    return figure


def _dots(axes: Axes, told: pl.DataFrame) -> None:
    ends = np.array([told["gain"].min(), told["gain"].max(), told["gain_placebo"].min(), told["gain_placebo"].max()])
    low, high = min(ends.min(), 0.0), max(ends.max(), 0.0)
    room = 0.08 * (high - low or 1.0)
    low, high = low - room, high + room
    axes.plot([low, high], [low, high], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    for at in (axes.axhline, axes.axvline):
        at(0, color=GRID, linewidth=1.0, zorder=0)
    for verdict in (UNCLEAR, NO_TRANSFER, HURTS, HELPS):
        rows = told.filter(pl.col("verdict") == verdict)
        look = {"marker": MARKER[verdict], "s": 24, "linewidths": 0.8, "zorder": 2}
        face = "none" if verdict == UNCLEAR else COLOUR[verdict]
        label = f"{verdict} ({len(rows)})"
        axes.scatter(
            rows["gain"], rows["gain_placebo"], facecolors=face, edgecolors=COLOUR[verdict], label=label, **look
        )
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.set_xlabel("raw gain: log(error alone / together)")
    axes.set_ylabel("gain over placebo")
    axes.set_title("What is left of gains")
    axes.legend(loc="upper left", fontsize=8.5, handletextpad=0.2, borderaxespad=0.2, labelspacing=0.3)


def _bars(axes: Axes, alone: np.ndarray) -> None:
    reach = 1.05 * float(np.abs(alone).max() or 1.0)
    axes.hist(alone, bins=np.linspace(-reach, reach, 26), color="#9dc3cf", edgecolor="white", linewidth=0.5)
    axes.axvline(0, color=INK, linewidth=1.0)
    middle = float(np.median(alone))
    axes.axvline(middle, color=WATER, linewidth=2.0)
    words = f"median {middle:+.3f}\n{(alone > 0).mean():.0%} above zero".replace("-", "−").replace("%", " %")
    axes.set_ylim(0, 1.22 * axes.get_ylim()[1])
    axes.annotate(words, (0.98, 0.98), xycoords="axes fraction", ha="right", va="top", color=WATER, bbox=HALO)
    axes.set_xlabel("log(error alone / with permuted source)")
    axes.set_ylabel("pairs")
    axes.set_title("What a placebo gains by itself")
