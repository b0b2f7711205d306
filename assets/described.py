"""Described: what one materialisation reports. Rows, version and facts, the address of its content, and its contract.

The contract is checked in the same step, on the rows that are read back for the content's address: a step of its own
for each table costs Dagster more time than the check.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dagster as dg
import polars as pl

from assets.versions import data_version
from lake.contract import ContractError, Table
from lake.store import Lake
from lake.tables import OBSERVATIONS

CONTRACT = "contract_holds"
PARTITION_ROWS = "dagster/partition_row_count"


def contract(table: Table, key: str | None = None) -> dg.AssetCheckSpec:
    """The check that every table asset owes."""
    about = "Read back, columns, types and nulls are as the table promises, and its key is unique."
    return dg.AssetCheckSpec(CONTRACT, asset=dg.AssetKey.from_user_string(key or table.name), description=about)


def described(
    lake: Lake,
    table: Table,
    partition: str | None = None,
    key: str | None = None,
    checks: tuple[dg.AssetCheckResult, ...] = (),
    **facts: Any,
) -> dg.MaterializeResult:
    """Rows, Delta version, folder and facts as metadata; the content's address as data version."""
    rows = part(lake, table, None if partition is None else [partition])
    counted = {"dagster/row_count" if partition is None else PARTITION_ROWS: len(rows)}
    return _reported(lake, table, rows, key or table.name, checks, counted | facts)


def described_together(
    context: dg.AssetExecutionContext, lake: Lake, table: Table, **facts: Any
) -> dg.MaterializeResult:
    """What `described` says, of all partitions that one run made; how many rows each has, its own event says.

    Dagster gives all partitions of a run one data version: one that is made alone afterwards has a new one.
    """
    rows = part(lake, table, context.partition_keys)
    sizes = dict(rows[table.partition_by].value_counts().iter_rows())
    for name in context.partition_keys:
        context.add_asset_metadata({PARTITION_ROWS: sizes.get(name, 0)}, table.name, name)
    return _reported(lake, table, rows, table.name, (), {"rows": len(rows)} | facts)


def part(lake: Lake, table: Table, partitions: Sequence[str] | None = None) -> pl.DataFrame:
    """The table or these partitions of it, without payloads: their SHA-256 speaks for them and costs no memory.

    Nor with the run that wrote a row: it changes each time, and the row does not.
    """
    rows = lake.scan(table)
    if partitions is not None:
        rows = rows.filter(pl.col(table.partition_by).is_in(list(partitions)))
    return rows.select(pl.exclude("payload", *(["run"] if table is OBSERVATIONS else []))).collect()


def _reported(
    lake: Lake,
    table: Table,
    rows: pl.DataFrame,
    key: str,
    checks: tuple[dg.AssetCheckResult, ...],
    facts: dict[str, Any],
) -> dg.MaterializeResult:
    metadata = {
        "delta_version": -1 if lake.version(table) is None else lake.version(table),
        "folder": dg.MetadataValue.path(str(lake.path(table))),
        **{name: fact for name, fact in facts.items() if fact is not None},
    }
    asset_key = dg.AssetKey.from_user_string(key)
    return dg.MaterializeResult(
        asset_key=asset_key,
        metadata=metadata,
        data_version=dg.DataVersion(data_version(rows)),
        check_results=[_contract_holds(table, rows, asset_key), *checks],
    )


def _contract_holds(table: Table, rows: pl.DataFrame, key: dg.AssetKey) -> dg.AssetCheckResult:
    promised = replace(table, columns=tuple(column for column in table.columns if column.name in rows.columns))
    try:
        promised.checked(rows)
    except ContractError as broken:
        return dg.AssetCheckResult(check_name=CONTRACT, asset_key=key, passed=False, description=str(broken))
    return dg.AssetCheckResult(check_name=CONTRACT, asset_key=key, passed=True)
