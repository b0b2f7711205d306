"""Kept records -> the observations of one property: a projection, never a new crawl.

What belongs here: finding a property's value in the records that became entries, and saying what cannot be used.
Where it stands in each database is `lake/properties/catalog.py`; what a number is, `lake/properties/served.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from lake.crawl.versions import latest_records
from lake.properties import property_named
from lake.properties.definition import Property, Reading
from lake.properties.served import BadValue, conversion, flag_of, number, sized
from lake.rejects import Reject, rejects_of
from lake.sources.page import MAIN
from lake.store import Lake
from lake.tables import ENTRIES, LABELS, OBSERVATIONS, RECORDS, REJECTS

if TYPE_CHECKING:
    from lake.sources.page import Source

FieldsOf = Callable[[str, str], Mapping[str, object]]
Found = dict[str, object]


def write_observations(
    lake: Lake, property_name: str, fields_of: FieldsOf | None = None, run: str = ""
) -> dict[str, int]:
    """Write that property's partition of OBSERVATIONS, and of REJECTS what cannot be used; returns counts.

    fields_of: (source, payload) -> the record's fields; by default the source's own `fields`. run: what calls itself.
    Only records that became entries speak. What lies outside the physical range is kept and flagged.
    Raises UnknownProperty.
    """
    kind = property_named(property_name)
    rows: dict[tuple[object, object], Found] = {}
    refused: list[Reject] = []
    for reading in kind.readings:
        for served in _served(lake, kind, reading, fields_of or _fields_of_source):
            try:
                observation = _observation(kind, reading, served, run)
                if observation is None:
                    continue
                key = (observation["entry_id"], observation["reading"])
                if key in rows:
                    raise BadValue(f"is told twice by {observation['reading']}")
                rows[key] = observation
            except BadValue as error:
                refused.append(_reject(kind, reading, served, str(error)))
    stage = f"observations.{kind.name}"
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame(list(rows.values())), partition=kind.name)
    lake.replace(REJECTS, rejects_of(stage, refused), partition=stage)
    flagged = sum(row["flag"] is not None for row in rows.values())
    return {"observations": len(rows), "flagged": flagged, "rejects": len({reject.entry_id for reject in refused})}


def at_path(fields: Mapping[str, object], path: str) -> object:
    """The field of that name or, step by step, of that dotted path; None where it is not there."""
    if path in fields:
        return fields[path]
    found: object = fields
    for step in path.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


def _observation(kind: Property, reading: Reading, served: Found, run: str) -> Found | None:
    """A row of OBSERVATIONS, None where the database says nothing; raises BadValue."""
    if served["problem"]:
        raise BadValue(served["problem"])
    original = number(served["value"])
    if original is None:
        return None
    value = sized(conversion(served["unit"], kind.unit)(original, served["n_atoms"]), kind)
    own = served["reference"] is not None
    return {
        "entry_id": served["entry_id"],
        "property": kind.name,
        "reading": f"labels:{served['reference']}" if own else reading.name,
        "value": value,
        "unit": kind.unit,
        "flag": flag_of(value, kind),
        "origin": kind.origin,
        "level_of_theory": served["level_of_theory"] if own else reading.level_of_theory or served["level_of_theory"],
        "method": served["method"] if own else reading.method,
        "correction": served["correction"] if own else reading.correction,
        "temperature": served["temperature"] if own else reading.temperature,
        "pressure": served["pressure"] if own else reading.pressure,
        "source": reading.source,
        "reference": served["reference"],
        "licence": served["licence"],
        "original_value": original,
        "original_unit": served["unit"],
        "payload_sha256": served["payload_sha256"],
        "run": run,
    }


def _reject(kind: Property, reading: Reading, served: Found, why: str) -> Reject:
    told = f" (served as {str(served['value'])[:80]} {served['unit']})" if served["value"] is not None else ""
    reason = f"{kind.name} of {served['entry_id']} {why}{told}"
    return Reject(served["entry_id"], reading.source, reason, served["payload_sha256"])


def _served(lake: Lake, kind: Property, reading: Reading, fields_of: FieldsOf) -> Iterator[Found]:
    """What a reading finds: value and unit as served, with the entry's id, atoms, level of theory and record."""
    return _labels(lake, kind) if reading.source == "labels" else _records(lake, reading, fields_of)


def _records(lake: Lake, reading: Reading, fields_of: FieldsOf) -> Iterator[Found]:
    """What the reading's route says, and a column crawl of its path for the entries that it says nothing of."""
    told = set()
    for served in _read(_records_of_route(lake, reading.source, reading.route), reading, fields_of):
        if served["problem"] or served["value"] is not None:
            told.add(served["entry_id"])
            yield served
    for served in _read(_records_of_route(lake, reading.source, reading.path), reading, fields_of):
        if served["entry_id"] not in told:
            yield served


def _read(records: pl.DataFrame, reading: Reading, fields_of: FieldsOf) -> Iterator[Found]:
    for row in records.iter_rows(named=True):
        payload = row.pop("payload")
        row |= {"value": None, "unit": reading.unit, "reference": None, "problem": ""}
        try:
            row["value"] = at_path(fields_of(reading.source, payload), reading.path)
        except Exception as error:  # one unreadable record must not cost the others theirs
            row["problem"] = f"stands in a record that cannot be read ({type(error).__name__}: {error})"
        yield row


def _records_of_route(lake: Lake, source: str, route: str) -> pl.DataFrame:
    """Entries with what a route tells of them, sorted by entry; of the main route, the record each was read from."""
    return _records_of_entries(lake, source) if route == MAIN else _told_beside(lake, source, route)


def _told_beside(lake: Lake, source: str, route: str) -> pl.DataFrame:
    entries = lake.scan(ENTRIES).filter(pl.col("source") == source).select(
        "source_id", "entry_id", "n_atoms", "level_of_theory", "licence"
    ).collect()  # fmt: skip
    batches = [batch.select("source_id", "payload_sha256", "payload") for batch in latest_records(lake, source, route)]
    if not batches:
        return pl.DataFrame()
    columns = ["entry_id", "n_atoms", "level_of_theory", "licence", "payload_sha256", "payload"]
    return pl.concat(batches).join(entries, on="source_id").select(columns).sort("entry_id")


def _records_of_entries(lake: Lake, source: str) -> pl.DataFrame:
    entries = lake.scan(ENTRIES).filter(pl.col("source") == source)
    records = lake.scan(RECORDS).filter((pl.col("source") == source) & (pl.col("route") == MAIN) & ~pl.col("gone"))
    version = ["source_id", "payload_sha256"]  # the same payload may have come in several crawls
    return (
        entries.select("entry_id", "n_atoms", "level_of_theory", "licence", *version)
        .join(records.select(*version, "payload").unique(version), on=version)
        .select("entry_id", "n_atoms", "level_of_theory", "licence", "payload_sha256", "payload")
        .sort("entry_id")
        .collect()
    )


def _labels(lake: Lake, kind: Property) -> Iterator[Found]:
    entries = lake.scan(ENTRIES).select("entry_id", "n_atoms")
    labels = lake.scan(LABELS).filter(pl.col("property") == kind.name).drop("property", "dataset", "joined_by")
    rows = labels.join(entries, on="entry_id", how="left").sort("entry_id", "reference").collect()
    for row in rows.iter_rows(named=True):
        problem = "" if row["n_atoms"] else "needs an entry of that id, and there is none"
        yield row | {"payload_sha256": None, "problem": problem}


def _fields_of_source(source: str, payload: str) -> Mapping[str, object]:
    return _source(source).fields(payload)


@cache
def _source(name: str) -> Source:
    from lake.sources import source_named

    return source_named(name)
