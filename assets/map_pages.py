"""Transfer maps in the report: their pictures, and a page per property, which are files of their own beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from assets.map_facts import MapFacts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "transfer"  # below reports/, a folder per study in it
PREFIX = "transfer"  # of the pictures' names


def draw_maps(maps: Sequence[MapFacts], folder: Path, snapshot: str = "") -> list[Path]:
    """Draw the pictures of every study as PNG in the folder; those of a study that is gone are taken away."""
    from lake.figures.style import save

    written = [
        save(picture(), folder / f"{PREFIX}_{name}_{one.slug}.png", snapshot)
        for one in maps
        for name, picture in pictures(one).items()
    ]
    for stale in set(folder.glob(f"{PREFIX}_*.png")) - set(written):
        stale.unlink()
    return written


def pictures(one: MapFacts) -> Mapping[str, Callable[[], Figure]]:
    """Name -> what draws it; only what there is something to show of."""
    from models.figures.helpers_graph import helpers_graph
    from models.figures.placebo import placebo
    from models.figures.power import power, spreads
    from models.figures.task_names import between, of_pairs
    from models.figures.transfer_groups import transfer_groups
    from models.figures.transfer_map import transfer_map

    trained = of_pairs(one.gains)
    found = {
        "map": lambda: transfer_map(one.gains),
        "raw": lambda: transfer_map(one.gains, ("gain",)),
        "graph": lambda: helpers_graph(one.gains),
        "placebo": lambda: placebo(between(trained)),
    }
    if len(spreads(trained)):
        found["power"] = lambda: power(trained)
    divided = of_all(one.groups)
    if len(divided):
        found["groups"] = lambda: transfer_groups(divided)
    return found


def of_all(groups: pl.DataFrame) -> pl.DataFrame:
    """The division for all targets, as its picture takes it: the exact one where there is one."""
    serves = groups.filter(target="")
    best = "exact" if (serves["method"] == "exact").any() else serves["method"].min()
    unknown = pl.lit(None, pl.Float64)
    return serves.filter(method=best or "").select("group", "gain", target="task", low=unknown, high=unknown)


def write_pages(maps: Sequence[MapFacts], reports: Path, render: Callable[..., str]) -> list[Path]:
    """Write `transfer/<study>/<property>.html` below the reports; a page that no longer holds is taken away.

    render: a template's name and its values -> text.
    """
    folder, written = reports / FOLDER, []
    for one in maps:
        for page in one.pages:
            path = folder / one.slug / f"{page['to']}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_text(render("map_page.html.j2", map=one, page=page), encoding="utf-8")
            written.append(fresh.replace(path))
    for stale in set(folder.glob("*/*.html")) - set(written):
        stale.unlink()
    return written
