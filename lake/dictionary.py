"""The data dictionary: every table and column, every property and where each database keeps it, as a page.

It is made of the contracts in `lake/tables` and of the catalog alone, so it needs no lake; `docs/data-dictionary.md` is
what it prints.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
import polars as pl

from lake.contract import Column, Table
from lake.properties import PROPERTIES
from lake.properties.definition import Property
from lake.tables import TABLES

HEAD = """\
# Data dictionary

Every table, column and property of the lake, printed by `crystal-lake dictionary`. Do not edit this page: change a
contract in `lake/tables/` or a property in `lake/properties/catalog`, and print it anew.
"""
TYPES = {
    pl.String: "text",
    pl.Float64: "number",
    pl.Int64: "whole number",
    pl.Boolean: "flag",
    pl.Datetime: "time (UTC)",
}


def dictionary() -> dict[str, Any]:
    """Tables and properties as plain data: `tables` and `properties`, in the order of their registries."""
    return {
        "tables": [_table(table) for table in TABLES.values()],
        "properties": [_property(told) for told in PROPERTIES.values()],
    }


def as_json() -> str:
    """The dictionary as JSON."""
    return orjson.dumps(dictionary(), option=orjson.OPT_INDENT_2).decode() + "\n"


def as_markdown() -> str:
    """The dictionary as a page."""
    told = dictionary()
    tables, properties = map(_table_section, told["tables"]), map(_property_section, told["properties"])
    count = f"{len(told['tables'])} tables and {len(told['properties'])} properties.\n"
    return "\n".join([HEAD, count, "## Tables\n", *tables, "## Properties\n", *properties])


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "layer": table.layer,
        "about": table.about,
        "key": list(table.key),
        "partition_by": table.partition_by,
        "open_ended": table.open_ended,
        "columns": [_column(column) for column in table.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": _type(column.dtype),
        "unit": column.unit,
        "nullable": column.nullable,
        "about": column.about,
    }


def _property(told: Property) -> dict[str, Any]:
    readings = [{"name": reading.name, **asdict(reading)} for reading in told.readings]
    return {**asdict(told), "readings": readings}


def _type(dtype: pl.DataType | type[pl.DataType]) -> str:
    return f"list of {_type(dtype.inner)}s" if isinstance(dtype, pl.List) else TYPES[dtype.base_type()]


def _table_section(table: dict[str, Any]) -> str:
    told = [f"Layer {table['layer']}", f"key {', '.join(table['key'])}"]
    told += [f"partitioned by {table['partition_by']}"] if table["partition_by"] else []
    told += ["and a column per property"] if table["open_ended"] else []
    rows = [
        (f"`{c['name']}`", c["type"] + (", may be null" if c["nullable"] else ""), c["unit"] or "", c["about"])
        for c in table["columns"]
    ]
    head = f"### `{table['name']}`\n\n{table['about']} {'; '.join(told)}.\n\n"
    return head + _rows(("column", "type", "unit", "meaning"), rows)


def _property_section(told: dict[str, Any]) -> str:
    unit = told["unit"] or "no unit"
    facts = [
        told["origin"], told["group"], told["kind"], told["shape"], unit, f"range {told['low']:g} to {told['high']:g}",
        f"levels for the matrix and learning: {', '.join(told['levels'])}",
    ]  # fmt: skip
    facts += ["learnt on its logarithm"] if told["log"] else []
    facts += ["its sign is a convention"] if told["unsigned"] else []
    if told["family"]:
        facts.append(f"family {told['family']}{': ' if told['family_words'] else ''}{told['family_words']}")
    rows = [
        (f"`{r['name']}`", r["route"], r["unit"], r["level_of_theory"] or "as the row states", r["correction"],
         r["method"] + _conditions(r))
        for r in told["readings"]
    ]  # fmt: skip
    head = f"### `{told['name']}`\n\n{told['label']}. {told['about']}\n\n{'; '.join(facts)}.\n\n"
    return head + _rows(("reading", "route", "unit", "level of theory", "correction", "method"), rows)


def _conditions(reading: dict[str, Any]) -> str:
    at = [
        f"{reading[name]:g} {unit}"
        for name, unit in (("temperature", "K"), ("pressure", "GPa"))
        if reading[name] is not None
    ]
    return f", at {' and '.join(at)}" if at else ""


def _rows(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [names, ("---",) * len(names), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
