"""SQL: `lake.duckdb`, a file of commented views that plain DuckDB opens."""

import hashlib

import dagster as dg

from assets.automation import FOLLOWS
from assets.conventions import shown
from lake.store import Lake
from lake.tables import TABLES

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
    "disagreement",
    "worst_disagreements",
]


@dg.asset(
    **shown("lake_duckdb", "gold", {"duckdb", "sql"}, ABOUT, ("lake.sql",)), deps=LAST, automation_condition=FOLLOWS
)
def lake_duckdb(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Swapped in whole: a reader that has the old file open keeps reading the old snapshot."""
    from lake.sql import publish

    path = publish(lake)
    versions = {name: lake.version(table) for name, table in TABLES.items()}
    return dg.MaterializeResult(
        metadata={"file": dg.MetadataValue.path(str(path)), "views": sum(v is not None for v in versions.values())},
        data_version=dg.DataVersion(hashlib.sha256(repr(versions).encode()).hexdigest()[:16]),
    )
