"""Panels: a figure of several equal drawings, two side by side, so that they are still legible on a phone."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

ACROSS = 2


def panels(count: int, width: float, height: float, above: float = 0.0) -> tuple[Figure, list[Axes]]:
    """A figure and its `count` axes, each width x height in inches, `above` more at the top; no other axes show."""
    across = min(ACROSS, count)
    down = -(-count // across)
    figure = Figure(figsize=(width * across, above + height * down), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    grid = list(figure.subplots(down, across, squeeze=False).flat)
    for axes in grid[count:]:
        axes.axis("off")
    return figure, grid[:count]
