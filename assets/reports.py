"""Reports: what the lake says to people who open a page and not a table."""

import hashlib

import dagster as dg

from assets.conventions import shown
from assets.trust import COMPARED
from lake.store import Lake

ABOUT = "One page with pictures: coverage, overlap of the sources, parity, gains, the transfer map, candidates."
PARTS = (
    "assets.report_page", "assets.map_facts", "assets.map_pages", "lake.figures", "models.figures",
    "models.transfer_map.pages", "models.transfer_map.reasons",
)  # fmt: skip


@dg.asset(
    **shown("report", "reports", {"html", "matplotlib"}, ABOUT, PARTS),
    deps=[
        "property_matrix",
        "materials",
        "entries",
        "rejects",
        "baselines",
        "predictions",
        "calibration",
        "transfer",
        "candidates",
        "leaderboard",
        "learning_curves",
        "errors_by_group",
        *(table.name for table in COMPARED),
    ],
)
def report(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """The page is a file below `reports/`; the UI links to it, the event log keeps no picture."""
    from assets.report_page import render
    from lake.snapshots import at, take

    snapshot = take(lake)
    path = render(at(lake, snapshot), snapshot)
    return dg.MaterializeResult(
        metadata={
            "snapshot": snapshot,
            "page": dg.MetadataValue.url(path.as_uri()),
            "file": dg.MetadataValue.path(str(path)),
        },
        data_version=dg.DataVersion(hashlib.sha256(path.read_bytes()).hexdigest()[:16]),
    )
