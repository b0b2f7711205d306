"""COD: the Crystallography Open Database, crystal structures from experiment.

Its robots.txt forbids its pages and its maintainers ask for half a second between requests: the rate in the settings
keeps to that, and a first crawl of half a million CIFs takes days. Ask them, or use their rsync tree, for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lake.settings import Settings
from lake.sources.crystallography_open import CrystallographyOpen
from lake.sources.http import Polite
from lake.sources.page import Unusable


def source(settings: Settings) -> CrystallographyOpen:
    """The configured source."""
    return CrystallographyOpen(
        name="cod",
        title="Crystallography Open Database",
        citation="Grazulis et al., Nucleic Acids Research 40, D420 (2012), doi:10.1093/nar/gkr900",
        http=Polite("cod", settings),
        address=lambda entry: f"{entry}.cif",
        level=_level,
    )


def _level(row: Mapping[str, Any]) -> str:
    if "theoretical" in str(row.get("method") or ""):
        raise Unusable("COD is kept for experiments, this entry's method is 'theoretical'")
    return "experiment"
