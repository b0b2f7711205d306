"""Kept records -> the observations of one property: a projection, never a new crawl.

What belongs here: finding a property's value in the records that became entries, and saying what cannot be used.
Where it stands in each database is `lake/properties/catalog/`; what a number is, `lake/properties/served.py`.

Every reading that speaks is a row: nothing is dropped because another spoke, nor for being out of range. A record
without the path says nothing. Records are streamed: memory holds a batch of payloads, and the rows of one property.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pint
import polars as pl

from lake.crawl.versions import latest_records
from lake.disordered import DisorderedCrystal
from lake.properties import property_named
from lake.properties.definition import Property, Reading
from lake.properties.served import BadValue, Conversion, contradiction, conversion, flag_of, number, sized
from lake.properties.units import UnknownUnit
from lake.rejects import Reject, rejects_of
from lake.sources.page import MAIN
from lake.store import Lake
from lake.tables import ENTRIES, LABELS, OBSERVATIONS, RECORDS, REJECTS

if TYPE_CHECKING:
    from lake.sources.page import Source

FieldsOf = Callable[[str, str], Mapping[str, object]]
Row = Mapping[str, Any]

OWN = "labels"  # the source of the user's own values
BATCH = 2000  # records in memory at once while payloads are read
ENTRY = ("entry_id", "reduced_formula", "n_atoms", "species", "level_of_theory", "licence")  # what a value needs
HEARD = {
    "place": pl.Int64, "value": pl.Float64, "flag": pl.String, "temperature": pl.Float64, "pressure": pl.Float64,
    "original_value": pl.Float64, "payload_sha256": pl.String,
}  # fmt: skip


def write_observations(
    lake: Lake, property_name: str, fields_of: FieldsOf | None = None, run: str = ""
) -> dict[str, int]:
    """Write that property's partition of OBSERVATIONS, and of REJECTS what cannot be used; returns counts.

    fields_of: (source, payload) -> the record's fields; by default the source's own `fields`. run: what calls itself.
    Only records that became entries speak, and own labels. Two commits: observations first, then rejects, so whoever
    reads both tables in between sees this property's new values beside its old rejects; each table alone is whole.
    Raises UnknownProperty, and UnknownUnit or DimensionalityError for a reading whose unit does not become the
    property's, before anything is written.
    """
    kind = property_named(property_name)
    readings = [_Spoken(kind, reading) for reading in kind.readings if reading.source != OWN]
    refused: list[Reject] = []
    frames = [OBSERVATIONS.empty()]
    for source, spoken in groupby(sorted(readings, key=lambda it: it.reading.source), lambda it: it.reading.source):
        frames += _of_source(lake, source, list(spoken), fields_of or _fields_of_source, refused)
    frames.append(_of_labels(lake, kind, refused))
    rows = pl.concat(frames).with_columns(run=pl.lit(run)).sort("entry_id", "reading")
    stage = f"observations.{kind.name}"
    lake.replace(OBSERVATIONS, rows, partition=kind.name)
    lake.replace(REJECTS, rejects_of(stage, refused), partition=stage)
    flagged = len(rows) - rows["flag"].null_count()
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


class _Spoken:
    """What one reading says of its source's entries, column by column.

    rows: place of the entry, value and what goes with it, in the order of HEARD. places: of whom it has spoken.
    """

    def __init__(self, kind: Property, reading: Reading) -> None:
        self.kind, self.reading = kind, reading
        self.rows: list[tuple[object, ...]] = []
        self.places: set[int] = set()
        self._value = _unit_of(kind, reading, reading.unit, kind.unit)
        self._temperature = _unit_of(kind, reading, reading.temperature_unit, "kelvin")
        self._pressure = _unit_of(kind, reading, reading.pressure_unit, "GPa")

    def hear(self, entry: Row, fields: Mapping[str, object]) -> None:
        """What this record says of its entry; raises BadValue."""
        reading, served = self.reading, at_path(fields, self.reading.path)
        try:
            original = number(served)
            if original is None:
                return
            if fault := contradiction(reading.level_of_theory or entry["level_of_theory"], self.kind):
                raise BadValue(fault)
            value = sized(_normalised(self._value, original, entry), self.kind)
        except BadValue:
            self.places.add(entry["place"])
            raise
        self.places.add(entry["place"])
        self.rows.append((
            entry["place"], value, flag_of(value, original, self.kind),
            _condition(reading.temperature, self._temperature, reading.temperature_path, fields),
            _condition(reading.pressure, self._pressure, reading.pressure_path, fields),
            original, entry["payload_sha256"],
        ))  # fmt: skip

    def frame(self, entries: pl.DataFrame) -> pl.DataFrame:
        """Rows of OBSERVATIONS; entries: all of the source, by whose places was told."""
        kind, reading = self.kind, self.reading
        heard = pl.DataFrame(self.rows, schema=HEARD, orient="row")
        entry = entries.select("entry_id", "level_of_theory", "licence")[heard["place"]]
        said = {
            "property": kind.name, "reading": reading.name, "unit": kind.unit, "origin": kind.origin,
            "method": reading.method, "correction": reading.correction, "source": reading.source,
            "original_unit": reading.unit, "run": "",
        }  # fmt: skip
        if reading.level_of_theory:
            said["level_of_theory"] = reading.level_of_theory
        rows = heard.hstack(entry).with_columns(pl.lit(word).alias(column) for column, word in said.items())
        return OBSERVATIONS.checked(rows.drop("place").with_columns(reference=pl.lit(None, pl.String)))


def _unit_of(kind: Property, reading: Reading, found: str, wanted: str) -> Conversion:
    """The conversion, or the fault with the names of property and reading: a catalog like that writes nothing."""
    try:
        return conversion(found, wanted)
    except UnknownUnit as fault:
        raise UnknownUnit(f"{kind.name}, reading {reading.name}: {fault}") from fault
    except pint.DimensionalityError as fault:
        words = f" ({kind.name}, reading {reading.name}, which is served in {found!r})"
        raise pint.DimensionalityError(fault.units1, fault.units2, fault.dim1, fault.dim2, extra_msg=words) from fault


def _normalised(convert: Conversion, original: float, entry: Row) -> float:
    """By the written rule of served.py; raises BadValue for what the unit makes infinite."""
    match convert.per:
        case "cell":
            value = convert(original, cell_atoms=_atoms(entry))
        case "formula_unit":
            value = convert(original, formula_atoms=_atoms_of_formula(entry["reduced_formula"]))
        case _:
            value = convert(original)
    if not math.isfinite(value):
        raise BadValue(f"must be a finite number in the catalog's unit, found {original!r} as served")
    return value


def _atoms(entry: Row) -> float:
    """In the entry's own cell: its sites, or what is on them where some are shared or partly empty."""
    if entry["species"] is None:
        return entry["n_atoms"]
    return _atoms_on(tuple(entry["species"]))


@cache
def _atoms_on(species: tuple[str, ...]) -> float:
    return sum(DisorderedCrystal(np.eye(3), np.zeros((len(species), 3)), species).counts.values())


@cache
def _atoms_of_formula(reduced_formula: str) -> float:
    from pymatgen.core import Composition

    return Composition(reduced_formula).num_atoms


def _condition(constant: float | None, convert: Conversion, path: str, fields: Mapping[str, object]) -> float | None:
    """The reading's own temperature or pressure, or what the record tells; None where that is no number."""
    if constant is not None or not path:
        return constant
    try:
        told = number(at_path(fields, path))
    except BadValue:
        return None
    return None if told is None else convert(told)


def _of_source(
    lake: Lake, source: str, readings: Sequence[_Spoken], fields_of: FieldsOf, refused: list[Reject]
) -> list[pl.DataFrame]:
    """Rows of OBSERVATIONS, a frame for each reading; every route is gone through once, for all of its readings.

    First what the readings' routes say; then, for the entries that a reading said nothing of, what a column crawl of
    its path brought.
    """
    entries = lake.scan(ENTRIES).filter(pl.col("source") == source).select(
        "source_id", pl.col("payload_sha256").alias("entry_sha"), *ENTRY
    ).collect().with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))  # fmt: skip
    there = lake.scan(RECORDS).filter(pl.col("source") == source).select("route").unique().collect()["route"]
    for asked in ("route", "path"):
        routes = {getattr(spoken.reading, asked) for spoken in readings}
        for route in sorted(routes & set(there)):
            listening = [spoken for spoken in readings if getattr(spoken.reading, asked) == route]
            for entry in _told(lake, source, route, entries):
                who = [spoken for spoken in listening if entry["place"] not in spoken.places]
                refused += _heard(who, source, entry, fields_of) if who else ()
    return [spoken.frame(entries) for spoken in readings]


def _heard(listening: Sequence[_Spoken], source: str, entry: Row, fields_of: FieldsOf) -> Iterator[Reject]:
    """Let the readings hear a record, whose fields are read once; what of it cannot be used."""
    sha = entry["payload_sha256"]
    try:
        fields = fields_of(source, entry["payload"])
    except Exception as error:  # one unreadable record must not cost the others theirs
        for spoken in listening:
            spoken.places.add(entry["place"])
        kind, names = listening[0].kind, ", ".join(spoken.reading.name for spoken in listening)
        why = f"stands in a record that cannot be read ({type(error).__name__}: {error})"
        yield Reject(entry["entry_id"], source, _reason(kind, entry["entry_id"], names, why, sha), sha)
        return
    for spoken in listening:
        try:
            spoken.hear(entry, fields)
        except BadValue as fault:
            reason = _reason(spoken.kind, entry["entry_id"], spoken.reading.name, str(fault), sha)
            yield Reject(entry["entry_id"], source, reason, sha)


def _reason(kind: Property, entry_id: str, reading: str, why: str, sha: str | None) -> str:
    return f"{kind.name} of {entry_id} by {reading} {why}" + (f", record {sha[:16]}" if sha else "")


def _told(lake: Lake, source: str, route: str, entries: pl.DataFrame) -> Iterator[Row]:
    """Entries with what a route tells of each, once; of the main route, the record that the entry was read from."""
    if route != MAIN:
        for batch in latest_records(lake, source, route):
            told = batch.select("source_id", "payload_sha256", "payload")
            yield from told.join(entries, on="source_id").iter_rows(named=True)
        return
    seen = np.zeros(len(entries), dtype=bool)  # the same payload may have come in several crawls
    standing = (pl.col("route") == MAIN) & ~pl.col("gone")
    version = {"left_on": ["source_id", "payload_sha256"], "right_on": ["source_id", "entry_sha"]}
    for batch in lake.stream(RECORDS, source, ("source_id", "route", "gone", "payload_sha256", "payload"), BATCH):
        for row in batch.filter(standing).join(entries, **version).iter_rows(named=True):
            if not seen[row["place"]]:
                seen[row["place"]] = True
                yield row


def _of_labels(lake: Lake, kind: Property, refused: list[Reject]) -> pl.DataFrame:
    """The user's own values of this property; they are read whether or not the catalog names such a reading."""
    labels = lake.scan(LABELS).filter(pl.col("property") == kind.name)
    entries = lake.scan(ENTRIES).select("entry_id", "reduced_formula", "n_atoms", "species")
    constant = next((reading for reading in kind.readings if reading.source == OWN), None)
    rows = []
    for label in labels.join(entries, on="entry_id", how="left").collect().iter_rows(named=True):
        try:
            rows.append(_of_label(label, kind, constant))
        except (BadValue, UnknownUnit, pint.DimensionalityError) as fault:
            told = f"{fault} (given as {label['value']:g} {label['unit']})"
            reason = _reason(kind, label["entry_id"], f"{OWN}:{label['reference']}", told, None)
            refused.append(Reject(label["entry_id"], OWN, reason))
    return OBSERVATIONS.frame(rows)


def _of_label(label: Row, kind: Property, constant: Reading | None) -> dict[str, object]:
    """A row of OBSERVATIONS. constant: the reading that says for which temperature and pressure all labels are."""
    if label["n_atoms"] is None:
        raise BadValue("needs an entry of that id, and there is none")
    if fault := contradiction(label["level_of_theory"], kind):
        raise BadValue(fault)
    value = sized(_normalised(conversion(label["unit"], kind.unit), label["value"], label), kind)
    as_told = ("entry_id", "level_of_theory", "method", "correction", "reference", "licence")
    given = {name: label[name] if constant is None or label[name] is not None else getattr(constant, name)
             for name in ("temperature", "pressure")}  # fmt: skip
    return (
        {column: label[column] for column in as_told}
        | given
        | {
            "property": kind.name,
            "reading": f"{OWN}:{label['reference']}",
            "value": value,
            "unit": kind.unit,
            "flag": flag_of(value, label["value"], kind),
            "origin": kind.origin,
            "source": OWN,
            "original_value": label["value"],
            "original_unit": label["unit"],
            "payload_sha256": None,
            "run": "",
        }
    )


def _fields_of_source(source: str, payload: str) -> Mapping[str, object]:
    return _source(source).fields(payload)


@cache
def _source(name: str) -> Source:
    from lake.sources import source_named

    return source_named(name)
