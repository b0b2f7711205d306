"""lake.duckdb: the lake for SQL. Commented views over the current Parquet files, and a way to ask that only reads.

Any DuckDB from 1.0 opens the file, without extension or internet: it holds no data, only macros, and views with
absolute paths.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import duckdb
import polars as pl

from lake.contract import Column, Table
from lake.macros import MACROS
from lake.policies import policies
from lake.store import Lake
from lake.tables import TABLES
from lake.views import VIEWS

NAME = "lake.duckdb"
TYPES = {
    pl.String: "VARCHAR",
    pl.Float64: "DOUBLE",
    pl.Int64: "BIGINT",
    pl.Boolean: "BOOLEAN",
    pl.Datetime: "TIMESTAMP WITH TIME ZONE",
}


# A column means the same wherever it stands: views take their words from the tables, where they have none of their own.
COLUMNS = {column.name: column.about for table in reversed(TABLES.values()) for column in table.columns}


class QueryError(ValueError):
    """A query that is not answered; the message says why, and what would be."""


def publish(lake: Lake) -> Path:
    """Write `lake.duckdb` anew: a view per table, the views for common questions, and the macros; returns its path.

    It is written aside and renamed, so a reader sees the old or the new one, and one that is open goes on with the old.
    """
    lake.root.mkdir(parents=True, exist_ok=True)
    published, aside = lake.root / NAME, lake.root / f".{NAME}.{uuid4().hex}"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {_text(str(aside))} AS lake (STORAGE_VERSION 'v1.0.0')")
        connection.execute("USE lake")
        for table in TABLES.values():
            _create_table_view(connection, lake, table)
        for view in VIEWS:
            connection.execute(f"CREATE VIEW {view.name} AS {view.select}")
            names = [row[0] for row in connection.execute(f"DESCRIBE {view.name}").fetchall()]
            _comment(connection, view.name, view.about, {name: (COLUMNS | view.columns)[name] for name in names})
        for macro in MACROS:
            connection.execute(macro.statement)
            connection.execute(f"COMMENT ON MACRO TABLE {macro.name} IS {_text(macro.words)}")
        connection.execute("USE memory")
        connection.execute("DETACH lake")
    aside.replace(published)
    return published


def query(lake: Lake, sql: str) -> pl.DataFrame:
    """The answer to one SELECT over the published lake; raises QueryError for anything else, or a query that fails.

    Nothing can be written, and no file outside the lake's root can be read. A lake never published is published first.
    """
    path = lake.root / NAME
    if not path.exists():
        if not any(lake.exists(table) for table in TABLES.values()):
            raise QueryError(f"{lake.root} holds no tables yet: crawl, or build the demo, first")
        publish(lake)
    with _reading(path) as connection:
        try:
            return pl.DataFrame(connection.sql(_one_select(connection, sql)).to_arrow_table())
        except duckdb.Error as error:
            raise QueryError(str(error)) from error


@contextmanager
def _reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the lake's folder and nothing else, and whose settings are locked."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {_text(str(path))} AS lake (READ_ONLY)")
        connection.execute("USE lake")
        # else DuckDB spills into `.tmp` of whatever folder it is started in, and lets queries read there
        connection.execute(f"SET temp_directory = {_text(str(path.parent / '.spill'))}")
        connection.execute(f"SET allowed_directories = [{_text(str(path.parent) + os.sep)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _one_select(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The query's only statement. COPY ... TO writes files even on a read-only database, so only SELECT passes."""
    statements = connection.extract_statements(sql)
    kinds = [statement.type.name for statement in statements]
    if kinds != ["SELECT"]:
        found = ", ".join(kinds) or "nothing"
        raise QueryError(f"a query must be one SELECT and nothing else, found {found}: the lake is only read here")
    return statements[0]


def _create_table_view(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> None:
    columns = _columns(lake, table)
    # each name says where it is from: DuckDB confuses a bare one with the number of a macro that is called alike
    names = ", ".join(f"told.{_name(column.name)}" for column in columns)
    if files := lake.files(table):
        paths = ", ".join(_text(file) for file in files)
        hive = f", hive_types = {{{_text(table.partition_by)}: VARCHAR}}" if table.partition_by else ""
        rows = f"read_parquet([{paths}], hive_partitioning = true, union_by_name = true{hive})"
        select = f"SELECT {names} FROM {rows} AS told"
    else:
        nulls = ", ".join(f"NULL::{_type(column.dtype)} AS {_name(column.name)}" for column in columns)
        select = f"SELECT {nulls} WHERE false"
    connection.execute(f"CREATE VIEW {_name(table.name)} AS {select}")
    comments = {column.name: f"{column.about} [{column.unit}]" if column.unit else column.about for column in columns}
    _comment(connection, table.name, table.about, comments)


def _columns(lake: Lake, table: Table) -> tuple[Column, ...]:
    """The contract's columns, and a matrix's property columns with the catalog's words and units."""
    if not table.open_ended:
        return table.columns
    extra = [name for name in lake.scan(table).collect_schema().names() if name not in table.schema]
    known = {name: column for policy in policies(lake.root).values() for name, column in policy.by_name.items()}
    told = (known.get(name) for name in extra)
    words = ((column.label, column.known.unit) if column else ("no longer in the catalog", None) for column in told)
    beyond = (Column(name, pl.Float64, *said) for name, said in zip(extra, words, strict=True))
    return (*table.columns, *beyond)


def _comment(connection: duckdb.DuckDBPyConnection, view: str, about: str, columns: dict[str, str]) -> None:
    connection.execute(f"COMMENT ON VIEW {_name(view)} IS {_text(about)}")
    for column, words in columns.items():
        connection.execute(f"COMMENT ON COLUMN {_name(view)}.{_name(column)} IS {_text(words)}")


def _type(dtype: pl.DataType | type[pl.DataType]) -> str:
    return f"{_type(dtype.inner)}[]" if isinstance(dtype, pl.List) else TYPES[dtype.base_type()]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
