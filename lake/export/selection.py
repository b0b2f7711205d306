"""What an export is made of: the rows that were asked for, parted by their licences into what may go and what may not.

A row carries its licence; what was made from rows carries all of theirs. A cell of the matrix is an observation and has
that one's licence; a cell that is the median of several observations has those of all of them. A cell that
`matrix_provenance` does not name is under terms that nobody stated. A material is told by its representative, and where
that one may not go, by the first of its members that may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

from lake.contract import Column, Table
from lake.licences import allows, refusal
from lake.properties import PROPERTIES, property_named
from lake.store import Lake
from lake.tables import (
    ENTRIES,
    MATERIALS,
    MATRIX_PROVENANCE,
    OBSERVATIONS,
    PREDICTIONS,
    PROPERTY_MATRIX,
    TRANSFER,
)
from lake.tables.columns import LICENCE

POLICY = "default"  # of the matrix, where no other is asked for
CRYSTAL = ("kind", "lattice", "positions", "numbers", "species", "fetched_at")  # columns of ENTRIES that tell a crystal
NOBODY = pl.lit([], pl.List(pl.String))
SHOWN = Column("structure_of", pl.String, "the entry whose crystal stands for the material here", nullable=True)
# What may be told of a cell's origin: not `lowest` and `highest`, which may be those of rows that may not go.
ORIGIN_OF_CELLS = ("material_id", "column", "property", "entry_id", "reading", "unit", "origin", "level_of_theory",
                   "correction", "source", "chosen", "n_observations")  # fmt: skip


class NothingToExport(ValueError):
    """A selection that cannot be made; the message says what there is."""


class Refused(ValueError):
    """A selection with rows that may not be passed on; the message counts them by source and licence, and says why."""


@dataclass(frozen=True)
class Selection:
    """What may go, and the count of all.

    rows: what may go, with `columns`. counted: what `kept` and `left` count, rows or cells.
    kept: source, licences, n. left: source, licences, n, why it may not go.
    levels: property, level_of_theory, correction, n of what may go; a property is empty where rows are crystals.
    crystals: `rows` with the columns CRYSTAL of the entry that is shown, where there is one; None where rows are none.
    beside: further tables, name -> rows and their columns. versions: of the lake's tables that were read.
    """

    what: str
    rows: pl.LazyFrame
    columns: tuple[Column, ...]
    counted: str
    kept: pl.DataFrame
    left: pl.DataFrame
    levels: pl.DataFrame
    crystals: pl.LazyFrame | None = None
    beside: dict[str, tuple[pl.LazyFrame, tuple[Column, ...]]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def refused(self) -> str:
        """Why the selection as a whole may not go; empty where all of it may."""
        if not len(self.left):
            return ""
        lines = [
            f"{row['n']:,} {self.counted} of {row['source'] or 'models'} may not go: {row['why']}"
            for row in self.left.iter_rows(named=True)
        ]
        return "\n  ".join([f"{self.left['n'].sum():,} of {self.total:,} {self.counted} may not be passed on", *lines])

    @property
    def total(self) -> int:
        """How many rows or cells were asked for."""
        return int(self.kept["n"].sum() + self.left["n"].sum())


class _Pinned:
    """The lake's tables at the versions that they have when an export begins."""

    def __init__(self, lake: Lake) -> None:
        self._lake, self.versions = lake, {}

    def scan(self, table: Table) -> pl.LazyFrame:
        if table.name not in self.versions and (version := self._lake.version(table)) is not None:
            self.versions[table.name] = version
        return self._lake.scan(table, self.versions.get(table.name))


def select(lake: Lake, what: str, under: str, properties: Sequence[str] = (), policy: str = POLICY) -> Selection:
    """The selection of one of SUBJECTS, for a licence of `lake.licences.OFFERED`.

    properties: only these; all without. policy: of the matrix. Raises NothingToExport, UnknownProperty.
    """
    if what not in SUBJECTS:
        raise NothingToExport(f"an export is of {', '.join(SUBJECTS)}; found {what!r}")
    if properties and what in ("materials", "entries"):
        raise NothingToExport(f"{what} hold crystals and no properties: ask for the matrix, or for observations")
    names = [name if what == "matrix" else property_named(name).name for name in properties]
    return _CHOSEN[what](_Pinned(lake), under, names, policy)


def _observations(tables: _Pinned, under: str, names: Sequence[str], _: str) -> Selection:
    rows = _of(tables.scan(OBSERVATIONS), names)
    return _parted("observations", OBSERVATIONS, tables, under, rows.with_columns(licences=_one("licence")))


def _entries(tables: _Pinned, under: str, _: Sequence[str], __: str) -> Selection:
    rows = tables.scan(ENTRIES).with_columns(licences=_one("licence"))
    chosen = _parted("entries", ENTRIES, tables, under, rows)
    return _with(chosen, crystals=chosen.rows)


def _predictions(tables: _Pinned, under: str, names: Sequence[str], _: str) -> Selection:
    rows = _of(tables.scan(PREDICTIONS), names).with_columns(source=pl.col("entry_id").str.split(":").list.first())
    return _parted("predictions", PREDICTIONS, tables, under, rows)


def _transfer(tables: _Pinned, under: str, names: Sequence[str], _: str) -> Selection:
    return _parted(
        "transfer", TRANSFER, tables, under, _of(tables.scan(TRANSFER), names).with_columns(source=pl.lit(""))
    )


def _materials(tables: _Pinned, under: str, _: Sequence[str], __: str) -> Selection:
    materials, shown = tables.scan(MATERIALS), _shown(tables, under)
    entries = tables.scan(ENTRIES).select("entry_id", "licence", "source", "n_atoms", "level_of_theory")
    told = materials.select("material_id", "representative").join(
        entries, left_on="representative", right_on="entry_id"
    )
    kept, left = _counts(told.with_columns(licences=_one("licence")), under)
    stands_in = pl.col("structure_of") != pl.col("representative")
    beside = [pl.when(~stands_in).then(name).alias(name) for name in ("space_group", "space_group_number")]
    mine = materials.join(shown, on="material_id").drop("n_atoms")
    whole = mine.join(entries.drop("source"), left_on="structure_of", right_on="entry_id")
    rows = whole.with_columns(*beside).with_columns(representative="structure_of")
    columns = (*MATERIALS.columns, LICENCE)
    chosen = rows.select([column.name for column in columns])
    levels = _levels(whole.with_columns(property=pl.lit(""), correction=pl.lit("")))
    crystals = _with_crystals(chosen, "representative", tables)
    return Selection("materials", chosen, columns, "rows", kept, left, levels, crystals, {}, tables.versions)


def _matrix(tables: _Pinned, under: str, names: Sequence[str], policy: str) -> Selection:
    matrix = tables.scan(PROPERTY_MATRIX).filter(pl.col("policy") == policy)
    provenance = tables.scan(MATRIX_PROVENANCE).filter(pl.col("policy") == policy)
    properties = dict(provenance.select("column", "property").unique().collect().iter_rows())
    beyond = _columns_asked(tables, matrix, policy, properties, names)
    cells = (
        matrix.select("material_id", *beyond)
        .unpivot(index="material_id", variable_name="column")
        .filter(pl.col("value").is_not_null())
        .join(_cells(tables, provenance), on=["material_id", "column"], how="left")
        .with_columns(pl.col("licences").fill_null(NOBODY), pl.col("source").fill_null("unknown"))
    )
    kept, left = _counts(cells, under)
    going = cells.filter(_may_go(kept))
    lists = going.group_by("material_id").agg(going="column")
    shown = _shown(tables, under)
    emptied = [pl.when(pl.col("going").list.contains(name)).then(pl.col(name)).alias(name) for name in beyond]
    rows = (
        matrix.select(*PROPERTY_MATRIX.schema, *beyond)
        .join(lists, on="material_id", how="left", maintain_order="left")
        .join(shown, on="material_id", how="left", maintain_order="left")
        .filter(pl.col("going").is_not_null() | pl.col("structure_of").is_not_null())
        .with_columns(*emptied)
        .drop("going")
    )
    words = [_column_of(name, properties.get(name, name)) for name in beyond]
    columns = (*PROPERTY_MATRIX.columns, *words, SHOWN)
    rows = rows.select([column.name for column in columns])
    told = tuple(column for column in MATRIX_PROVENANCE.columns if column.name in ORIGIN_OF_CELLS)
    inherited = Column("licences", pl.List(pl.String), "licences of the cell: the strictest holds")
    origins = going.select([column.name for column in told] + ["licences"])
    beside = {"cells": (origins, (*told, inherited))}
    crystals = _with_crystals(rows, "structure_of", tables)
    return Selection("matrix", rows, columns, "cells", kept, left, _levels(going), crystals, beside, tables.versions)


def _columns_asked(
    tables: _Pinned, matrix: pl.LazyFrame, policy: str, properties: dict[str, str], names: Sequence[str]
) -> list[str]:
    """The matrix's property columns that have a cell by this policy, or those asked for by their own name or property."""
    extra = [name for name in matrix.collect_schema().names() if name not in PROPERTY_MATRIX.schema]
    full = (
        matrix.select(pl.len(), *(pl.col(name).count().alias(f"n {name}") for name in extra))
        .collect()
        .row(0, named=True)
    )
    if not full["len"]:
        there = tables.scan(PROPERTY_MATRIX).select(pl.col("policy").unique().sort()).collect()["policy"].to_list()
        raise NothingToExport(
            f"the matrix has no row by the policy {policy!r}; there are: {', '.join(there) or 'none'}"
        )
    told = [name for name in extra if full[f"n {name}"]]
    absent = [name for name in names if not any(name in (column, properties.get(column)) for column in told)]
    if absent:
        raise NothingToExport(
            f"the matrix has no column of {', '.join(absent)}; there are: {', '.join(told) or 'none'}"
        )
    return [name for name in told if not names or name in names or properties.get(name) in names]


def _cells(tables: _Pinned, provenance: pl.LazyFrame) -> pl.LazyFrame:
    """What `matrix_provenance` says of each cell, with the licences of the observations that it is made of."""
    observations = tables.scan(OBSERVATIONS)
    known = observations.select("entry_id", "property", "reading", "licence")
    one = provenance.join(known, on=["entry_id", "property", "reading"], how="left")
    members = tables.scan(MATERIALS).select("material_id", entry_id="members").explode("entry_id")
    medians = provenance.filter(pl.col("chosen") == "median").select("material_id", "column", "property")
    every = observations.select("entry_id", "property", all_of_them="licence").join(members, on="entry_id")
    of_medians = medians.join(every, on=["material_id", "property"]).group_by("material_id", "column")
    several = of_medians.agg(pl.col("all_of_them").unique().sort())
    joined = one.join(several, on=["material_id", "column"], how="left")
    return joined.with_columns(licences=pl.coalesce("all_of_them", _one("licence"))).drop(
        "licence", "all_of_them", "value", "policy", "flag", "lowest", "highest"
    )


def _shown(tables: _Pinned, under: str) -> pl.LazyFrame:
    """material_id, structure_of: the representative where its licence allows, else the first member whose one does."""
    entries = tables.scan(ENTRIES).select("entry_id", "licence")
    allowed = [
        licence for (licence,) in entries.select("licence").unique().collect().iter_rows() if allows(licence, under)
    ]
    free = entries.filter(pl.col("licence").is_in(allowed)).select(structure_of="entry_id")
    members = tables.scan(MATERIALS).select("material_id", "representative", structure_of="members")
    ordered = members.explode("structure_of").with_row_index("place").join(free, on="structure_of")
    first = (
        pl.when(pl.col("structure_of") == pl.col("representative")).then(-1).otherwise(pl.col("place").cast(pl.Int64))
    )
    return ordered.group_by("material_id").agg(pl.col("structure_of").sort_by(first).first())


def _with_crystals(rows: pl.LazyFrame, by: str, tables: _Pinned) -> pl.LazyFrame:
    crystals = tables.scan(ENTRIES).select("entry_id", *CRYSTAL).rename({name: f"crystal_{name}" for name in CRYSTAL})
    return rows.join(crystals, left_on=by, right_on="entry_id", maintain_order="left")


def _parted(what: str, table: Table, tables: _Pinned, under: str, rows: pl.LazyFrame) -> Selection:
    """Rows of a table (with `source` and `licences`) parted into those that may go and those that may not."""
    kept, left = _counts(rows, under)
    going = rows.filter(_may_go(kept))
    levels = _levels(going)
    chosen = going.select(table.schema.names())
    return Selection(what, chosen, table.columns, "rows", kept, left, levels, None, {}, tables.versions)


def _counts(rows: pl.LazyFrame, under: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What may go and what may not: source, licences, n, why it may not."""
    groups = rows.group_by("source", "licences").len("n").collect()
    why = [refusal(row, under) or ("" if len(row) else refusal(["not stated"], under)) for row in groups["licences"]]
    told = groups.with_columns(pl.Series("why", why, dtype=pl.String), pl.col("n").cast(pl.Int64))
    told = told.sort("n", "source", descending=[True, False])
    return told.filter(pl.col("why") == "").drop("why"), told.filter(pl.col("why") != "")


def _may_go(kept: pl.DataFrame) -> pl.Expr:
    """Whether all licences of a row are among those that were kept; of a row without any, never."""
    free = pl.lit(sorted(set(kept["licences"].explode().drop_nulls())), pl.List(pl.String))
    return (pl.col("licences").list.len() > 0) & (pl.col("licences").list.set_difference(free).list.len() == 0)


def _levels(rows: pl.LazyFrame) -> pl.DataFrame:
    """property, level_of_theory, correction, n of these rows, as far as they say."""
    known = rows.collect_schema().names()
    by = [
        pl.col(name) if name in known else pl.lit("").alias(name)
        for name in ("property", "level_of_theory", "correction")
    ]
    counted = rows.select(by).group_by("property", "level_of_theory", "correction").len("n").collect()
    return counted.with_columns(pl.col("n").cast(pl.Int64)).sort("property", "n", descending=[False, True])


def _column_of(name: str, told: str) -> Column:
    known = PROPERTIES.get(told)
    words = (f"{known.label}: {known.about}", known.unit or None) if known else ("no longer in the catalog", None)
    return Column(name, pl.Float64, *words, nullable=True)


def _of(rows: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    return rows.filter(pl.col("property").is_in(names)) if names else rows


def _one(licence: str) -> pl.Expr:
    return pl.when(pl.col(licence).is_null()).then(NOBODY).otherwise(pl.concat_list(licence))


def _with(selection: Selection, **changed: object) -> Selection:
    from dataclasses import replace

    return replace(selection, **changed)


_CHOSEN: dict[str, Callable[[_Pinned, str, Sequence[str], str], Selection]] = {
    "materials": _materials,
    "matrix": _matrix,
    "observations": _observations,
    "entries": _entries,
    "predictions": _predictions,
    "transfer": _transfer,
}
SUBJECTS = tuple(_CHOSEN)
