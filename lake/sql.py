"""lake.duckdb: the lake for SQL. Commented views over one snapshot's Parquet files, and a way to ask that only reads.

Any DuckDB from 1.0 opens the file, without extension or internet: it holds no data, only macros, and views with
absolute paths. Which versions of the tables it shows: `snapshots.py`. The view `published` names the snapshot.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import duckdb
import polars as pl

from lake.contract import Column, Table
from lake.macros import MACROS
from lake.policies import DEFAULT, default, policies
from lake.snapshots import at, publishing, take
from lake.store import Freed, Lake
from lake.tables import MATRIX_PROVENANCE, PROPERTY_MATRIX, TABLES
from lake.views import VIEWS

NAME = "lake.duckdb"
WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
# table -> the view that shows every policy: the one that is called like the table shows the default policy alone
EVERY_POLICY = {PROPERTY_MATRIX.name: "property_matrices", MATRIX_PROVENANCE.name: "matrix_provenances"}
PUBLISHED = {
    "snapshot": "its name: `crystal-lake snapshots` lists them, `--at` reads one",
    "root": "the lake's folder as it was called then; the views' paths begin with it",
}
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
    """Take a snapshot and write `lake.duckdb` for it: views of the tables and for questions, macros; returns its path.

    It is written aside and renamed, so a reader sees the old or the new one, and one that is open goes on with the old.
    Published files lose their write permission: nobody who opens one with another tool overwrites it.
    """
    lake.root.mkdir(parents=True, exist_ok=True)
    with publishing(lake):
        clear(lake)
        published, aside = lake.root / NAME, lake.root / f".{NAME}.{uuid4().hex}"
        name = take(lake)
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {_text(str(aside))} AS lake (STORAGE_VERSION 'v1.0.0')")
            connection.execute("USE lake")
            _create_views(connection, at(lake, name), name)
            connection.execute("USE memory")
            connection.execute("DETACH lake")
        _protect(aside)
        aside.replace(published)
    return published


def clear(lake: Lake) -> Freed:
    """Delete what publishers left that were killed; returns it. The lock of publishers must be held."""
    left = [path for path in lake.root.glob(f".{NAME}.*") if path.is_file()]
    freed = Freed([path.name for path in left], sum(path.stat().st_size for path in left))
    for path in left:
        path.unlink()
    return freed


def query(lake: Lake, sql: str) -> pl.DataFrame:
    """The answer to one SELECT over the published lake; raises QueryError for anything else, or a query that fails.

    Nothing can be written, and no file outside the lake's root can be read. A lake never published, or moved since, is
    published first. A lake that is pinned to a snapshot answers as it was then.
    """
    if not any(lake.exists(table) for table in TABLES.values()):
        raise QueryError(f"{lake.root} holds no tables yet: crawl, or build the demo, first")
    with _reading(lake) as connection:
        try:
            return pl.DataFrame(connection.sql(_one_select(connection, sql)).to_arrow_table())
        except duckdb.Error as error:
            raise QueryError(str(error)) from error


@contextmanager
def _reading(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the lake's folder and nothing else, and whose settings are locked."""
    with duckdb.connect() as connection:
        if lake.versions is None:
            _attach(connection, lake)
        else:
            connection.execute("ATTACH ':memory:' AS lake")
            connection.execute("USE lake")
            _create_views(connection, lake)
        # else DuckDB spills into `.tmp` of whatever folder it is started in, and lets queries read there
        connection.execute(f"SET temp_directory = {_text(str(lake.root / '.spill'))}")
        connection.execute(f"SET allowed_directories = [{_text(str(lake.root) + os.sep)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _attach(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Open what is published; publish first where nothing is, or where its paths lead to where the lake once was."""
    path = lake.root / NAME
    if not path.exists():
        publish(lake)
    connection.execute(f"ATTACH {_text(str(path))} AS lake (READ_ONLY)")
    if _root(connection) != str(lake.root):
        connection.execute("DETACH lake")
        publish(lake)
        connection.execute(f"ATTACH {_text(str(path))} AS lake (READ_ONLY)")
    connection.execute("USE lake")


def shown(lake: Lake) -> str:
    """Name of the snapshot that `lake.duckdb` shows."""
    with duckdb.connect(lake.root / NAME, read_only=True) as connection:
        return connection.execute("SELECT snapshot FROM published").fetchone()[0]


def _root(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The root for which the attached file was written; None of one written before it said so."""
    try:
        return connection.execute("SELECT root FROM lake.published").fetchone()[0]
    except duckdb.CatalogException:
        return None


def _one_select(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The query's only statement. COPY ... TO writes files even on a read-only database, so only SELECT passes."""
    statements = connection.extract_statements(sql)
    kinds = [statement.type.name for statement in statements]
    if kinds != ["SELECT"]:
        found = ", ".join(kinds) or "nothing"
        raise QueryError(f"a query must be one SELECT and nothing else, found {found}: the lake is only read here")
    return statements[0]


def _create_views(connection: duckdb.DuckDBPyConnection, lake: Lake, name: str = "") -> None:
    """All views and macros, of a lake pinned to a snapshot of that name."""
    for table in TABLES.values():
        if every := EVERY_POLICY.get(table.name):
            _create_table_view(connection, lake, table, table.name, table.about, DEFAULT)
            _create_table_view(connection, lake, table, every, f"{table.about} By every policy.")
            _protect(*lake.files(table))
        else:
            _protect(*_create_table_view(connection, lake, table, table.name, table.about))
    for view in VIEWS:
        connection.execute(f"CREATE VIEW {view.name} AS {view.select}")
        names = [row[0] for row in connection.execute(f"DESCRIBE {view.name}").fetchall()]
        _comment(connection, view.name, view.about, {name: (COLUMNS | view.columns)[name] for name in names})
    for macro in MACROS:
        connection.execute(macro.statement)
        connection.execute(f"COMMENT ON MACRO TABLE {macro.name} IS {_text(macro.words)}")
    told = f"{_text(name)} AS snapshot, {_text(str(lake.root))} AS root"
    connection.execute(f"CREATE VIEW published AS SELECT {told}")
    _comment(connection, "published", "Which snapshot these views show.", PUBLISHED)


def _create_table_view(
    connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, view: str, about: str, partition: str | None = None
) -> list[str]:
    """A view of a table, or of one partition of it without a look at the others; returns its files."""
    files = lake.files(table, partition=partition)
    columns = _columns(lake, table, files, partition)
    # each name says where it is from: DuckDB confuses a bare one with the number of a macro that is called alike
    names = ", ".join(f"told.{_name(column.name)}" for column in columns)
    if files:
        paths = ", ".join(_text(file) for file in files)
        by = table.partition_by
        hive = f", hive_partitioning = true, hive_types = {{{_text(by)}: VARCHAR}}" if by else ""
        # files of one table have the same columns, but those of several policies; to find out, each has to be opened
        union = ", union_by_name = true" if table.open_ended and partition is None else ""
        rows = f"read_parquet([{paths}]{hive}{union})"
        select = f"SELECT {names} FROM {rows} AS told"
    else:
        nulls = ", ".join(f"NULL::{_type(column.dtype)} AS {_name(column.name)}" for column in columns)
        select = f"SELECT {nulls} WHERE false"
    try:
        connection.execute(f"CREATE VIEW {_name(view)} AS {select}")
    except duckdb.BinderException as fault:
        old = f"table {table.name} in {lake.root} was written by another version of Crystal Lake and lacks columns"
        raise QueryError(f"{old}: build that lake anew, in a new folder ({str(fault).splitlines()[0]})") from fault
    comments = {column.name: f"{column.about} [{column.unit}]" if column.unit else column.about for column in columns}
    _comment(connection, view, about, comments)
    return files


def _columns(lake: Lake, table: Table, files: list[str], policy: str | None = None) -> tuple[Column, ...]:
    """The contract's columns, and a matrix's own with their words and units: those of one policy, or of every one."""
    if not table.open_ended:
        return table.columns
    stored = dict.fromkeys(name for file in files for name in pl.read_parquet_schema(file))
    known = {name: column for each in policies(lake.root).values() for name, column in each.by_name.items()}
    wanted = known if policy is None else default().by_name  # other policies' columns stand there too, and are empty
    extra = [name for name in stored if name not in table.schema and (name in wanted or name not in known)]
    told = (known.get(name) for name in extra)
    words = ((column.label, column.known.unit) if column else ("no longer in the catalog", None) for column in told)
    beyond = (Column(name, pl.Float64, *said) for name, said in zip(extra, words, strict=True))
    return (*table.columns, *beyond)


def _protect(*files: str | Path) -> None:
    """Take the write permission away, where it is ours to take."""
    for file in files:
        mode = Path(file).stat().st_mode
        if mode & WRITE:
            with suppress(PermissionError):
                Path(file).chmod(mode & ~WRITE)


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
