"""Conventions: how every asset looks in the UI. What a table is, its contract says; here it becomes Dagster's words.

`shown_as` and `shown` give the words an asset is defined with, `described` those that one materialisation reports.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from assets.versions import code_version, data_version
from lake.properties import PROPERTIES
from lake.store import Lake
from lake.tables import Column, Table

OWNERS = ("team:crystal-lake",)


def shown(key: str, group: str, kinds: set[str], about: str, code: tuple[str, ...], also: str = "") -> dict[str, Any]:
    """Arguments for `dg.asset` and `dg.AssetSpec` alike. `code`: the modules that decide what comes out."""
    return {
        "key": dg.AssetKey.from_user_string(key),
        "group_name": group,
        "kinds": kinds,
        "owners": list(OWNERS),
        "description": about,
        "code_version": code_version(*code, also=also),
        "metadata": {"code": ", ".join(code)},
    }


def shown_as(
    table: Table,
    code: tuple[str, ...],
    group: str | None = None,
    key: str | None = None,
    kinds: frozenset[str] = frozenset({"deltalake", "polars"}),
    about: str | None = None,
    also: str = "",
) -> dict[str, Any]:
    """`shown`, as the table's contract says: its layer is the group, its columns are the schema."""
    words = shown(key or table.name, group or table.layer, set(kinds), about or table.about, code, also)
    words["metadata"] |= {"table": table.name, "dagster/column_schema": column_schema(table)}
    return words


def column_schema(table: Table) -> dg.TableSchema:
    """The contract as the UI shows it: type, meaning, unit and nullability of each column; the key as a constraint."""
    columns = [_column(column, unique=table.key == (column.name,)) for column in table.columns]
    if table.open_ended:
        columns += [dg.TableColumn(p.name, "Float64", _with_unit(p.label, p.unit)) for p in PROPERTIES.values()]
    rules = [f"unique: {', '.join(table.key)}"] + ([f"partitioned by {table.partition_by}"] if table.partition_by else [])
    return dg.TableSchema(columns, constraints=dg.TableConstraints(other=rules))


def _column(column: Column, unique: bool) -> dg.TableColumn:
    constraints = dg.TableColumnConstraints(nullable=column.nullable, unique=unique)
    return dg.TableColumn(column.name, str(column.dtype), _with_unit(column.about, column.unit), constraints)


def _with_unit(about: str, unit: str | None) -> str:
    return f"{about} [{unit}]" if unit else about


def described(
    lake: Lake, table: Table, partition: str | None = None, key: str | None = None, **facts: Any
) -> dg.MaterializeResult:
    """What was materialised: rows, Delta version, folder and facts as metadata; the content's address as data version."""
    rows = part(lake, table, partition)
    metadata: Mapping[str, Any] = {
        "dagster/partition_row_count" if partition else "dagster/row_count": len(rows),
        "delta_version": lake.version(table),
        "folder": dg.MetadataValue.path(str(lake.path(table))),
        **facts,
    }
    asset_key = dg.AssetKey.from_user_string(key or table.name)
    return dg.MaterializeResult(asset_key=asset_key, metadata=metadata, data_version=dg.DataVersion(data_version(rows)))


def part(lake: Lake, table: Table, partition: str | None = None) -> pl.DataFrame:
    """The table or one partition of it, without payloads: their SHA-256 speaks for them and costs no memory."""
    rows = lake.scan(table)
    if partition is not None:
        rows = rows.filter(pl.col(table.partition_by) == partition)
    return rows.select(pl.exclude("payload")).collect()
