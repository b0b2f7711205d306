"""The lake in a notebook: ask it in SQL, look at one material, find some, and see what there is to ask.

from lake.notebook import open_lake
lake = open_lake("data")
lake.query("select * from materials where reduced_formula = 'GaN'").structures()
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lake.answers import Answer
from lake.known import Known, known
from lake.lookup import find
from lake.sql import query
from lake.store import Lake


class NothingThere(FileNotFoundError):
    """A folder without a lake, or a table or view that there is not; the message says what there is."""


def open_lake(root: str | Path = "data", at: str | None = None) -> OpenLake:
    """The lake in that folder, as it is now, or as the snapshot `at` has it. Raises NothingThere."""
    lake = Lake(root)
    if not (lake.root / "bronze").is_dir():
        raise NothingThere(f"no lake at {lake.root}: `crystal-lake demo` makes one, `crystal-lake crawl` a real one")
    if at is not None:
        from lake.snapshots import at as lake_at

        lake = lake_at(lake, at)
    return OpenLake(lake)


@dataclass(frozen=True, eq=False)
class OpenLake:
    """A lake that is read, and never written."""

    lake: Lake

    def query(self, sql: str) -> Answer:
        """The answer to one SELECT; raises QueryError for anything else, or a query that fails."""
        return Answer(self.lake, query(self.lake, sql))

    def show(self, name: str) -> Known:
        """One material with everything known of it, by any id: mp-149, oqmd:100, m-...; raises UnknownId."""
        return known(self.lake, name)

    def find(self, text: str) -> Answer:
        """Materials by formula (GaN), by chemical system (Ga-N) or by elements (Ga,N); raises FormulaError."""
        return Answer(self.lake, find(self.lake, text))

    def tables(self) -> pl.DataFrame:
        """What can be asked: name, about."""
        return query(
            self.lake,
            "SELECT view_name AS name, comment AS about FROM duckdb_views() WHERE NOT internal ORDER BY name",
        )

    def columns(self, name: str) -> pl.DataFrame:
        """The columns of one table or view: name, type, about. Raises NothingThere."""
        if name not in (names := self.tables()["name"].to_list()):
            raise NothingThere(f"no table or view is called {name!r}; there are {', '.join(names)}")
        return query(
            self.lake,
            "SELECT column_name AS name, data_type AS type, comment AS about FROM duckdb_columns() "
            f"WHERE NOT internal AND table_name = '{name}' ORDER BY column_index",
        )

    def _repr_html_(self) -> str:
        return f"<p>Crystal Lake at <code>{self.lake.root}</code></p>{self.tables()._repr_html_()}"
