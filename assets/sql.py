"""SQL: `lake.duckdb`, a file of commented views that plain DuckDB opens, and the snapshots that it showed."""

import hashlib
from collections.abc import Iterator

import dagster as dg

from assets.automation import FOLLOWS
from assets.conventions import shown, shown_as
from assets.described import contract, described
from lake.store import Lake
from lake.tables import SNAPSHOTS

ABOUT = "Commented DuckDB views over the current Parquet files of every table: open `lake.duckdb` read-only and ask."
LAST = [
    "property_matrix",
    "matrix_provenance",
    "splits",
    "matches",
    "rejects",
    "pages",
    "crawls",
    "calibration",
    "transfer",
    "candidates",
    "disagreement",
    "worst_disagreements",
    "compositions",
]
CODE = ("lake.sql", "lake.snapshots")


@dg.multi_asset(
    specs=[
        dg.AssetSpec(**told, deps=LAST, automation_condition=FOLLOWS, skippable=True)
        for told in (shown("lake_duckdb", "gold", {"duckdb", "sql"}, ABOUT, CODE), shown_as(SNAPSHOTS, CODE))
    ],
    check_specs=[contract(SNAPSHOTS)],
    can_subset=True,
)
def lake_duckdb(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator[dg.MaterializeResult]:
    """Swapped in whole: a reader that has the old file open keeps reading the old snapshot."""
    from lake import snapshots, sql

    path = sql.publish(lake)
    name = sql.shown(lake)
    chosen = {key.to_user_string() for key in context.selected_asset_keys}
    if SNAPSHOTS.name in chosen:
        yield described(lake, SNAPSHOTS, snapshot=name)
    if "lake_duckdb" in chosen:
        yield dg.MaterializeResult(
            asset_key="lake_duckdb",
            metadata={
                "file": dg.MetadataValue.path(str(path)),
                "snapshot": name,
                "tables": len(snapshots.at(lake, name).versions),
            },
            data_version=dg.DataVersion(hashlib.sha256(name.encode()).hexdigest()[:16]),
        )
