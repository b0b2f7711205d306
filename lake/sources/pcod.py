"""PCOD: the Predicted Crystallography Open Database, frameworks that the program GRINSP built; geometry only.

The same engine as COD with another folder scheme for its CIFs. That it serves result lists as JSON is inferred from
its sister databases, not seen: if the first crawl finds otherwise, this module and its address are the place.
"""

from __future__ import annotations

from lake.settings import Settings
from lake.sources.crystallography_open import CrystallographyOpen
from lake.sources.http import Polite


def source(settings: Settings) -> CrystallographyOpen:
    """The configured source."""
    return CrystallographyOpen(
        name="pcod",
        title="Predicted Crystallography Open Database",
        citation="Le Bail, J. Appl. Cryst. 38, 389 (2005), doi:10.1107/S0021889805002384",
        http=Polite("pcod", settings),
        address=lambda entry: f"cif/{entry[:1]}/{entry[:3]}/{entry}.cif",
        level=lambda row: "GRINSP model",
    )
