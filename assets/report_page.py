"""The report: one self-contained page about one lake, to open from disk, print, or mail.

Pictures stand inline in the page and, as files, beside it in `reports/figures/`. What the page says is gathered in
`report_facts.py`; how it looks is `report.html.j2`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.map_pages import draw_maps, write_pages
from assets.report_facts import Facts, facts
from lake.contract import Table
from lake.store import Lake
from lake.tables import (
    CANDIDATES,
    DISAGREEMENT,
    ERRORS_BY_GROUP,
    GRID,
    LEADERBOARD,
    LEARNING_CURVES,
    LEARNT_STRUCTURE,
    MATERIALS,
    MULTITASK,
    PREDICTIONS,
    PROPERTY_MATRIX,
    TRANSFER,
)

if TYPE_CHECKING:
    import jinja2

SCREEN_DPI = 96  # what a browser takes for an inch

# picture -> the table without which it shows nothing
NEEDS: Mapping[str, Table] = {
    "coverage": PROPERTY_MATRIX,
    "overlap": MATERIALS,
    "apart": DISAGREEMENT,
    "elements": MATERIALS,
    "parity": PREDICTIONS,
    "leaderboard": LEADERBOARD,
    "learning_curves": LEARNING_CURVES,
    "errors_by_chemistry": ERRORS_BY_GROUP,
    "errors_by_element": ERRORS_BY_GROUP,
    "grid": GRID,
    "gains": TRANSFER,
    "sharing_gains": MULTITASK,
    "low_data": MULTITASK,
    "structures": LEARNT_STRUCTURE,
    "candidates": CANDIDATES,
    "bargains": CANDIDATES,
}


@dataclass(frozen=True)
class Picture:
    """An image as the page carries it: its bytes as a data address, and the width at which its words read well."""

    src: str
    width: int


def render(lake: Lake, snapshot: str = "") -> Path:
    """Write `reports/report.html`, its pictures and the pages of maps below the lake's root; returns the page's path.

    snapshot: name of the one that the lake is pinned to; page and pictures say it, so that they can be made again.

    A lake without some tables still gets its page: the sections say what to materialise.
    """
    folder, said = lake.root / "reports", facts(lake, snapshot)
    drawn = draw(lake, folder / "figures", snapshot) + draw_maps(said.maps, folder / "figures", snapshot)
    page = folder / "report.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    write_pages(said.maps, folder, filled)
    fresh = page.with_suffix(".new")
    fresh.write_text(html(said, {path.stem: inline(path) for path in drawn}), encoding="utf-8")
    return fresh.replace(page)


def draw(lake: Lake, folder: Path, snapshot: str = "") -> list[Path]:
    """Draw every picture whose table has rows, as PNG in the folder; an outdated picture is taken away."""
    from lake.figures.style import save

    written = []
    for name, picture in _pictures().items():
        path = folder / f"{name}.png"
        if lake.scan(NEEDS[name]).head(1).collect().is_empty():
            path.unlink(missing_ok=True)
        else:
            written.append(save(picture(lake), path, snapshot))
    return written


def html(said: Facts, pictures: Mapping[str, Picture]) -> str:
    """The page as text."""
    return filled("report.html.j2", pictures=pictures, **vars(said))


def filled(template: str, **values: Any) -> str:
    """A template of this folder with its values, as text."""
    return _templates().get_template(template).render(**values)


@cache
def _templates() -> jinja2.Environment:
    """The templates of this folder, with the filters that all of them know."""
    import jinja2

    from lake.figures.style import unit_text
    from models.figures.task_names import label_of, level_of
    from models.transfer_map.pages import change, interval

    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    pages.filters |= {
        "number": number,
        "count": count,
        "formula": formula,
        "unit": unit_text,
        "percent": percent,
        "share": share,
        "signed": signed,
        "small": small,
        "change": change,
        "span": interval,
        "task_label": label_of,
        "task_level": level_of,
    }
    return pages


def number(value: float) -> str:
    """A value to three significant digits, as people write it: 2,000, 92.0 as 92, 0.0123."""
    return f"{float(f'{value:.3g}'):,g}".replace("-", "−")


def count(value: int) -> str:
    """A count with its thousands apart."""
    return f"{value:,}"


def percent(value: float) -> str:
    """A share with its sign, one decimal."""
    return f"{value:+.1%}".replace("-", "−").replace("%", " %")


def share(value: float) -> str:
    """A share without a sign, to two significant digits: 2.6 %, 0.012 %."""
    return f"{float(f'{100 * value:.2g}'):g} %"


def signed(value: float, digits: int = 4) -> str:
    """A number with its sign, to so many decimals."""
    return f"{value:+.{digits}f}".replace("-", "−")


def small(p: float) -> str:
    """A probability to two digits; the smallest are said to be small."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def formula(text: str) -> Any:
    """A formula with its numbers set low."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"(\d+\.?\d*)", r"<sub>\1</sub>", str(escape(text))))  # escaped before it is marked safe


def _pictures() -> Mapping[str, Callable]:
    import lake.figures
    import models.figures

    drawn = (*((lake.figures, n) for n in lake.figures.__all__), *((models.figures, n) for n in models.figures.__all__))
    return {name: getattr(module, name) for module, name in drawn}


def inline(path: Path) -> Picture:
    """A PNG file as a picture of the page."""
    from lake.figures.style import DPI

    png = path.read_bytes()
    pixels = int.from_bytes(png[16:20], "big")  # PNG's header: the width stands at byte 16
    return Picture("data:image/png;base64," + base64.b64encode(png).decode(), round(pixels * SCREEN_DPI / DPI))
