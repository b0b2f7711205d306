"""Who helps whom, as a graph: tasks on a ring, an arrow from source to target for every claim between families."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, PathPatch, Polygon
from matplotlib.path import Path

from lake.figures.style import GRID, INK, MUTED, drawn, empty
from models.figures.task_names import COLOUR, HELPS, HURTS, between, blocks, claims, in_families, level_of, short_name

LARGEST, SMALLEST = 0.06, 0.02  # radius of the task with most labels, and of any; the ring has radius 1
MOST = 48  # arrows: more are a tangle; the strongest stand, and the legend says how many there are
PULL = 0.55  # how far arrows bend to the middle: 1 would lead them all through it
NEAREST, CHARACTER = 1.12, 0.0125  # half the picture without names, and what a character of a name takes of the whole
STYLE = {HELPS: "-", HURTS: (0, (4, 2))}


@drawn
def helpers_graph(gains: pl.DataFrame) -> Figure:
    """Arrows from who helps (or, dashed, hurts) to whom; the wider, the more. A ring's band joins a family.

    gains: as for the map. Claims that are not between families, or not confirmed, are no findings and not drawn; of
    many, the strongest MOST are.
    """
    if not len(gains):
        return empty("No pair was trained yet: nobody is known to help anybody.")
    tasks = in_families(gains)
    found = claims(gains)
    refuted = int(between(gains)["verdict"].is_in([HELPS, HURTS]).sum()) - len(found)
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
    widest = found["gain_placebo"].abs().max() or 1.0
    drawn_ones = found.sort(pl.col("gain_placebo").abs(), "target", "source", descending=[True, False, False])
    drawn_ones = drawn_ones.head(MOST)
    for row in drawn_ones.reverse().iter_rows(named=True):  # the strongest on top
        _arrow(axes, row, angle, radius, widest)
    busy = {*found["target"], *found["source"]}
    for name in names:
        _task(axes, name, angle[name], radius[name], name in busy)
    longest = max(len(line) for name in names for line in _lines(name).split("\n"))
    reach = NEAREST / (1 - CHARACTER * longest)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    handles = []
    for verdict in (HELPS, HURTS):
        count, shown = (int((rows["verdict"] == verdict).sum()) for rows in (found, drawn_ones))
        words = f"source {verdict} target: {count}" + (f", strongest {shown} drawn" if shown < count else "")
        handles.append(Line2D([], [], color=COLOUR[verdict], linestyle=STYLE[verdict], linewidth=2, label=words))
    handles += [
        Line2D([], [], color=GRID, linewidth=8, label="one family"),
        Line2D([], [], marker="o", linestyle="none", color=MUTED, markersize=8, label=f"area: labels, most {most:,}"),
    ]
    if refuted:
        handles.append(Line2D([], [], linestyle="none", label=f"not confirmed, not drawn: {refuted}"))
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
    colour, share = COLOUR[row["verdict"]], abs(row["gain_placebo"]) / widest
    ahead = _unit(end - bend)
    side, long = np.array([-ahead[1], ahead[0]]), 0.05 + 0.025 * share
    foot = end - long * ahead
    look = {"linewidth": 0.8 + 2.2 * share, "linestyle": STYLE[row["verdict"]], "alpha": 0.8, "zorder": 2}
    path = Path([start, bend, foot], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
    axes.add_patch(PathPatch(path, facecolor="none", edgecolor=colour, capstyle="butt", **look))
    head = [end, foot + 0.42 * long * side, foot - 0.42 * long * side]
    axes.add_patch(Polygon(head, closed=True, facecolor=colour, edgecolor="white", linewidth=0.4, zorder=2.5))


def _task(axes: Axes, name: str, angle: float, radius: float, busy: bool) -> None:
    x, y = np.cos(angle), np.sin(angle)
    colour = INK if busy else MUTED
    axes.add_patch(Circle((x, y), radius, facecolor=INK if busy else "white", edgecolor=colour, zorder=3))
    left = x < -1e-9
    turned = np.degrees(angle) + (180 if left else 0)
    out = 1.0 + LARGEST + 0.03
    axes.text(
        out * x, out * y, _lines(name), rotation=turned, rotation_mode="anchor", va="center",
        ha="right" if left else "left", multialignment="right" if left else "left", fontsize=8.2, linespacing=1.05,
        color=colour,
    )  # fmt: skip


def _lines(name: str) -> str:
    """The name, and below it the level of theory: names are what makes the ring small."""
    return "\n".join(part for part in (short_name(name), level_of(name)) if part)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
