"""Answer: the rows that a query gave, and the way from them to crystals: pymatgen's objects, or a folder of files.

What belongs here: which entry a row speaks of, and how its crystal is written. Asking is `lake/sql.py`'s; what is to be
cited stands in `lake/citations.py`. Graphs for PyTorch Geometric are made upstairs, since this storey knows no torch.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from lake.citations import article, citations_of
from lake.entries import DISORDERED, crystal_of, disordered_crystal_of
from lake.sources import source_named
from lake.store import Lake
from lake.tables import ENTRIES, MATERIALS, RECORDS

if TYPE_CHECKING:
    from pymatgen.core import Structure

REFERENCES = "references.bib"
ENDINGS = {"cif": ".cif", "poscar": ".vasp"}
SAFE = re.compile(r"[^A-Za-z0-9.-]+")
LONGEST = 80  # characters of a file's name: some file systems take no more than 143


class AnswerError(ValueError):
    """An answer that cannot become crystals; the message says which row or entry, and what to do."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Rows that a query gave, and the lake that gave them.

    frame: the rows, in their order.
    """

    lake: Lake
    frame: pl.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    def _repr_html_(self) -> str:
        return self.frame._repr_html_()

    @cached_property
    def entry_ids(self) -> list[str]:
        """The entry that each row speaks of: its `entry_id`, else the representative of its `material_id`.

        Raises AnswerError where rows have neither, or name what is not in the lake.
        """
        if "entry_id" in self.frame.columns:
            return self._told("entry_id", self.lake.scan(ENTRIES).select("entry_id", stands="entry_id"))
        if "material_id" in self.frame.columns:
            return self._told("material_id", self.lake.scan(MATERIALS).select("material_id", stands="representative"))
        found = ", ".join(self.frame.columns) or "none"
        raise AnswerError(f"crystals need a column entry_id or material_id, found {found}: select one of them too")

    def _told(self, column: str, stands: pl.LazyFrame) -> list[str]:
        asked = self.frame.select(pl.col(column).cast(pl.String))
        known = stands.join(asked.lazy(), on=column, how="semi").collect()
        found = asked.join(known, on=column, how="left", maintain_order="left")
        lost = found.with_row_index("row").filter(pl.col("stands").is_null())
        if len(lost):
            row, name = lost.select("row", column).row(0)
            raise AnswerError(
                f"every row must name one of the lake's, found {len(lost)} of {len(found)} that do not, "
                f"first row {row} with {column} {'null' if name is None else name}"
            )
        return found["stands"].to_list()

    @cached_property
    def entries(self) -> pl.DataFrame:
        """The entries that the rows speak of, each once, in the order of the rows: rows of ENTRIES."""
        asked = pl.DataFrame({"entry_id": self.entry_ids}, schema={"entry_id": pl.String}).unique(maintain_order=True)
        told = self.lake.scan(ENTRIES).join(asked.lazy(), on="entry_id", how="semi").collect()
        if len(told) < len(asked):
            lost = asked.join(told, on="entry_id", how="anti")["entry_id"][0]
            raise AnswerError(f"a material is represented by {lost}, which no crawl tells any more: build the lake")
        return asked.join(told, on="entry_id", maintain_order="left").select(ENTRIES.schema.names())

    def structures(self) -> list[Structure]:
        """The crystal of each row, in their order, as pymatgen has it; disordered ones are disordered there too.

        Each says in its `properties` which entry it is.
        """
        by_entry = {row["entry_id"]: row for row in self.entries.iter_rows(named=True)}
        return [_structure(by_entry[entry_id]) for entry_id in self.entry_ids]

    def write(self, folder: str | Path, format: Literal["cif", "poscar"] = "cif") -> list[Path]:
        """Write each entry's crystal once, and `references.bib`; returns the crystals' files, in the rows' order.

        A file is called after its entry: `mp-149.cif`, `oqmd-100.cif`, `cod-9008565.vasp`. The references are those
        of the databases that told them and, of crystals from COD, the article in which each was published.
        Raises AnswerError for another format, and for a disordered crystal as POSCAR.
        """
        if format not in ENDINGS:
            raise AnswerError(f"crystals are written as {' or '.join(ENDINGS)}, found {format}")
        rows = self.entries.to_dicts()
        if format == "poscar" and (shared := [row["entry_id"] for row in rows if row["kind"] == DISORDERED]):
            raise AnswerError(f"a POSCAR cannot say that sites are shared, as those of {shared[0]} are: write cif")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for row, stem in zip(rows, _stems([row["entry_id"] for row in rows]), strict=True):
            file = folder / f"{stem}{ENDINGS[format]}"
            file.write_text(_text(_structure(row), row["entry_id"], format), encoding="utf-8")
            written.append(file)
        (folder / REFERENCES).write_text("\n".join(_references(self.lake, self.entries)), encoding="utf-8")
        return written


def _structure(row: dict[str, Any]) -> Structure:
    crystal = disordered_crystal_of(row) if row["kind"] == DISORDERED else crystal_of(row)
    structure = crystal.to_pymatgen()
    structure.properties["entry_id"] = row["entry_id"]
    return structure


def _text(structure: Structure, entry_id: str, format: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # noble gases have no electronegativity, which only orders the symbols
        if format == "poscar":
            from pymatgen.io.vasp import Poscar

            return Poscar(structure, comment=entry_id, sort_structure=True).get_str(significant_figures=16)
        from pymatgen.io.cif import CifWriter

        return str(CifWriter(structure, significant_figures=10))


def _stems(entry_ids: Sequence[str]) -> Iterator[str]:
    """A file's name for each entry, no two alike even where capitals count for nothing, and none with a path in it.

    The id in its database where that tells its database itself (mp-149), else both. Where a sign had to go, the name
    was too long or is taken, it ends in a few digits of the id's digest.
    """
    taken: set[str] = set()
    for entry_id in entry_ids:
        source, _, there = entry_id.partition(":")
        name = there if re.match(rf"{re.escape(source)}[-:]", there) else f"{source}-{there}"
        name = name.replace(f"{source}:", f"{source}-", 1)
        stem = SAFE.sub("-", name).strip(".-")[:LONGEST]
        if stem != name or stem.casefold() in taken:
            stem = f"{stem}-{hashlib.sha256(entry_id.encode()).hexdigest()[:8]}"
        taken.add(stem.casefold())
        yield stem


def _references(lake: Lake, entries: pl.DataFrame) -> Iterator[str]:
    """BibTeX, and before it who told how many of the crystals under which licence."""
    counted = entries.group_by("source", "licence").len("n").sort("source", "licence")
    yield "".join(f"% {row['n']} from {row['source']}, {row['licence']}\n" for row in counted.iter_rows(named=True))
    yield from (citation.bibtex for citation in citations_of(counted["source"]))
    yield from _articles(lake, entries.filter(pl.col("source") == "cod"))


def _articles(lake: Lake, entries: pl.DataFrame) -> Iterator[str]:
    """Of each entry of COD the article that told it, where its record names one."""
    if not len(entries):
        return
    version = ["source", "source_id", "payload_sha256"]
    records = lake.scan(RECORDS).filter((pl.col("source") == "cod") & (pl.col("route") == "") & ~pl.col("gone"))
    told = records.join(entries.lazy().select(version), on=version, how="semi").unique(version).sort("source_id")
    source = source_named("cod")
    for source_id, payload in told.select("source_id", "payload").collect().iter_rows():
        if words := article(f"cod{source_id}", source.fields(payload)):
            yield words
