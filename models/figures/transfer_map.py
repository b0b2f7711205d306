"""The map: what every task (column) does to every other (row), as a heat map with what is significant marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle

from lake.figures.style import GRID, INK, MUTED, drawn, empty
from models.figures.task_names import (
    HELPS,
    HURTS,
    NO_TRANSFER,
    REFUTED,
    between,
    blocks,
    in_families,
    leveled_name,
)

# orange to blue by white: both ends are told apart by every kind of colour vision, and by lightness from the middle
HARM_TO_HELP = LinearSegmentedColormap.from_list(
    "harm to help", ["#7a2f00", "#d9772e", "#ffffff", "#3f93b5", "#083f57"]
)
MARK = {HELPS: "+", HURTS: "–", NO_TRANSFER: "·"}
DOUBTED = "?"  # instead of + or –
ESTIMAND = {
    "gain_placebo": "Gain over placebo: log(error with permuted source / error together)",
    "gain": "Raw gain: log(error alone / error together)",
}
LEAST = 0.02  # the scale reaches at least so far, or a map of nothing would look like one of much
ABSENT = "#cfd8dc"
CHARACTER = 0.068  # inches that a character of a name takes


@drawn
def transfer_map(gains: pl.DataFrame, kinds: Sequence[str] = ("gain_placebo",)) -> Figure:
    """Targets in rows, sources in columns, families side by side and framed; a panel for each estimand of `kinds`.

    gains: a row per ordered pair, with columns target, source, gain, gain_placebo, verdict, and family_ and labels_ of
    both. All panels have one scale, and the marks of claims, which are made over placebo and between families alone
    (see `task_names.between`); where a column `confirmed` says that a claim did not hold, it is marked as doubted.
    """
    if not len(gains):
        return empty("No pair was trained yet: there is no map.")
    tasks = in_families(gains)
    count = len(tasks)
    size = max(4.2, 0.3 * count)
    room = 1.7 + CHARACTER * max(len(leveled_name(name)) for name in tasks["name"])
    figure = Figure(figsize=(room + size, 0.5 + (size + 0.9) * len(kinds)), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1, hspace=0.04)
    reach = max(LEAST, float(np.nanquantile(np.abs(gains.select(kinds).to_numpy().astype(float)), 0.95)))
    panels = figure.subplots(len(kinds), 1, squeeze=False)[:, 0]
    for kind, axes in zip(kinds, panels, strict=True):
        image = _panel(axes, gains, tasks, kind, reach)
        axes.set_title(ESTIMAND[kind], fontsize=9.5, x=0.0)
    bar = figure.colorbar(image, ax=panels, shrink=min(0.8, 0.6 / len(kinds) + 0.1), aspect=30, extend="both", pad=0.01)
    bar.set_label("◀ hurts          helps ▶")
    bar.outline.set_visible(False)
    handles = [
        *(_entry(mark, words) for mark, words in (
            (MARK[HELPS], "helps: claimed"), (MARK[HURTS], "hurts: claimed"), (MARK[NO_TRANSFER], "no transfer: shown"),
            *[(DOUBTED, "claimed, not confirmed")] * (DOUBTED in _marks(gains)["mark"]))),
        Patch(facecolor="none", edgecolor=INK, linewidth=1.6, label="one family: no claim"),
        Patch(facecolor=ABSENT, edgecolor="none", label="not trained"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower left", ncols=3, handlelength=1.0, columnspacing=1.4)
    return figure


def _panel(axes: Axes, gains: pl.DataFrame, tasks: pl.DataFrame, kind: str, reach: float) -> AxesImage:
    names = tasks["name"].to_list()
    place = {name: at for at, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    for target, source, gain in gains.select("target", "source", kind).drop_nulls().iter_rows():
        values[place[target], place[source]] = gain
    image = axes.imshow(values, cmap=HARM_TO_HELP.with_extremes(bad=ABSENT), vmin=-reach, vmax=reach)
    for target, source, mark in _marks(gains).iter_rows():
        if mark:
            y, x = place[target], place[source]
            dark = abs(values[y, x]) > 0.55 * reach
            axes.text(x, y, mark, ha="center", va="center_baseline", fontsize=11, fontweight="bold",
                      color="white" if dark else INK)  # fmt: skip
    for first, last in blocks(tasks):
        side = last - first + 1
        look = {"fill": False, "edgecolor": INK, "linewidth": 1.6, "zorder": 4}
        axes.add_patch(Rectangle((first - 0.5, first - 0.5), side, side, **look))
    for at in range(len(names)):
        axes.plot([at - 0.5, at + 0.5], [at - 0.5, at + 0.5], color=MUTED, linewidth=0.7)
    ends = np.arange(len(names) + 1) - 0.5
    axes.set_xticks(ends, minor=True)
    axes.set_yticks(ends, minor=True)
    axes.grid(which="minor", color=GRID, linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set_yticks(
        range(len(names)), [f"{leveled_name(name)}  {at}" for at, name in enumerate(names, 1)], fontsize=8.5
    )
    axes.set_xticks(range(len(names)), range(1, len(names) + 1), fontsize=8.5)
    axes.xaxis.tick_top()
    axes.set_ylabel("what is learnt (target)", color=MUTED)
    axes.set_xlabel("with what (source)", color=MUTED)
    axes.xaxis.set_label_position("top")
    axes.spines[:].set_visible(False)
    return image


def _marks(gains: pl.DataFrame) -> pl.DataFrame:
    """target, source, mark (null where nothing is claimed) of the pairs between families."""
    mark = pl.col("verdict").replace_strict(MARK, default=None, return_dtype=pl.String)
    if "confirmed" in gains.columns:
        mark = pl.when(REFUTED).then(pl.lit(DOUBTED)).otherwise(mark)
    return between(gains).select("target", "source", mark=mark)


def _entry(mark: str, words: str) -> Patch:
    """A legend entry that tells a mark by itself."""
    return Patch(facecolor="none", edgecolor="none", label=f"{mark}  {words}")
