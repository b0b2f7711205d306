"""Observations -> the matrix: each cell is one observation, chosen by a policy, and `matrix_provenance` names it.

What a policy is, and how it chooses: lake/policies. The matrix is for people and SQL; learning reads observations.
Disordered materials have no row: their values are observations, which nobody is to average or rank with those of
ordered crystals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from lake.contract import Table
from lake.entries import DISORDERED
from lake.policies import DEFAULT, default, policies
from lake.policies.choosing import Admitted, Cells, admitted, chosen
from lake.policies.policy import Column, Policy
from lake.properties import PROPERTIES
from lake.store import Lake
from lake.tables import MATERIALS, MATRIX_PROVENANCE, OBSERVATIONS, PROPERTY_MATRIX

READ = (OBSERVATIONS, MATERIALS)
ROW = PROPERTY_MATRIX.schema.names()[1:]  # what every policy's row says of a material
NEEDED = ("entry_id", "reading", "value", "unit", "flag", "origin", "level_of_theory", "correction", "source")


@dataclass(frozen=True)
class Written:
    """What stands in the tables of one policy: columns, cells that are filled, and cells that are refused."""

    columns: int
    cells: int
    refused: int


def write_matrix(lake: Lake, every: Mapping[str, Policy] | None = None) -> dict[str, Written]:
    """Rewrite PROPERTY_MATRIX and MATRIX_PROVENANCE, whole; returns what each policy filled.

    every: the policies by name, by default all that are shipped and all of the lake's own.
    Every ordered material has a row in each policy. A property that was observed at all has the column named as it, and
    those of its other columns that something may fill.
    Both tables are marked with the versions of observations and materials that they were made from (`read:...`), which
    are read at those versions: what is written meanwhile is for the next time. Raises PolicyError.
    """
    every = policies(lake.root) if every is None else every
    # in turn, and what is read is read in one's turn: else the slower of two writers undoes what the other has read
    with lake.lock("matrix"):
        return _written(lake, every)


def _written(lake: Lake, every: Mapping[str, Policy]) -> dict[str, Written]:
    versions = {table.name: version for table in READ if (version := lake.version(table)) is not None}
    ordered = _at(lake, MATERIALS, versions).filter(pl.col("kind") != DISORDERED)
    materials = ordered.select(*ROW, "members").collect().sort("material_id")
    wide: dict[str, dict[str, pl.Series]] = {name: {} for name in every}
    provenance: dict[str, list[pl.DataFrame]] = {name: [] for name in every}
    for name, told in _observed(_at(lake, OBSERVATIONS, versions), materials):
        same: dict[tuple[object, ...], Admitted] = {}  # policies often differ in what they do with the same
        for policy, column in ((one, column) for one in every.values() for column in one.columns_of(name)):
            what = (column.admits, column.flagged)
            if what not in same:
                same[what] = admitted(column, told)
            if column.name != name and not len(same[what].row):
                continue
            cells = chosen(column, same[what])
            wide[policy.name][column.name] = _values(cells, same[what], len(materials))
            provenance[policy.name].append(_provenance(policy, column, cells, same[what], materials["material_id"]))
    # a pair of one run even where a policy alone changed, and nothing that was read
    marks = {f"read:{name}": version for name, version in versions.items()}
    marks["run"] = lake.marks(PROPERTY_MATRIX)("run") + 1
    counts = {name: _counted(wide[name], provenance[name]) for name in every}
    named = [frame for frames in provenance.values() for frame in frames]
    lake.replace(MATRIX_PROVENANCE, named, marks=marks)
    empty = {column: pl.lit(None, pl.Float64) for columns in wide.values() for column in columns}
    rows = [materials.select(pl.lit(name).alias("policy"), *ROW, **empty | wide[name]) for name in every]
    lake.replace(PROPERTY_MATRIX, rows, marks=marks)
    return counts


def matrix_of(lake: Lake, policy: str = DEFAULT) -> pl.DataFrame:
    """PROPERTY_MATRIX by one policy, without the columns that only other policies have; null where a cell is empty."""
    matrix = lake.scan(PROPERTY_MATRIX).filter(pl.col("policy") == policy).collect()
    known = default() if policy == DEFAULT else policies(lake.root)[policy]
    beyond = [name for name in matrix.columns if name not in PROPERTY_MATRIX.schema and name in known.by_name]
    return matrix.select(*PROPERTY_MATRIX.schema, pl.col(beyond).fill_nan(None))


def _at(lake: Lake, table: Table, versions: Mapping[str, int]) -> pl.LazyFrame:
    return lake.scan(table, at=versions[table.name]) if table.name in versions else table.empty().lazy()


def _observed(observations: pl.LazyFrame, materials: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each property of the catalog that was observed, with its observations of these materials, as `admitted` wants."""
    members = materials.with_row_index("row").select("row", entry_id="members").explode("entry_id").sort("entry_id")
    ids, row = members["entry_id"], members["row"].cast(pl.Int64)
    told = set(observations.select(pl.col("property").unique()).collect()["property"])
    for name in PROPERTIES:
        if name in told:
            rows = observations.filter(pl.col("property") == name).select(NEEDED).collect()
            # both are sorted, and an entry is of one material: looking up takes half the time of a join
            rows = rows.with_columns(entry=ids.search_sorted(rows["entry_id"]).cast(pl.Int64))
            rows = rows.filter(pl.col("entry") < len(ids))
            rows = rows.filter(ids.gather(rows["entry"]) == rows["entry_id"])
            yield name, rows.with_columns(row=row.gather(rows["entry"]))


def _values(cells: Cells, of: Admitted, n: int) -> pl.Series:
    """A column of the matrix, (n,), null where nobody says anything or the cell is refused."""
    column = np.full(n, np.nan)
    column[of.row] = np.where(cells.refused, np.nan, of.told["value"].to_numpy()[cells.observation])
    return pl.Series(column, nan_to_null=True)


def _provenance(policy: Policy, column: Column, cells: Cells, of: Admitted, ids: pl.Series) -> pl.DataFrame:
    """The rows of MATRIX_PROVENANCE of one column, by material."""
    named = of.told.select(NEEDED)[cells.observation].with_columns(
        policy=pl.lit(policy.name),
        column=pl.lit(column.name),
        property=pl.lit(column.property),
        material_id=ids.gather(of.row),
        chosen=cells.chosen,
        n_observations=pl.Series(of.n),
        lowest=pl.Series(of.lowest),
        highest=pl.Series(of.highest),
    )
    return named.select(MATRIX_PROVENANCE.schema.names())


def _counted(wide: Mapping[str, pl.Series], provenance: list[pl.DataFrame]) -> Written:
    cells = sum(len(column) - column.null_count() for column in wide.values())
    return Written(len(wide), cells, sum(map(len, provenance)) - cells)
