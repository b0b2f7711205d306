"""SQL: `lake.duckdb`, a file of commented views that plain DuckDB opens."""

import hashlib

import dagster as dg

from assets.automation import FOLLOWS
from assets.conventions import shown
from lake.store import Lake

ABOUT = "Commented DuckDB views over the current Parquet files of every table: open `lake.duckdb` read-only and ask."
LAST = [
    "property_matrix",
    "matrix_provenance",
    "splits",
    "matches",
    "rejects",
    "pages",
    "crawls",
    "transfer",
    "candidates",
]


@dg.asset(
    **shown("lake_duckdb", "gold", {"duckdb", "sql"}, ABOUT, ("lake.sql", "lake.snapshots")),
    deps=LAST,
    automation_condition=FOLLOWS,
)
def lake_duckdb(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Swapped in whole: a reader that has the old file open keeps reading the old snapshot."""
    from lake import snapshots, sql

    path = sql.publish(lake)
    name = sql.shown(lake)
    return dg.MaterializeResult(
        metadata={
            "file": dg.MetadataValue.path(str(path)),
            "snapshot": name,
            "tables": len(snapshots.at(lake, name).versions),
        },
        data_version=dg.DataVersion(hashlib.sha256(name.encode()).hexdigest()[:16]),
    )
