"""The user's own values: CSV files in the lake's folder `labels/`, made the table `labels`.

A file has the columns of NEEDED, and any of FURTHER; lines that start with `#` are remarks. Values stay as given here:
`lake/extract.py` turns them into observations. `crystal-lake add` writes such files (pipelines/adding.py), and what
that could not join to an entry stays in them with the reason, in the column `refused`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pint
import polars as pl

from lake.properties import UnknownProperty, property_named
from lake.properties.served import EXPERIMENT, BadValue, contradiction, conversion, number
from lake.properties.units import UnknownUnit
from lake.rejects import Reject, rejects_of
from lake.store import Lake
from lake.tables import LABELS, REJECTS

NEEDED = ("entry_id", "property", "value", "unit")
FURTHER = (
    "level_of_theory", "method", "correction", "temperature", "pressure", "reference", "licence",
    "joined_by", "refused",
)  # fmt: skip
STAGE = "labels"
FAULTS = (BadValue, UnknownProperty, UnknownUnit, pint.DimensionalityError)  # of one value; the others are kept

Row = Mapping[str, str | None]


def import_labels(lake: Lake, folder: str | Path | None = None) -> int:
    """Read every CSV of the folder (by default `labels/` in the lake) into LABELS, whole; returns how many are kept.

    What cannot be used goes to `rejects`: unknown properties, units that do not fit, no numbers, files without columns.
    """
    folder = folder_of(lake) if folder is None else Path(folder)
    kept: dict[tuple[object, ...], dict[str, object]] = {}
    refused: list[Reject] = []
    for file in sorted(folder.glob("*.csv")):
        try:
            rows = list(rows_of(file))
        except (pl.exceptions.PolarsError, BadValue, OSError) as error:
            refused.append(Reject(f"labels:{file.name}", STAGE, f"file cannot be used: {error}"))
            continue
        for line, row in enumerate(rows, start=1):
            try:
                label = label_of(row, file.name)
                key = tuple(label[column] for column in LABELS.key)
                if key in kept:
                    raise BadValue(twice(label))
                kept[key] = label
            except FAULTS as error:
                entry_id = _word(row, "entry_id") or f"labels:{file.name}"
                refused.append(Reject(entry_id, STAGE, f"{file.name}, value {line}: {error}"))
    lake.replace(LABELS, LABELS.frame(list(kept.values())))
    lake.replace(REJECTS, rejects_of(STAGE, refused), partition=STAGE)
    return len(kept)


def folder_of(lake: Lake) -> Path:
    """Where the files are that make the table."""
    return lake.root / "labels"


def rows_of(file: Path, needed: tuple[str, ...] = NEEDED) -> Iterator[Row]:
    """A file's rows, all text as it stands there; raises BadValue for missing columns, PolarsError for no CSV."""
    frame = pl.read_csv(file, infer_schema=False, comment_prefix="#")
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise BadValue(f"it needs the columns {', '.join(needed)}; missing {', '.join(missing)}")
    yield from frame.iter_rows(named=True)


def label_of(row: Row, dataset: str) -> dict[str, object]:
    """A row of LABELS; raises one of FAULTS.

    Without a level of theory, a value of a measured property is of experiment; of a computed one it must be told.
    """
    if refused := _word(row, "refused"):
        raise BadValue(refused)
    entry_id, name, unit = (_word(row, column) for column in ("entry_id", "property", "unit"))
    if ":" not in entry_id:
        raise BadValue(f"entry_id must be a source and an id there, like mp:mp-149, found {entry_id!r}")
    kind = property_named(name)
    conversion(unit, kind.unit)
    value = number(row["value"])
    if value is None:
        raise BadValue(f"{name} must be a finite number, found nothing")
    level = _word(row, "level_of_theory") or (EXPERIMENT if kind.origin == "measured" else "")
    if not level:
        raise BadValue(f"{name} is a computed property: say its level of theory, PBE or another")
    if fault := contradiction(level, kind):
        raise BadValue(f"{name} {fault}")
    return {
        "entry_id": entry_id,
        "property": name,
        "value": value,
        "unit": unit,
        "level_of_theory": level,
        "method": _word(row, "method") or "not stated",
        "correction": _word(row, "correction") or "none",
        "temperature": _condition(row, "temperature"),
        "pressure": _condition(row, "pressure"),
        "reference": _word(row, "reference") or dataset,
        "licence": _word(row, "licence") or "not stated",
        "dataset": dataset,
        "joined_by": _word(row, "joined_by") or "id",
    }


def twice(label: Mapping[str, object]) -> str:
    """What to say of a value whose entry, property and reference another one has already."""
    return (
        f"{label['property']} of {label['entry_id']} is given twice under the reference {label['reference']!r}: "
        "give the second a reference of its own"
    )


def _condition(row: Row, name: str) -> float | None:
    try:
        return number(row.get(name))
    except BadValue as fault:
        raise BadValue(f"{name} {fault}") from None


def _word(row: Row, column: str) -> str:
    return (row.get(column) or "").strip()
