"""The engine that COD and PCOD share: result lists as JSON, one CIF per entry. What differs is in cod.py and pcod.py.

A record is an entry's row together with its CIF, as served: the row says whether the entry is theoretical, retracted or
a duplicate, and its `svnrevision` is what a later crawl compares. There are two ways to the same records:

- over the network: lists by the first digits of the ids, then each CIF that is new;
- from a local tree, which rsync may bring up to date: its files are the list, and only the rows of what is new are
  asked for. Where no list may be asked, the row is read off the CIF and says so; such a record has a stamp of its own,
  so that a later crawl with lists replaces it.

Documented (https://wiki.crystallography.net/RESTful_API/): ids by comma or with a `%`, `format=count`, el1 to el8,
strictmin and strictmax. Lists have no paging and no stated limit: none longer than LIST_MOST is asked for. Assumed:
that a row's `svnrevision` is the `#$Revision$` of its file. Tried on the mirror, on recorded CIFs and rows; never live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

import orjson

from lake.cif import cif_fields, cif_text, determination, publication_year, structure_from_cif
from lake.settings import Settings
from lake.sources.crystallography_open import units
from lake.sources.crystallography_open.rows import (
    READ_OFF,
    Row,
    count_of,
    elements_of,
    must_stand,
    revision,
    row_off_cif,
    rows_of,
)
from lake.sources.crystallography_open.rsync import Rsync
from lake.sources.crystallography_open.tree import File, Tree, Unreadable
from lake.sources.page import MAIN, Entry, Forecast, Page, Record, Unit
from lake.sources.reading import year_of
from lake.sources.scope import Scope
from lake.wire.answers import NotData, quoted
from lake.wire.down import SourceDown
from lake.wire.http import Answer, Polite

PREFIXES = tuple(str(number) for number in range(10, 100))
LIST_MOST = 10_000  # rows of one list: 15 MB
PER_UNIT = 100  # entries: less than a minute of work is lost to an interruption
ROW_BYTES = 1_500  # of a row as JSON
PACKED = 0.25  # of a record in the lake's compressed files; 98 real CIFs: 1,137,442 bytes became 283,533
MEDIA_TYPE = "chemical/x-cif+json"


@dataclass(frozen=True)
class CrystallographyOpen:
    """A database of the Crystallography Open Database's engine.

    address: id -> path of its CIF below the base URL. level: row -> level of theory; raises Unusable.
    cif_bytes: of a CIF, on average. before: what to know before a first crawl over the network.
    tree: a local copy of the files. lists: whether result lists are asked. rsync: what brings the tree up to date.
    """

    name: str
    title: str
    citation: str
    http: Polite
    address: Callable[[str], str]
    level: Callable[[Row], str]
    cif_bytes: int
    before: str
    tree: Tree | None = None
    lists: bool = True
    rsync: Rsync | None = None
    licence: str = "CC0-1.0"
    keeps: ClassVar[Mapping[str, Sequence[str]]] = {MAIN: ()}

    def marker(self) -> None:
        """The engine has no marker; the entries' revisions are compared instead."""

    def alive(self) -> None:
        """Count one id, once; a tree that is there must hold CIFs."""
        if self.tree and not self.rsync:
            self.tree.check()
        if self.lists:
            impatient = Polite(self.name, self.http.settings.model_copy(update={"attempts": 1}))
            impatient.ask(f"{self.http.base}/result", count_of, {"format": "count", "id": "1000000"})

    def forecast(self, scope: Scope) -> Forecast:
        """Entries by `format=count`, or by walking the tree where no list may be asked."""
        if self.lists:
            search = units.search_of(scope)
            records = sum(self._count(f"{digit}%", search).value for digit in range(1, 10))
        else:
            records = self.tree.count()[0]
        records = min(records, scope.limit or records)
        rows = -(-records // PER_UNIT) if self.lists else 0
        size = round(records * (self.cif_bytes + ROW_BYTES) * PACKED)
        if self._takes_tree(scope):
            if not self.rsync or self.tree.there:
                return Forecast(records, rows, size, "CIFs are read from a local tree")
            copied = records * self.cif_bytes
            return Forecast(records, rows, size + copied, f"rsync copies the tree first, about {copied / 1e9:.3g} GB")
        counted_and_listed = len(PREFIXES) + 4 * (records // LIST_MOST)
        return Forecast(records, records + rows + counted_and_listed, size, self.before)

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """Lists by the first digits of the ids; or the files of the tree, a hundred at a time, once rsync was there.

        Only a crawl of everything waits for rsync: a part of it takes the tree as it stands.
        """
        units.search_of(scope)
        part = units.part_of(scope)
        if not self._takes_tree(scope):
            yield from (units.listing(prefix, part) for prefix in PREFIXES)
            return
        if self.rsync and scope.whole:
            self.rsync.bring(self.tree)
        yield from (units.files(prefix, part) for prefix in self.tree.prefixes())

    def column(self, field: str, known: Mapping[str, str]) -> Iterator[Unit]:
        """Nothing can be fetched alone."""
        raise ValueError(
            f"{self.name} tells whole records, row and CIF, found a crawl of {field!r} alone: "
            "what a record holds is there already, what it lacks the database does not have"
        )

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """A list, entries by their ids, or files of the tree."""
        if "list" in unit.request:
            return self._list(unit, known)
        return self._files(unit, known) if "files" in unit.request else self._entries(unit, known)

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """A list as shorter ones, then as entries by five digits each; entries and files in smaller groups, to one."""
        return units.halves(unit)

    def fields(self, payload: str) -> Mapping[str, object]:
        """The row's columns, and the CIF's single values under their data names."""
        record = orjson.loads(payload)
        return {**record["row"], **cif_fields(record["cif"])}

    def read(self, payload: str) -> Entry:
        """The CIF's cell with its symmetry expanded, ordered or not; withdrawn and doubled entries cannot be used.

        The year is the row's, else the CIF's: both are the journal's.
        """
        record = orjson.loads(payload)
        row, text = record["row"], record["cif"]
        must_stand(row)
        crystal = structure_from_cif(text)
        level = self.level(row if row.get("method") else row | {"method": determination(text)})
        year = year_of(row.get("year")) or year_of(publication_year(text))
        return Entry(crystal, level, licence=self.licence, year=year)

    def _list(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """Count, and list what is not too much; entries whose revision is not the known one follow."""
        prefix, scope = str(unit.request["list"]), units.scope_of(unit)
        search, part = units.search_of(scope), units.part_of(scope)
        count = self._count(f"{prefix}%", search)
        if count.value > LIST_MOST and len(prefix) < units.LONGEST:
            longer = tuple(units.listing(f"{prefix}{digit}", part) for digit in range(10))
            return Page(count.url, (), count.sha256, following=longer, attempts=count.attempts, listed=())
        if not count.value:
            return Page(count.url, (), count.sha256, attempts=count.attempts, listed=(), total=0)
        rows = self._rows(f"{prefix}%", search)
        new = sorted(row["file"] for row in rows.value if known.get(row["file"]) != revision(row))
        groups = (new[start : start + PER_UNIT] for start in range(0, len(new), PER_UNIT))
        return Page(
            rows.url, (), rows.sha256, attempts=count.attempts + rows.attempts, total=count.value,
            following=tuple(units.entries(group, unit.partition) for group in groups),
            listed=[row["file"] for row in rows.value],
        )  # fmt: skip

    def _entries(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """Rows, and one CIF after another for those that are new; what is listed and not to be had is missing."""
        asked, search = str(unit.request["ids"]), units.search_of(units.scope_of(unit))
        if "," not in asked and not (count := self._count(asked, search)).value:  # digits that a halving made up
            return Page(count.url, (), count.sha256, attempts=count.attempts, listed=())
        told = self._rows(asked, search)
        records, digest, attempts = [], sha256(told.sha256.encode()), told.attempts
        most, there = self.http.settings.largest_cif, {row["file"] for row in told.value}
        named = [] if asked.endswith("%") else asked.split(",")
        why = "a list names it, and the engine tells no row of it"
        missing = {entry: why for entry in named if entry not in there}
        new = [row for row in told.value if known.get(row["file"]) != revision(row)]
        expected = len(new) + len(missing)
        for row in new:
            entry = row["file"]
            answer = self.http.ask(f"{self.http.base}/{self.address(entry)}", cif_of, may_be_absent=True)
            digest.update(answer.sha256.encode())
            attempts += answer.attempts
            if answer.value is None:
                missing[entry] = f"the list names {answer.url}, the server answers 404"
            elif len(answer.value) > most:
                missing[entry] = f"a CIF must stay below {most:,} bytes, {answer.url} has more"
            else:
                records.append(_record(row, answer.value, revision(row)))
        return Page(
            told.url, records, digest.hexdigest(), expected=expected, attempts=attempts, missing=missing,
            listed=[row["file"] for row in told.value],
        )  # fmt: skip

    def _files(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """Files whose stamp is not the known one, with their rows; a file that cannot be read is missing."""
        self.tree.check()  # a disk that went away must not read as entries that did
        prefix, scope = str(unit.request["files"]), units.scope_of(unit)
        ids, texts, missing = self.tree.ids(prefix), {}, {}
        for entry in ids:
            try:
                if not self._has(known.get(entry), self.tree.stamp(entry)):
                    file = self.tree.file(entry)
                    texts[entry] = file, cif_of(file.content)
            except (Unreadable, NotData) as fault:
                missing[entry] = str(fault)
        if units.part_of(scope):
            texts = {e: pair for e, pair in texts.items() if scope.holds(elements_of(row_off_cif(e, pair[1])))}
        told = self._rows(",".join(texts), {}) if texts and self.lists else None
        rows = {row["file"]: row for row in told.value} if told else {}
        records = [_filed(entry, rows.get(entry), *pair) for entry, pair in texts.items()]
        digest = sha256("".join(file.sha256 for file, _ in texts.values()).encode()).hexdigest()
        where = told.url if told else f"{self.tree.address(prefix.ljust(7, '0'))} and on"
        attempts = told.attempts if told else 0
        return Page(where, records, digest, attempts=attempts, missing=missing, listed=ids)

    def _has(self, known: str | None, stamp: str) -> bool:
        """Whether the lake holds this file; with its row too, where rows can be asked for."""
        return known == stamp or (not self.lists and known == _without_row(stamp))

    def _takes_tree(self, scope: Scope) -> bool:
        """Whether a crawl reads the tree: a part does not wait for a tree that rsync has not brought yet."""
        return self.tree is not None and (scope.whole or not self.lists or not self.rsync or self.tree.there)

    def _count(self, ids: str, search: Mapping[str, str]) -> Answer:
        return self.http.ask(f"{self.http.base}/result", count_of, {"format": "count", "id": ids, **search})

    def _rows(self, ids: str, search: Mapping[str, str]) -> Answer:
        """Rows of these ids; SourceDown where the engine tells others."""
        answer = self.http.ask(f"{self.http.base}/result", rows_of, {"format": "json", "id": ids, **search})
        asked = set(ids.split(","))
        for entry in (row["file"] for row in answer.value):
            if entry not in asked and not (ids.endswith("%") and entry.startswith(ids[:-1])):
                raise SourceDown(
                    f"{self.name}: a list must hold the ids that were asked for, found {entry} at {answer.url[:200]}: "
                    "the database may have changed its interface"
                )
        return answer


def locally(name: str, settings: Settings, address: Callable[[str], str]) -> dict[str, Any]:
    """Tree, lists and rsync of a database, as the settings say. Raises ValueError where they leave no way to it.

    address: id -> path of its CIF below the tree.
    """
    folder, source = getattr(settings, f"{name}_tree"), getattr(settings, f"{name}_rsync")
    lists = getattr(settings, f"{name}_lists")
    if folder is None and source:
        folder = settings.root.expanduser().resolve() / "downloads" / name
    if folder is None and not lists:
        upper = f"CRYSTAL_LAKE_{name.upper()}"
        raise ValueError(
            f"{name} is crawled by lists or from a tree, found neither: set {upper}_TREE to a folder, or {upper}_LISTS"
        )
    tree = Tree(folder.expanduser().absolute(), address, settings.largest_cif) if folder else None
    rsync = Rsync(name, source, settings.rsync_kib, settings.timeout, settings.rsync_longest) if source else None
    return {"tree": tree, "lists": lists, "rsync": rsync}


def cif_of(body: bytes) -> str:
    """A CIF's text. Raises NotData for a web page or for nothing; faults inside stay in."""
    text = cif_text(body)
    if "data_" not in text or text.lstrip()[:1] == "<":
        raise NotData(f"something else where a CIF belongs, beginning {quoted(body)}")
    return text


def _record(row: Row, text: str, stamp: str) -> Record:
    return Record(row["file"], orjson.dumps({"row": row, "cif": text}).decode(), MEDIA_TYPE, stamp)


def _filed(entry: str, told: Row | None, file: File, text: str) -> Record:
    """A record of a file: with the row that a list told, else with one read off it."""
    if told:
        return _record(told, text, file.stamp)
    return _record(row_off_cif(entry, text), text, _without_row(file.stamp))


def _without_row(stamp: str) -> str:
    """The stamp of a record whose row no list told: another one, so that a crawl with lists replaces it."""
    return f"{stamp} {READ_OFF}"
