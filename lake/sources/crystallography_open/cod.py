"""COD: the Crystallography Open Database, crystal structures from experiment.

Its robots.txt forbids its pages and its maintainers ask for half a second between requests: the rate in the settings
keeps to that, and a first crawl of half a million CIFs takes days. Better is the rsync tree that they offer: name it in
CRYSTAL_LAKE_COD_RSYNC, or a copy of it in CRYSTAL_LAKE_COD_TREE. A nightly list of all rows is 0.8 GB, what rsync
compares is a few megabytes.
"""

from __future__ import annotations

from lake.settings import Settings
from lake.sources.crystallography_open.engine import CrystallographyOpen, locally
from lake.sources.crystallography_open.rows import Row
from lake.sources.page import Unusable
from lake.wire.http import Polite

TREE_BYTES, TREE_FILES = 109_000_000_000, 535_041  # of the rsync tree, as somebody saw it in 2026


def source(settings: Settings) -> CrystallographyOpen:
    """The configured source. Raises ValueError for settings that leave no way to it."""
    return CrystallographyOpen(
        name="cod",
        title="Crystallography Open Database",
        citation="Grazulis et al., Nucleic Acids Research 40, D420 (2012), doi:10.1093/nar/gkr900",
        http=Polite("cod", settings),
        address=lambda entry: f"{entry}.cif",
        level=_level,
        cif_bytes=TREE_BYTES // TREE_FILES,
        before=(
            "CIF by CIF this takes about three days at 2 requests a second; its maintainers offer the whole tree, "
            "109 GB, by rsync: set CRYSTAL_LAKE_COD_RSYNC=rsync://www.crystallography.net/cif/"
        ),
        **locally("cod", settings, lambda entry: f"{entry[0]}/{entry[1:3]}/{entry[3:5]}/{entry}.cif"),
    )


def _level(row: Row) -> str:
    if "theoretical" in str(row.get("method") or ""):
        raise Unusable("COD is kept for experiments, this entry's method is 'theoretical'")
    return "experiment"
