"""The words between a database and the crawl loop: Unit, Record, Page, Entry, and what a Source owes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lake.crystal import Crystal


@dataclass(frozen=True)
class Unit:
    """One restartable piece of a crawl.

    key: name inside the crawl, stable across restarts (`offset=000100`).
    request: what the source needs to fetch it again (JSON-able).
    """

    key: str
    request: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One record, verbatim as served: id in its database, text, media type."""

    source_id: str
    payload: str
    media_type: str = "application/json"

    @property
    def sha256(self) -> str:
        """SHA-256 of the payload's UTF-8 bytes, hex."""
        return hashlib.sha256(self.payload.encode()).hexdigest()


@dataclass(frozen=True)
class Page:
    """What a unit brought.

    request: the URL asked, without keys. sha256: of the answer's bytes.
    expected: records the source promised for this unit, None where it does not say.
    following: the next unit of a chain, None at its end.
    missing: ids that were asked for and are not there, with the reason.
    """

    request: str
    records: list[Record]
    sha256: str
    expected: int | None = None
    following: Unit | None = None
    attempts: int = 1
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A record read as a crystal, in the source's own cell."""

    crystal: Crystal
    level_of_theory: str
    kind: str = "bulk"
    licence: str = ""


class Unusable(ValueError):
    """A record that cannot become an entry; the message is the reason that stands in `rejects`."""


class SourceDown(RuntimeError):
    """A database that does not answer, or answers what is not data, after every retry."""


Known = Callable[[], Mapping[str, str]]
"""source_id -> stamp of the latest version the lake held when the crawl opened; worked out only when asked."""


class Source(Protocol):
    """What every database owes. A new database is one module with these, and one name in `lake/sources/__init__.py`."""

    name: str  # slug: mp, aflow, ocp, cod, pcod, oqmd
    title: str  # for people
    citation: str  # what to cite, with its DOI
    licence: str  # of its records, where a record does not say so itself

    def marker(self) -> str | None:
        """Something cheap that changes when the database's content does; None where it has no such thing."""

    def plan(self, known: Known) -> Iterator[Unit]:
        """The units of a new crawl, the same ones each time while database and `known` stay; raises SourceDown."""

    def fetch(self, unit: Unit) -> Page:
        """Fetch one unit, politely and with retries; raises SourceDown."""

    def stamp(self, payload: str) -> str:
        """What the database itself changes with a record (a date, a revision); empty where it keeps none."""

    def fields(self, payload: str) -> Mapping[str, object]:
        """A payload's fields, for the paths of `lake/properties/catalog.py`."""

    def read(self, payload: str) -> Entry:
        """A payload as an entry; raises Unusable (or CrystalError) with the reason."""
