"""PCOD: the Predicted Crystallography Open Database, frameworks that the program GRINSP built; geometry only.

The same engine as COD with another folder scheme for its CIFs, and it does not change. Assumed, for nobody here saw it:
that it serves result lists as JSON, as its sister databases do; that a copy of its files has the folders of its URLs;
how large a CIF is. No rsync module of it is known: ask the server what it has (`rsync rsync://www.crystallography.net/`).
If the first crawl finds otherwise, this module is the place.
"""

from __future__ import annotations

from lake.settings import Settings
from lake.sources.crystallography_open.engine import CrystallographyOpen, locally
from lake.wire.http import Polite

CIF_BYTES = 4_000  # a guess: a cell, a space group and few sites


def source(settings: Settings) -> CrystallographyOpen:
    """The configured source. Raises ValueError for settings that leave no way to it."""
    return CrystallographyOpen(
        name="pcod",
        title="Predicted Crystallography Open Database",
        citation="Le Bail, J. Appl. Cryst. 38, 389 (2005), doi:10.1107/S0021889805002384",
        http=Polite("pcod", settings),
        address=_address,
        level=lambda row: "GRINSP model",
        cif_bytes=CIF_BYTES,
        before=(
            "CIF by CIF, a million of them, this takes about six days at 2 requests a second: ask its maintainers "
            "first whether they give you a copy, and name it in CRYSTAL_LAKE_PCOD_TREE"
        ),
        **locally("pcod", settings, _address),
    )


def _address(entry: str) -> str:
    return f"cif/{entry[:1]}/{entry[:3]}/{entry}.cif"
