"""An export is a folder: data, LICENCE.txt, CITATION.bib and, last of all, README.md, the card.

Nothing is written outside of it, and nothing into a folder that holds anything. A folder without README.md is an export
that was killed: delete it.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
import polars as pl

from lake.contract import Column
from lake.export.card import Made, bibliography, card, licence_text
from lake.export.matminer import write_matminer
from lake.export.optimade import server_settings, write_optimade
from lake.export.selection import POLICY, Refused, Selection, select, with_crystals_alone
from lake.export.tables import write_csv, write_meanings, write_parquet
from lake.licences import offered
from lake.store import Lake

FORMATS = ("parquet", "csv", "optimade", "matminer")
WITH_CRYSTALS = {"optimade": "jsonl", "matminer": "json.gz"}  # format -> how the data's name ends
KEYS = {"materials": "material_id", "matrix": "material_id", "entries": "entry_id"}


class ExportError(ValueError):
    """An export that cannot be made; the message says why, and what could be."""


@dataclass(frozen=True)
class Exported:
    """What was written: the folder, its licence, its rows, how many rows or cells were left out, the files by name."""

    folder: Path
    licence: str
    rows: int
    left_out: int
    counted: str
    files: tuple[str, ...]


def export(
    lake: Lake,
    target: Path,
    what: str,
    format: str = "parquet",
    licence: str = "CC BY 4.0",
    properties: Sequence[str] = (),
    policy: str = POLICY,
    leave_out: bool = False,
    snapshot: str = "",
) -> Exported:
    """Write the rows of one of SUBJECTS that may be passed on under the licence into a new folder.

    format: one of FORMATS. leave_out: go on without the rows that may not go; else one of them stops it all.
    snapshot: name of the one that the lake is read at. Raises Refused, ExportError, NothingToExport, UnknownLicence.
    """
    under = offered(licence).name
    if format not in FORMATS:
        raise ExportError(f"a format is one of {', '.join(FORMATS)}; found {format!r}")
    if format in WITH_CRYSTALS and what not in KEYS:
        raise ExportError(
            f"{format} holds crystals, and {what} are none: take parquet or csv, or one of {', '.join(KEYS)}"
        )
    _vacant(target)
    selection = select(lake, what, under, properties, policy)
    if format in WITH_CRYSTALS:
        selection = with_crystals_alone(selection)
    if (why := selection.refused()) and not leave_out:
        raise Refused(f"{why}\nThe rest can go under {under}: --leave-out exports it, and lists what it left.")
    command = _command(target.name, what, format, under, properties, policy, leave_out)
    stood = target.exists()
    target.mkdir(parents=True, exist_ok=True)
    try:
        return _written(target, selection, format, under, command, snapshot)
    except BaseException:
        _emptied(target, stood)
        raise


def _written(target: Path, selection: Selection, format: str, under: str, command: str, snapshot: str) -> Exported:
    if format in WITH_CRYSTALS:
        files, rows = _with_crystals(target, selection, format)
    else:
        files, rows = _tables(target, selection, format)
    (target / "LICENCE.txt").write_text(licence_text(selection, under))
    (target / "CITATION.bib").write_text(bibliography(selection))
    made = Made(rows, datetime.now(UTC), command, snapshot, files)
    (target / "README.md").write_text(card(selection, under, made))
    names = tuple(sorted(file.name for file in target.iterdir()))
    return Exported(target, under, rows, selection.n_left, selection.counted, names)


Files = list[tuple[str, Sequence[Column]]]


def _tables(target: Path, selection: Selection, format: str) -> tuple[Files, int]:
    write: Callable[[pl.LazyFrame, Sequence[Column], Path], None] = write_csv if format == "csv" else write_parquet
    parts = {selection.what: (selection.rows, selection.columns), **selection.beside}
    files: Files = [(f"{name}.{format}", columns) for name, (_, columns) in parts.items()]
    for (name, columns), (rows, _) in zip(files, parts.values(), strict=True):
        write(rows, columns, target / name)
    if format == "csv":
        write_meanings(files, target / "columns.csv")
    return files, int(selection.rows.select(pl.len()).collect().item())


def _with_crystals(target: Path, selection: Selection, format: str) -> tuple[Files, int]:
    key = KEYS[selection.what]
    rows = selection.crystals
    data = target / f"{selection.what}.{WITH_CRYSTALS[format]}"
    if format == "optimade":
        write_optimade(rows, selection.columns, key, data)
        settings = server_settings(selection.columns, key, data.name)
        (target / "optimade_server.json").write_bytes(orjson.dumps(settings, option=orjson.OPT_INDENT_2))
    else:
        write_matminer(rows, selection.columns, data)
    return [(data.name, selection.columns)], int(rows.select(pl.len()).collect().item())


def _vacant(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise ExportError(f"an export is a folder of its own, and {target} is a file: name another")
    if target.is_dir() and any(target.iterdir()):
        raise ExportError(f"an export is a folder of its own, and {target} holds something: name a new one")


def _emptied(target: Path, stood: bool) -> None:
    """After a failure: nothing of it is left, and a folder that was there before is empty again."""
    for part in target.iterdir():
        part.unlink()
    if not stood:
        shutil.rmtree(target)


def _command(
    name: str, what: str, format: str, under: str, properties: Sequence[str], policy: str, leave_out: bool
) -> str:
    words = ["crystal-lake", "export", name, "--what", what, "--format", format, "--licence", under]
    words += ["--policy", policy] if what == "matrix" else []
    words += [word for named in properties for word in ("--property", named)]
    return shlex.join([*words, *(["--leave-out"] if leave_out else [])])
