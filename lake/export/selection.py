"""What an export is made of: the rows that were asked for, parted by their licences into what may go and what may not.

A row carries its licence; what was made from rows carries all of theirs. A cell of the matrix is an observation and has
that one's licence; a cell that is the median of several observations has those of all of them. A cell that
`matrix_provenance` does not name is under terms that nobody stated. A material is told by its representative, and where
that one may not go, by the first of its members that may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

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
STANDS_FOR = {"materials": "representative", "matrix": "structure_of"}  # column with the entry whose crystal is told
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

    rows: what may go, with `columns`. counted: what `kept` and `left` count, rows or cells, of which there are `total`.
    kept: source, licences, n. left: source, licences, n, why it may not go. gaps: what else is not as in the lake.
    cited: sources that it is made of. levels: property, level_of_theory, correction, n of what may go; a property is
    empty where rows are crystals.
    crystals: `rows` with the columns CRYSTAL of the entry that is shown, as far as one may be; None for other rows.
    beside: further tables, name -> rows and their columns. versions: of the lake's tables that were read.
    """

    what: str
    rows: pl.LazyFrame
    columns: tuple[Column, ...]
    counted: str
    total: int
    kept: pl.DataFrame
    left: pl.DataFrame
    levels: pl.DataFrame
    cited: tuple[str, ...]
    versions: dict[str, int]
    gaps: tuple[str, ...] = ()
    crystals: pl.LazyFrame | None = None
    beside: dict[str, tuple[pl.LazyFrame, tuple[Column, ...]]] = field(default_factory=dict)

    @property
    def n_left(self) -> int:
        """How many rows or cells may not go."""
        return int(self.left["n"].sum())

    def words(self, n: int) -> str:
        """So many rows or cells: `1 row`, `12,000 cells`."""
        return f"{n:,} {self.counted}" if n != 1 else f"1 {self.counted.removesuffix('s')}"

    def refused(self) -> str:
        """Why the selection as a whole may not go; empty where all of it may."""
        lines = [
            f"{self.words(row['n'])} of {row['source'] or 'models'} may not go: {row['why']}"
            for row in self.left.iter_rows(named=True)
        ]
        if not lines and not self.gaps:
            return ""
        head = f"{self.n_left:,} of {self.words(self.total)} may not be passed on"
        return "\n  ".join([head, *lines, *self.gaps])


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


def with_crystals_alone(selection: Selection) -> Selection:
    """The selection without the rows of which no crystal may go, for forms of file in which a row is a crystal."""
    whole = selection.crystals.filter(pl.col(STANDS_FOR.get(selection.what, "entry_id")).is_not_null())
    rows, left = (frame.select(pl.len()).collect().item() for frame in (selection.rows, whole))
    gaps = (f"{rows - left:,} materials with cells that may go have no crystal that may",) if rows > left else ()
    return replace(selection, crystals=whole, gaps=(*selection.gaps, *gaps))


def _observations(tables: _Pinned, under: str, names: Sequence[str], _: str) -> Selection:
    rows = _of(tables.scan(OBSERVATIONS), names)
    return _parted("observations", OBSERVATIONS, tables, under, rows.with_columns(licences=_one("licence")))


def _entries(tables: _Pinned, under: str, _: Sequence[str], __: str) -> Selection:
    rows = tables.scan(ENTRIES).with_columns(licences=_one("licence"))
    chosen = _parted("entries", ENTRIES, tables, under, rows)
    return replace(chosen, crystals=chosen.rows)


def _predictions(tables: _Pinned, under: str, names: Sequence[str], _: str) -> Selection:
    rows = _of(tables.scan(PREDICTIONS), names).with_columns(source=pl.col("entry_id").str.split(":").list.first())
    return _with_teachers(_parted("predictions", PREDICTIONS, tables, under, rows), tables)


def _transfer(tables: _Pinned, under: str, names: Sequence[str], _: str) -> Selection:
    rows = _of(tables.scan(TRANSFER), names).with_columns(source=pl.lit(""))
    return _with_teachers(_parted("transfer", TRANSFER, tables, under, rows), tables)


def _with_teachers(chosen: Selection, tables: _Pinned) -> Selection:
    """Models do not say which databases they learnt from: all of them are cited whose licence is among theirs."""
    licences = chosen.kept["licences"].explode().unique().drop_nulls()
    teachers = tables.scan(ENTRIES).filter(pl.col("licence").is_in(licences.implode()))
    told = teachers.select(pl.col("source").unique().sort()).collect()["source"]
    return replace(chosen, cited=tuple(told), versions=tables.versions)


def _materials(tables: _Pinned, under: str, _: Sequence[str], __: str) -> Selection:
    materials, shown = tables.scan(MATERIALS), _shown(tables, under)
    entries = tables.scan(ENTRIES).select("entry_id", "licence", "source", "n_atoms", "level_of_theory")
    entries = entries.with_columns(licences=_one("licence"))
    told = materials.select("representative").join(entries, left_on="representative", right_on="entry_id", how="left")
    told = told.with_columns(pl.col("licences").fill_null(NOBODY), pl.col("source").fill_null("unknown"))
    _, left = _counts(told, under)
    whole = materials.drop("n_atoms").join(shown, on="material_id", maintain_order="left")
    whole = whole.join(entries, left_on="structure_of", right_on="entry_id", maintain_order="left")
    kept, _ = _counts(whole, under)
    itself = pl.col("structure_of") == pl.col("representative")
    symmetry = [pl.when(itself).then(name).alias(name) for name in ("space_group", "space_group_number")]
    stand_ins = int(whole.select((~itself).sum()).collect().item())
    columns = (*MATERIALS.columns, LICENCE)
    chosen = whole.with_columns(*symmetry).with_columns(representative="structure_of")
    rows = chosen.select([column.name for column in columns])
    return Selection(
        "materials", rows, columns, "rows", int(left["n"].sum() + kept["n"].sum()) - stand_ins, kept, left,
        _levels(whole), tuple(kept["source"].unique().sort()), tables.versions,
        (f"{stand_ins:,} of these materials can be told by another member, without space group",) if stand_ins else (),
        _with_crystals(rows, "representative", tables),
    )  # fmt: skip


def _matrix(tables: _Pinned, under: str, names: Sequence[str], policy: str) -> Selection:
    matrix = tables.scan(PROPERTY_MATRIX).filter(pl.col("policy") == policy)
    provenance = tables.scan(MATRIX_PROVENANCE).filter(pl.col("policy") == policy)
    properties = dict(provenance.select("column", "property").unique().collect().iter_rows())
    beyond = _columns_asked(tables, matrix, policy, properties, names)
    matrix = matrix.select(*PROPERTY_MATRIX.schema, *(pl.col(name).fill_nan(None) for name in beyond))
    cells = (
        matrix.select("material_id", *beyond)
        .unpivot(index="material_id", variable_name="column")
        .filter(pl.col("value").is_not_null())
        .join(_cells(tables, provenance), on=["material_id", "column"], how="left")
        .with_columns(pl.col("licences").fill_null(NOBODY), pl.col("source").fill_null("unknown"))
    )
    kept, left = _counts(cells, under)
    going = cells.filter(_may_go(kept))
    columns = (*PROPERTY_MATRIX.columns, *(_column_of(name, properties.get(name, name)) for name in beyond), SHOWN)
    lists = going.group_by("material_id").agg(going="column")
    emptied = [pl.when(pl.col("going").list.contains(name)).then(pl.col(name)).alias(name) for name in beyond]
    rows = (
        matrix.join(lists, on="material_id", how="left", maintain_order="left")
        .join(_shown(tables, under), on="material_id", how="left", maintain_order="left")
        .filter(pl.col("going").is_not_null() | pl.col("structure_of").is_not_null())
        .with_columns(*emptied)
        .select([column.name for column in columns])
    )
    there, gone = matrix.select(pl.len()).collect().item(), rows.select(pl.len()).collect().item()
    gaps = [f"{there - gone:,} materials have no cell and no crystal that may go"] if there > gone else []
    told = tuple(column for column in MATRIX_PROVENANCE.columns if column.name in ORIGIN_OF_CELLS)
    told = (*told, Column("licences", pl.List(pl.String), "licences of the cell: the strictest holds"))
    shown = rows.select(pl.col("structure_of").str.split(":").list.first().unique()).collect()["structure_of"]
    return Selection(
        "matrix", rows, columns, "cells", int(kept["n"].sum() + left["n"].sum()), kept, left, _levels(going),
        tuple(sorted({*kept["source"], *shown.drop_nulls()})), tables.versions, tuple(gaps),
        _with_crystals(rows, "structure_of", tables),
        {"cells": (going.select([column.name for column in told]), told)},
    )  # fmt: skip


def _columns_asked(
    tables: _Pinned, matrix: pl.LazyFrame, policy: str, properties: dict[str, str], names: Sequence[str]
) -> list[str]:
    """The matrix's property columns that have a cell by this policy, or those asked for by name or by property."""
    extra = [name for name in matrix.collect_schema().names() if name not in PROPERTY_MATRIX.schema]
    counts = matrix.select(pl.len(), *(pl.col(name).count().alias(f"n {name}") for name in extra))
    full = counts.collect().row(0, named=True)
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
    licences = entries.select("licence").unique().collect()["licence"]
    allowed = [licence for licence in licences if allows(licence, under)]
    free = entries.filter(pl.col("licence").is_in(allowed)).select(structure_of="entry_id")
    members = tables.scan(MATERIALS).select("material_id", "representative", structure_of="members")
    ordered = members.explode("structure_of").with_row_index("place").join(free, on="structure_of")
    itself = pl.col("structure_of") == pl.col("representative")
    first = pl.when(itself).then(-1).otherwise(pl.col("place").cast(pl.Int64))
    return ordered.group_by("material_id").agg(pl.col("structure_of").sort_by(first).first())


def _with_crystals(rows: pl.LazyFrame, by: str, tables: _Pinned) -> pl.LazyFrame:
    crystals = tables.scan(ENTRIES).select("entry_id", *CRYSTAL).rename({name: f"crystal_{name}" for name in CRYSTAL})
    return rows.join(crystals, left_on=by, right_on="entry_id", maintain_order="left")


def _parted(what: str, table: Table, tables: _Pinned, under: str, rows: pl.LazyFrame) -> Selection:
    """Rows of a table (with `source` and `licences`) parted into those that may go and those that may not."""
    kept, left = _counts(rows, under)
    going, total = rows.filter(_may_go(kept)), int(kept["n"].sum() + left["n"].sum())
    chosen, cited = going.select(table.schema.names()), tuple(kept["source"].unique().sort())
    return Selection(what, chosen, table.columns, "rows", total, kept, left, _levels(going), cited, tables.versions)


def _counts(rows: pl.LazyFrame, under: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What may go and what may not: source, licences, n, why it may not."""
    groups = rows.group_by("source", "licences").len("n").collect()
    why = [refusal(row, under) for row in groups["licences"]]
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


_CHOSEN: dict[str, Callable[[_Pinned, str, Sequence[str], str], Selection]] = {
    "materials": _materials,
    "matrix": _matrix,
    "observations": _observations,
    "entries": _entries,
    "predictions": _predictions,
    "transfer": _transfer,
}
SUBJECTS = tuple(_CHOSEN)
