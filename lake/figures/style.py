"""How every picture looks: colours and marks of origin, short names of databases, spelling of units, fonts and grid."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import matplotlib
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

DPI = 170
INK, MUTED, GRID, WATER = "#17252f", "#55656f", "#dde5e9", "#12607f"

# Origin is told three times, by colour, by shape and by word, so that no reader depends on colour.
ORIGIN_COLOUR: Mapping[str, str] = MappingProxyType(
    {"measured": "#b84a00", "computed": "#0a6aa1", "predicted": "#a3439a"}
)
ORIGIN_MARKER: Mapping[str, str] = MappingProxyType({"measured": "o", "computed": "s", "predicted": "^"})

SOURCE_NAME: Mapping[str, str] = MappingProxyType(
    {
        "mp": "Materials Project",
        "aflow": "AFLOW",
        "ocp": "Open Catalyst",
        "cod": "COD",
        "pcod": "PCOD",
        "oqmd": "OQMD",
        "folder": "Your own files",
    }
)

DEPTH = LinearSegmentedColormap.from_list("lake depth", ["#e3f1f4", "#8cc5d3", "#2f88a8", "#0b4f72", "#062c45"])

HALO = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0}  # behind words that stand on data

RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

# A decorator: inside the function the look holds, outside the process's own settings are untouched.
drawn = matplotlib.rc_context(RC)


@drawn
def empty(message: str) -> Figure:
    """A small picture that says why there is nothing to see."""
    figure = Figure(figsize=(7, 1.2))
    figure.text(0.5, 0.5, message, ha="center", va="center", color=MUTED)
    return figure


@drawn
def save(figure: Figure, path: Path, snapshot: str = "") -> Path:
    """Write the figure as PNG, sharp enough for print and for a dense screen; its header names the lake's snapshot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"Software": None} | ({"Source": f"Crystal Lake, snapshot {snapshot}"} if snapshot else {})
    figure.savefig(path, dpi=DPI, bbox_inches="tight", pad_inches=0.08, metadata=told)
    return path


@drawn
def png(figure: Figure, dpi: int) -> bytes:
    """The figure as PNG of so many dots per inch, for a place that takes no file."""
    held = BytesIO()
    figure.savefig(held, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.08, metadata={"Software": None})
    return held.getvalue()


def unit_text(unit: str) -> str:
    """A unit as people print it: K, μB/atom, W/m/K."""
    for spelled, printed in (("kelvin", "K"), ("muB", "μB"), ("angstrom**3", "Å³"), ("^2", "²"), ("^3", "³")):
        unit = unit.replace(spelled, printed)
    return unit


def with_unit(words: str, unit: str) -> str:
    """Words with their unit behind, for an axis."""
    return f"{words} ({unit_text(unit)})" if unit else words


def origin_handle(origin: str, words: str | None = None, **kwargs: object) -> Line2D:
    """A legend entry for measured, computed or predicted."""
    look = {"marker": ORIGIN_MARKER[origin], "color": ORIGIN_COLOUR[origin], "linestyle": "none", "markersize": 6}
    return Line2D([], [], label=words or origin, **(look | kwargs))
