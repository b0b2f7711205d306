"""The user's own values: CSV files in the lake's folder `labels/`, made the table `labels`.

A file has the columns entry_id, property, value, unit, reference, licence; lines that start with `#` are remarks.
Values stay as given here: `lake/extract.py` turns them into observations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pint
import polars as pl

from lake.properties import PROPERTIES, UnknownProperty, property_named
from lake.properties.served import BadValue, conversion, number
from lake.properties.units import UnknownUnit
from lake.rejects import Reject, rejects_of
from lake.store import Lake
from lake.tables import LABELS, REJECTS

NEEDED = ("entry_id", "property", "value", "unit")
STAGE = "labels"

Row = Mapping[str, str | None]


def import_labels(lake: Lake, folder: str | Path | None = None) -> int:
    """Read every CSV of the folder (by default `labels/` in the lake) into LABELS, whole; returns how many are kept.

    What cannot be used goes to `rejects`: unknown properties, units that do not fit, no numbers, files without columns.
    """
    folder = lake.root / "labels" if folder is None else Path(folder)
    kept: dict[tuple[object, ...], dict[str, object]] = {}
    refused: list[Reject] = []
    for file in sorted(folder.glob("*.csv")):
        try:
            rows = list(_rows(file))
        except (pl.exceptions.PolarsError, BadValue, OSError) as error:
            refused.append(Reject(f"labels:{file.name}", STAGE, f"file cannot be used: {error}"))
            continue
        for line, row in enumerate(rows, start=1):
            try:
                label = _label(row, file.name)
                key = tuple(label[column] for column in LABELS.key)
                if key in kept:
                    raise BadValue(f"{label['property']} is given twice under the reference {label['reference']!r}")
                kept[key] = label
            except (BadValue, UnknownProperty, UnknownUnit, pint.DimensionalityError) as error:
                entry_id = (row["entry_id"] or "").strip() or f"labels:{file.name}"
                refused.append(Reject(entry_id, STAGE, f"{file.name}, value {line}: {error}"))
    lake.replace(LABELS, LABELS.frame(list(kept.values())))
    lake.replace(REJECTS, rejects_of(STAGE, refused), partition=STAGE)
    return len(kept)


def _rows(file: Path) -> Iterator[Row]:
    frame = pl.read_csv(file, infer_schema=False, comment_prefix="#")
    missing = [column for column in NEEDED if column not in frame.columns]
    if missing:
        raise BadValue(f"it needs the columns {', '.join(NEEDED)}; missing {', '.join(missing)}")
    yield from frame.iter_rows(named=True)


def _label(row: Row, file: str) -> dict[str, object]:
    """A row of LABELS; raises what is wrong with it."""
    entry_id, name, unit = ((row[column] or "").strip() for column in ("entry_id", "property", "unit"))
    if ":" not in entry_id:
        raise BadValue(f"entry_id must be a source and an id there, like mp:mp-149, found {entry_id!r}")
    kind = property_named(name)
    if not any(reading.source == "labels" for reading in kind.readings):
        own = [p.name for p in PROPERTIES.values() if any(reading.source == "labels" for reading in p.readings)]
        raise BadValue(f"{name} is not read from own values; these are: {', '.join(own)}")
    conversion(unit, kind.unit)
    value = number(row["value"])
    if value is None:
        raise BadValue(f"{name} must be a finite number, found nothing")
    return {
        "entry_id": entry_id,
        "property": name,
        "value": value,
        "unit": unit,
        "level_of_theory": (row.get("level_of_theory") or "").strip() or "experiment",
        "method": (row.get("method") or "").strip() or "not stated",
        "correction": (row.get("correction") or "").strip() or "none",
        "temperature": number(row.get("temperature")),
        "pressure": number(row.get("pressure")),
        "reference": (row.get("reference") or "").strip() or file,
        "licence": (row.get("licence") or "").strip() or "not stated",
        "dataset": file,
        "joined_by": "id",
    }
