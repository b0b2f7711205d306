"""The words between a database and the crawl loop: Unit, Record, Page, Forecast, Entry, and what a Source owes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lake.crystal import Crystal
from lake.disordered import DisorderedCrystal
from lake.sources.scope import Scope

MAIN = ""  # the route of the records that hold the crystals; other routes tell more of the same ids


@dataclass(frozen=True)
class Unit:
    """One restartable piece of a crawl.

    key: name inside the crawl, stable across restarts (`offset=000100`).
    request: what the source needs to fetch it again (JSON-able, and small: a ledger keeps it).
    partition: the part of the database it belongs to, whose number of records the database tells (Page.total).
    alone: whether it stands for one record, which may be given up where it never comes. A list, an archive or a page
    of many may not: a crawl without them stays open.
    """

    key: str
    request: Mapping[str, object] = field(default_factory=dict)
    partition: str = ""
    alone: bool = False


@dataclass(frozen=True)
class Record:
    """One record, verbatim as served: id in its database, text, media type.

    stamp: what the database itself changes with the record (a date, a revision); empty where it keeps none.
    route: which of the database's routes told it; MAIN for the record that holds the crystal.
    """

    source_id: str
    payload: str
    media_type: str = "application/json"
    stamp: str = ""
    route: str = MAIN

    @property
    def sha256(self) -> str:
        """SHA-256 of the payload's UTF-8 bytes, hex."""
        return hashlib.sha256(self.payload.encode()).hexdigest()


@dataclass(frozen=True)
class Page:
    """What a unit brought.

    request: the URL asked, without keys. sha256: of the answer's bytes.
    expected: records the source promised for this unit, None where it does not say.
    following: units that this one led to: the next page of a chain, what a list found changed.
    missing: ids that were asked for and are not there, with the reason.
    route: whose records these are. listed: ids of that route which the page shows to stand in the database now; the
    records' own where None. What a whole crawl did not list is gone from the database.
    total: distinct ids the database says its unit's partition holds, None where it does not say.
    """

    request: str
    records: Sequence[Record]
    sha256: str
    expected: int | None = None
    following: tuple[Unit, ...] = ()
    attempts: int = 1
    missing: Mapping[str, str] = field(default_factory=dict)
    route: str = MAIN
    listed: Sequence[str] | None = None
    total: int | None = None


@dataclass(frozen=True)
class Forecast:
    """What a crawl will cost, told before it starts.

    records: how many the database says it holds. requests: how many it takes. size: bytes on this machine's disk, from
    the constants of each source. note: what else to know before such a crawl starts.
    """

    records: int
    requests: int
    size: int
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """A record read as a crystal, in the source's own cell.

    kind: of what is ordered; a disordered crystal is an entry of kind `disordered`, whatever stands here.
    year: when the structure was published, None where the source does not say. When a database computed or revised a
    record is no such year: it says nothing of when the crystal became known, and moves with the next release.
    """

    crystal: Crystal | DisorderedCrystal
    level_of_theory: str
    kind: str = "bulk"
    licence: str = ""
    year: int | None = None


class Unusable(ValueError):
    """A record that cannot become an entry; the message is the reason that stands in `rejects`."""


class Source(Protocol):
    """What every source owes. A new one is one module with these, and one name in `lake/sources/__init__.py`.

    Nothing here remembers a crawl: what the lake holds comes as `known`, source_id -> stamp of the latest version.
    """

    name: str  # slug: mp, aflow, ocp, cod, pcod, oqmd, folder
    title: str  # for people
    citation: str  # what to cite, with its DOI
    licence: str  # of its records, where a record does not say so itself
    keeps: Mapping[str, Sequence[str]]  # route -> fields a crawl asks for; no fields: all that the database tells

    def marker(self) -> str | None:
        """Something cheap that changes when the database's content does; None where it has no such thing."""

    def alive(self) -> None:
        """Ask the smallest question there is, without patience; raises SourceDown where no good answer comes."""

    def forecast(self, scope: Scope) -> Forecast:
        """What a first crawl of that scope costs, from a few cheap questions; raises SourceDown."""

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """The units of a crawl, the same ones each time while the database stays as it is; raises SourceDown.

        Units may lead to others (Page.following): a list of ids to what changed. Raises ValueError for a scope that
        the source cannot tell apart.
        """

    def column(self, field: str, known: Mapping[str, str]) -> Iterator[Unit]:
        """The units of a crawl of one field or route that `keeps` does not hold, for the known ids.

        Its records have that field's name as their route, and a payload that holds it under the path that properties
        name. Raises ValueError, with what there is, for a field that the database does not tell alone.
        """

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """Fetch one unit, politely and with retries; raises SourceDown."""

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """The same records in smaller pieces; none for a unit that stands alone, or that nobody can divide.

        A page that always fails is halved until the bad record stands alone (Unit.alone). Pieces are fetched for
        themselves: they must not lead on beyond their own records, but for one that stands for all that follows the
        halved unit, if anything.
        """

    def fields(self, payload: str) -> Mapping[str, object]:
        """A payload's fields, for the paths of `lake/properties/catalog/`; each route has paths of its own."""

    def read(self, payload: str) -> Entry:
        """A payload of the main route as an entry; raises Unusable (or CrystalError) with the reason."""
