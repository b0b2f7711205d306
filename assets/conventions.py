"""Conventions: how every asset looks in the UI. What a table is, its contract says; here it becomes Dagster's words.

`shown` and `shown_as` give the words that define an asset. How one materialisation is reported: described.py.
"""

from typing import Any

import dagster as dg

from assets.versions import code_version
from lake.contract import Column, Table
from lake.policies import default

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
    kinds: tuple[str, ...] = ("deltalake", "polars"),
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
        beyond = default().columns
        columns += [dg.TableColumn(c.name, "Float64", _with_unit(c.label, c.known.unit)) for c in beyond]
    rules = [f"unique: {', '.join(table.key)}"]
    if table.partition_by:
        rules.append(f"partitioned by {table.partition_by}")
    return dg.TableSchema(columns, constraints=dg.TableConstraints(other=rules))


def _column(column: Column, unique: bool) -> dg.TableColumn:
    constraints = dg.TableColumnConstraints(nullable=column.nullable, unique=unique)
    return dg.TableColumn(column.name, str(column.dtype), _with_unit(column.about, column.unit), constraints)


def _with_unit(about: str, unit: str | None) -> str:
    return f"{about} [{unit}]" if unit else about
