"""The engine that COD and PCOD share: result lists as JSON, one CIF per entry. What differs is in cod.py and pcod.py.

A record is the row of the result list together with the CIF, both as served: the row alone says whether an entry
is theoretical, retracted or a duplicate, and its `svnrevision` is what a later crawl compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from lake.cif import cif_fields, crystal_from_cif
from lake.sources.answers import NotData, json_of, quoted
from lake.sources.http import Polite
from lake.sources.page import Entry, Known, Page, Record, Unit, Unusable

PREFIXES = tuple(str(n) for n in range(10, 100))  # ids have seven digits; lists have no paging, so they are cut by id
PER_UNIT = 100  # CIFs: less than a minute of work is lost to an interruption
MEDIA_TYPE = "chemical/x-cif+json"


@dataclass(frozen=True)
class CrystallographyOpen:
    """A database of the Crystallography Open Database's engine.

    address: id -> path of its CIF below the base URL. level: row -> level of theory; raises Unusable.
    """

    name: str
    title: str
    citation: str
    http: Polite
    address: Callable[[str], str]
    level: Callable[[Mapping[str, Any]], str]
    licence: str = "CC0-1.0"

    def marker(self) -> None:
        """The engine has no marker; the rows' revisions are compared instead."""

    def plan(self, known: Known) -> Iterator[Unit]:
        """Hundreds of entries whose revision is not the one the lake holds, in the order of their ids."""
        revisions = known()
        for prefix in PREFIXES:
            listed = self.http.ask(f"{self.http.base}/result", rows_of, {"format": "json", "id": f"{prefix}%"}).value
            new = [row for row in listed if revisions.get(row["file"]) != _revision(row)]
            for start in range(0, len(new), PER_UNIT):
                yield _unit(sorted(new, key=lambda row: row["file"])[start : start + PER_UNIT])

    def fetch(self, unit: Unit) -> Page:
        """One CIF after another; a CIF that the list names and the server lacks is told as missing."""
        rows, records, missing, digest, attempts = unit.request["rows"], [], {}, sha256(), 0
        for row in rows:
            answer = self.http.ask(f"{self.http.base}/{self.address(row['file'])}", cif_of, may_be_absent=True)
            digest.update(answer.sha256.encode())
            attempts += answer.attempts
            if answer.value is None:
                missing[row["file"]] = f"the list names {answer.url}, the server answers 404"
                continue
            payload = orjson.dumps({"row": row, "cif": answer.value}).decode()
            records.append(Record(row["file"], payload, MEDIA_TYPE))
        request = f"{self.http.base}/{self.address(rows[0]['file'])} and {len(rows) - 1} more"
        return Page(request, records, digest.hexdigest(), len(rows), None, attempts, missing)

    def stamp(self, payload: str) -> str:
        """The entry's `svnrevision`."""
        return _revision(orjson.loads(payload)["row"])

    def fields(self, payload: str) -> Mapping[str, object]:
        """The row's columns, and the CIF's single values under their data names."""
        record = orjson.loads(payload)
        return {**record["row"], **cif_fields(record["cif"])}

    def read(self, payload: str) -> Entry:
        """The cell of the CIF with its symmetry expanded; withdrawn and disordered entries cannot be used."""
        record = orjson.loads(payload)
        status = str(record["row"].get("status") or "")
        if "retracted" in status or "error" in status:
            raise Unusable(f"an entry must stand, this one's status is {status!r}")
        return Entry(crystal_from_cif(record["cif"]), self.level(record["row"]), licence=self.licence)


def rows_of(body: bytes) -> list[dict[str, Any]]:
    """Rows of a result list; raises NotData for the pages the engine gives where it fails."""
    rows = json_of(body)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("file") for row in rows):
        raise NotData(f"JSON that is no list of entries: {quoted(body)}")
    return rows


def cif_of(body: bytes) -> str:
    """A CIF's text; old ones are not UTF-8. Raises NotData for a web page or for nothing. Faults inside stay in."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    if "data_" not in text or text.lstrip()[:1] == "<":
        raise NotData(f"something else where a CIF belongs, beginning {quoted(body)}")
    return text


def _revision(row: Mapping[str, Any]) -> str:
    return str(row.get("svnrevision") or "")


def _unit(rows: list[dict[str, Any]]) -> Unit:
    asked = ",".join(f"{row['file']}@{_revision(row)}" for row in rows)
    return Unit(f"from={rows[0]['file']}/{sha256(asked.encode()).hexdigest()[:16]}", {"rows": rows})
