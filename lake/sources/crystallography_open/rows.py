"""Rows of the engine's `data` table: as a result list tells them, or read off a CIF where no list is asked.

What belongs here: what the columns mean, and which entries they say nobody should use. Every value is a string or null.
Columns: https://wiki.crystallography.net/fields/; which data name of a CIF fills which column was read in the program
that fills the table (cod-tools, COD::CIF::Data::CIF2COD).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import gemmi

from lake.sources.page import Unusable
from lake.wire.answers import NotData, json_of, quoted

ID = re.compile(r"[0-9]{7}")
ELEMENT = re.compile(r"[A-Z][a-z]?")
HEADER = re.compile(rb"^#\$(Revision|Date): ([^$\r\n]*?) *\$[ \t]*\r?$", re.MULTILINE)
READ_OFF = "read off the CIF"  # the mark of a row that no result list told, under the key `row`
# column -> the data names that fill it, the first that is there
COLUMNS = {
    "duplicateof": ("_cod_duplicate_entry", "_[local]_cod_duplicate_entry"),
    "status": ("_cod_error_flag", "_[local]_cod_error_flag"),
    "onhold": ("_cod_hold_until_date", "_[local]_cod_hold_until_date"),
    "method": (
        "_cod_structure.determination_method",
        "_cod_structure_determination_method",
        "_cod_struct_determination_method",
    ),
}
SEVERITY = ("_cod_entry_issue.severity", "_cod_entry_issue_severity")  # newer than the error flag; may be a loop
STATUS_OF_SEVERITY = {"retraction": "retracted", "error": "errors", "warning": "warnings"}  # the gravest first

Row = Mapping[str, Any]


def rows_of(body: bytes) -> list[dict[str, Any]]:
    """Rows of a result list, each entry once; raises NotData for the pages the engine gives where it fails."""
    rows = json_of(body)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and _named(row) for row in rows):
        raise NotData(f"JSON that is no list of entries with ids of seven digits: {quoted(body)}")
    return list({row["file"]: row for row in rows}.values())


def count_of(body: bytes) -> int:
    """The bare number of `format=count`; raises NotData for anything else."""
    words = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not words.isdigit():
        found = f"something else where a number belongs, beginning {quoted(body)}" if words else "an empty answer"
        raise NotData(found)
    return int(words)


def revision(row: Row) -> str:
    """What changes with the entry: its `svnrevision`, else its date and time; empty where the row has neither."""
    return str(row.get("svnrevision") or f"{row.get('date') or ''} {row.get('time') or ''}".strip())


def header_of(head: bytes) -> dict[str, str]:
    """`Revision` and `Date` of a CIF's first lines, as Subversion wrote them; empty where it did not."""
    found = ((name.decode(), value.decode("ascii", "replace")) for name, value in HEADER.findall(head))
    return {name: value for name, value in found if value}


def row_off_cif(entry: str, text: str) -> dict[str, Any]:
    """A row with the columns that say how an entry stands, from its CIF alone; the others are the CIF's own fields.

    A CIF that gemmi cannot read gives a row of its header: it is refused where its crystal is read.
    """
    header = header_of(text[:4096].encode("utf-8", "replace"))
    day, _, rest = header.get("Date", "").partition(" ")
    row: dict[str, Any] = {"file": entry, "row": READ_OFF, "svnrevision": header.get("Revision")}
    row |= {"date": day or None, "time": rest.partition(" ")[0] or None}
    blocks = _blocks(text)
    row |= {column: next(iter(_values(blocks, names)), None) for column, names in COLUMNS.items()}
    row["status"] = _status(row["status"], _values(blocks, SEVERITY))
    formula = next(iter(_values(blocks, ("_chemical_formula_sum",))), None)
    row["formula"] = f"- {formula} -" if formula else None
    return row


def elements_of(row: Row) -> set[str]:
    """The symbols in a row's formula, `- C2 Al Ti3 -`."""
    return set(ELEMENT.findall(str(row.get("formula") or "")))


def must_stand(row: Row) -> None:
    """Raise Unusable for an entry that its database withdrew, holds back, or has twice. Warnings do not hinder.

    A duplicate repeats the same structure of the same article: kept beside its original, it would weigh twice and could
    stand on both sides of a split. Its record stays, so that another rule needs no new crawl.
    """
    status = str(row.get("status") or "")
    if "retracted" in status or "error" in status:
        raise Unusable(f"an entry must stand, this one's status is {status!r}")
    original = str(row.get("duplicateof") or "").strip()
    if original and original != row.get("file"):
        raise Unusable(f"an entry must be told once, this one is a duplicate of {original}")
    until = str(row.get("onhold") or "")[:10]
    if _is_date(until) and date.fromisoformat(until) > date.today():
        raise Unusable(f"an entry must be public, this one is on hold until {until}")


def _named(row: Row) -> bool:
    return bool(ID.fullmatch(str(row.get("file") or "")))  # ids become paths: nothing but digits may pass


def _blocks(text: str) -> list[gemmi.cif.Block]:
    try:
        return list(gemmi.cif.read_string(text))
    except (ValueError, RuntimeError):
        return []


def _values(blocks: list[gemmi.cif.Block], names: tuple[str, ...]) -> list[str]:
    """Values of the first of these data names that any block has, single or in a loop."""
    for name in names:
        found = [value for block in blocks for value in block.find_values(name) if not gemmi.cif.is_null(value)]
        if found:
            return [" ".join(gemmi.cif.as_string(value).split()) for value in found]
    return []


def _status(flag: str | None, severities: list[str]) -> str | None:
    told = {flag, *(STATUS_OF_SEVERITY.get(severity) for severity in severities)}
    return next((status for status in STATUS_OF_SEVERITY.values() if status in told), None)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
