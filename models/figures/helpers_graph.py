"""Who helps whom, as a graph: tasks on a ring, an arrow from source to target for every claim between families."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path

from lake.figures.style import GRID, INK, MUTED, drawn, empty
from models.figures.task_names import COLOUR, HELPS, HURTS, blocks, in_families, short_name

LARGEST, SMALLEST = 0.085, 0.022  # radius of the task with most labels, and of any; the ring has radius 1
PULL = 0.55  # how far arrows bend to the middle: 1 would lead them all through it
STYLE = {HELPS: "-", HURTS: (0, (4, 2))}


@drawn
def helpers_graph(gains: pl.DataFrame) -> Figure:
    """Arrows from who helps (or, dashed, hurts) to whom; the wider, the more. A ring's band joins a family.

    gains: as for the map. Claims inside a family are not drawn: they are no findings.
    """
    if not len(gains):
        return empty("No pair was trained yet: nobody is known to help anybody.")
    tasks = in_families(gains)
    claims = gains.filter(pl.col("verdict").is_in([HELPS, HURTS]), pl.col("family_target") != pl.col("family_source"))
    names = tasks["name"].to_list()
    angle = {name: np.pi / 2 - 2 * np.pi * at / len(names) for at, name in enumerate(names)}
    most = tasks["labels"].max() or 1
    radius = {
        name: SMALLEST + (LARGEST - SMALLEST) * np.sqrt((labels or 0) / most)
        for name, labels in tasks.select("name", "labels").iter_rows()
    }
    figure = Figure(figsize=(8.6, 8.9), layout="constrained")
    axes = figure.add_subplot(aspect="equal")
    axes.axis("off")
    for first, last in blocks(tasks):
        along = np.linspace(angle[names[first]], angle[names[last]], 40)
        axes.plot(np.cos(along), np.sin(along), color=GRID, linewidth=13, solid_capstyle="round", zorder=0)
    widest = claims["gain_placebo"].abs().max() or 1.0
    for row in claims.sort("gain_placebo", descending=True).iter_rows(named=True):
        _arrow(axes, row, angle, radius, widest)
    busy = {*claims["target"], *claims["source"]}
    for name in names:
        _task(axes, name, angle[name], radius[name], name in busy)
    axes.set_xlim(-1.95, 1.95)
    axes.set_ylim(-1.95, 1.95)
    handles = [
        Line2D([], [], color=COLOUR[verdict], linestyle=STYLE[verdict], linewidth=2,
               label=f"{verdict} ({(claims['verdict'] == verdict).sum()}), source ▸ target")
        for verdict in (HELPS, HURTS)
    ]  # fmt: skip
    handles += [
        Line2D([], [], color=GRID, linewidth=8, label="one family"),
        Line2D([], [], marker="o", linestyle="none", color=MUTED, markersize=8, label=f"area: labels, most {most:,}"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, columnspacing=1.6)
    return figure


def _arrow(axes: Axes, row: dict, angle: dict[str, float], radius: dict[str, float], widest: float) -> None:
    start, end = (np.array([np.cos(angle[row[side]]), np.sin(angle[row[side]])]) for side in ("source", "target"))
    bend = (1 - PULL) * (start + end) / 2
    # begins and ends at the rims; both directions of a pair part a little, each to its right
    along = end - start
    bend = bend + 0.07 * np.array([along[1], -along[0]])
    start = start + (radius[row["source"]] + 0.01) * _unit(bend - start)
    end = end + (radius[row["target"]] + 0.015) * _unit(bend - end)
    path = Path([start, bend, end], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
    share = abs(row["gain_placebo"]) / widest
    axes.add_patch(
        FancyArrowPatch(
            path=path, arrowstyle="-|>", mutation_scale=8 + 5 * share, linewidth=0.7 + 2.2 * share,
            color=COLOUR[row["verdict"]], linestyle=STYLE[row["verdict"]], alpha=0.75, zorder=2,
            shrinkA=0, shrinkB=0, capstyle="butt", joinstyle="miter",
        )
    )  # fmt: skip


def _task(axes: Axes, name: str, angle: float, radius: float, busy: bool) -> None:
    x, y = np.cos(angle), np.sin(angle)
    colour = INK if busy else MUTED
    axes.add_patch(Circle((x, y), radius, facecolor=INK if busy else "white", edgecolor=colour, zorder=3))
    left = x < -1e-9
    turned = np.degrees(angle) + (180 if left else 0)
    out = 1.0 + LARGEST + 0.03
    axes.text(
        out * x, out * y, short_name(name), rotation=turned, rotation_mode="anchor", va="center",
        ha="right" if left else "left", fontsize=8.8, color=colour,
    )  # fmt: skip


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
