"""Snapshots: named, dated, consistent sets of table versions, so that nobody reads half of what a run has written.

**The rule.** Each table is one commit, and a run writes several: between two of them it may be killed, or somebody may
look. A derived table says in its commit which versions it was made from: marks `read:<table>` (`Lake.read_from`). From
the newest commits downwards, a snapshot is

1. the newest PROPERTY_MATRIX and MATRIX_PROVENANCE that one run wrote: their marks are equal. Where a run was killed
   between them, one is ahead: then the last pair;
2. OBSERVATIONS and MATERIALS at the versions that this pair was made from; the newest MATERIALS where no pair says;
3. ENTRIES, MATCHES, MATERIAL_IDS and MATERIAL_CHANGES at the versions that these MATERIALS were made from;
4. every other table as it is now, but one that says what it was made from (SPLITS) at its newest version that was made
   from nothing newer than what is shown.

A table whose commit says nothing, since it was written before that was the rule, is shown as it is now. So after a
crawl, `entries` are shown as the last build knew them until the next build takes the new ones in, while `records`,
`pages` and `crawls` tell of the crawl at once: they are only ever added to. Materials may be clustered shard by shard,
in several runs: their marks are those of the last commit, so that a shard clustered before that may know entries that
have gone since, and knows no newer ones.

Marks never change once they are committed, so the set is the same whoever works on the lake meanwhile. Publishers hold
one lock, so that names are given in the order of the versions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial

import polars as pl
from deltalake.exceptions import DeltaError

from lake.store import KEEP_HOURS, READ, Lake
from lake.tables import (
    CRAWLS,
    ENTRIES,
    MATCHES,
    MATERIAL_CHANGES,
    MATERIAL_IDS,
    MATERIALS,
    MATRIX_PROVENANCE,
    OBSERVATIONS,
    PROPERTY_MATRIX,
    RUNS,
    SNAPSHOTS,
    TABLES,
)

PAIR = (PROPERTY_MATRIX, MATRIX_PROVENANCE)
BELOW = (OBSERVATIONS, MATERIALS, ENTRIES, MATCHES, MATERIAL_IDS, MATERIAL_CHANGES)  # what others are made from
RUN = "run"  # a mark that tells two runs apart which read the same, where a table has it
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
KEPT = timedelta(hours=KEEP_HOURS)  # a snapshot without a name stays readable so long after the next one was taken
Versions = dict[str, int]  # table name -> version
MadeFrom = Callable[[str, int], Versions | None]


class SnapshotError(ValueError):
    """A snapshot that is not there, or a name that cannot be given; the message says what to do."""


@contextmanager
def publishing(lake: Lake) -> Iterator[None]:
    """Hold the lock of all that take, publish or forget snapshots; it falls with the process that holds it.

    Raises PinnedLake.
    """
    lake.writable(SNAPSHOTS)
    with lake.lock("publish", is_singleton=True):  # one lock per process: who holds it may take it again
        yield


def consistent(lake: Lake) -> Versions:
    """The newest set of versions that belong together, by the rule above; of the tables that were ever written."""
    newest = {name: v for name, table in TABLES.items() if (v := lake.version(table)) is not None}
    made_from = cache(partial(_made_from, lake))
    settled = _pair(newest, made_from)
    for anchor in (*PAIR, MATERIALS):
        if anchor.name in newest:
            settled.setdefault(anchor.name, newest[anchor.name])
            _settle(anchor.name, newest, settled, made_from)
    for name in newest.keys() - settled.keys():
        settled[name] = _newest_on(name, newest[name], settled, made_from)
    return {name: settled[name] for name in newest}


def take(lake: Lake, note: str = "", name: str = "", of: str = "") -> str:
    """Write the consistent set of versions down in SNAPSHOTS; returns its name.

    name: keeps its files for good. Without one it is called by its UTC time, and where nothing changed since the last
    snapshot and there is nothing to note, it is the last one. of: keep that snapshot instead of the lake as it is.
    Raises SnapshotError for a name that is taken or cannot be one.
    """
    with publishing(lake):
        known = _known(lake)
        if name and not NAME.fullmatch(name):
            raise SnapshotError(f"a snapshot's name holds letters, digits, '.', '_' and '-', found {name!r}")
        if name in known:
            raise SnapshotError(f"there is a snapshot {name} already: choose another name")
        versions = _at(known, of) if of else consistent(lake)
        last = next(reversed(known), None)
        if not (name or note) and last and _but_snapshots(known[last]) == _but_snapshots(versions):
            return last
        for table in TABLES.values():
            if lake.exists(table):
                lake.keep_history(table)
        at = _after(known)
        name, kept = name or _spelt(at), bool(name)
        here = lake.version(SNAPSHOTS)
        versions = {**versions, SNAPSHOTS.name: 0 if here is None else here + 1}  # the version that holds these rows
        rows = [
            {"snapshot": name, "table": table, "version": version, "at": at, "kept": kept, "note": note or None}
            for table, version in versions.items()
        ]
        lake.append(SNAPSHOTS, SNAPSHOTS.frame(rows))
        return name


def names(lake: Lake) -> list[str]:
    """All snapshots, the oldest first."""
    return list(_known(lake))


def at(lake: Lake, name: str) -> Lake:
    """The lake as it was in that snapshot: it reads those versions and refuses to write. Raises SnapshotError."""
    return Lake(lake.root, _at(_known(lake), name))


def crawled(lake: Lake, name: str) -> dict[str, datetime]:
    """Source -> when its last published crawl in that snapshot was opened."""
    return _crawled(at(lake, name))


def listed(lake: Lake) -> pl.DataFrame:
    """snapshot, at, kept, note, crawls (each source with the date of its last published crawl); the newest first."""
    dates = cache(lambda version: _dates(_crawled(Lake(lake.root, {CRAWLS.name: version}))))
    rows = lake.scan(SNAPSHOTS).group_by("snapshot").agg(pl.col("at", "kept", "note").first()).sort("at").collect()
    versions = [known.get(CRAWLS.name) for known in _known(lake).values()]
    crawls = ["" if version is None else dates(version) for version in versions]
    return rows.with_columns(crawls=pl.Series(crawls, dtype=pl.String)).reverse()


def needed(lake: Lake, keep: timedelta = KEPT) -> dict[str, set[int]]:
    """Table name -> versions whose files somebody may still read.

    Those of named snapshots, of those that a model learnt from, of the last one, of what would be the next, and of each
    that was the last one at any time in the last seven days (`keep`): a reader may have opened it then.
    """
    known = _known(lake)
    found: dict[str, set[int]] = {}
    for versions in (*(known[name] for name in _standing(lake, keep)), consistent(lake)):
        for table, version in versions.items():
            found.setdefault(table, set()).add(version)
    return found


def forget(lake: Lake, keep: timedelta = KEPT) -> list[str]:
    """Take away the snapshots whose files nobody keeps; returns their names. To be called before files are deleted."""
    standing = set(_standing(lake, keep))
    gone = [name for name in _known(lake) if name not in standing]
    if gone:
        lake.remove(SNAPSHOTS, {"snapshot": gone})
    return gone


def _standing(lake: Lake, keep: timedelta) -> list[str]:
    """Snapshots that have a name or taught a model, and those that are the last one, or were so not so long ago."""
    rows = lake.scan(SNAPSHOTS).group_by("snapshot").agg(pl.col("at", "kept").first()).sort("at").collect()
    replaced = rows["at"].shift(-1)
    taught = rows["snapshot"].is_in(lake.read(RUNS)["snapshot"].unique().implode())
    standing = rows["kept"] | taught | replaced.is_null() | (replaced > datetime.now(UTC) - keep)
    return rows.filter(standing)["snapshot"].to_list()


def _made_from(lake: Lake, name: str, version: int) -> Versions | None:
    """Table name -> the version of it that this version of a table was made from, and RUN where it says so.

    None where the log no longer knows that version, as of a table that was first written before LASTING.
    """
    try:
        mark = lake.stands_on(TABLES[name], version)
    except DeltaError:
        return None
    told = {table.name: mark(f"{READ}{table.name}") for table in BELOW} | {RUN: mark(RUN)}
    return {table: made for table, made in told.items() if made is not None}


def _pair(newest: Versions, made_from: MadeFrom) -> Versions:
    """The newest versions of the matrix and of its provenance that one run wrote; none where there are none."""
    one, other = (table.name for table in PAIR)
    for version in range(newest.get(one, -1), -1, -1):
        for beside in range(newest.get(other, -1), -1, -1):
            if made_from(one, version) == made_from(other, beside):
                return {one: version, other: beside}
    return {}


def _settle(name: str, newest: Versions, settled: Versions, made_from: MadeFrom) -> None:
    """What a table was made from stands at that version, unless something above has settled it."""
    for below, version in (made_from(name, settled[name]) or {}).items():
        if below in newest and below not in settled:
            settled[below] = newest[below] if made_from(below, version) is None else version
            _settle(below, newest, settled, made_from)


def _newest_on(name: str, newest: int, settled: Versions, made_from: MadeFrom) -> int:
    """Its newest version that was made from nothing newer than what is settled; as it is now where there is none."""
    for version in range(newest, -1, -1):
        below = made_from(name, version)
        if below is None:
            break
        if all(made <= settled.get(table, made) for table, made in below.items()):
            return version
    return newest


def _known(lake: Lake) -> dict[str, Versions]:
    """Snapshot -> table name -> version; the oldest first."""
    rows = lake.scan(SNAPSHOTS).sort("at", maintain_order=True).select("snapshot", "table", "version").collect()
    known: dict[str, Versions] = {}
    for name, table, version in rows.iter_rows():
        known.setdefault(name, {})[table] = version
    return known


def _at(known: Mapping[str, Versions], name: str) -> Versions:
    if name not in known:
        latest = f", the last one is {next(reversed(known))}" if known else ""
        raise SnapshotError(
            f"there is no snapshot {name}{latest}: `crystal-lake snapshots` lists them. One without a name of its own "
            f"is forgotten by `crystal-lake vacuum` seven days after the next one"
        )
    return known[name]


def _but_snapshots(versions: Versions) -> Versions:
    return {name: version for name, version in versions.items() if name != SNAPSHOTS.name}


def _after(known: Mapping[str, Versions]) -> datetime:
    """Now, to the millisecond, and one more for each that already has that name."""
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    while _spelt(now) in known:
        now += timedelta(milliseconds=1)
    return now


def _spelt(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H-%M-%S}.{at.microsecond // 1000:03d}Z"


def _crawled(lake: Lake) -> dict[str, datetime]:
    published = lake.scan(CRAWLS).filter(pl.col("state") == "published").select("source", "crawl")
    opened = lake.scan(CRAWLS).filter(pl.col("state") == "opened").join(published, on=["source", "crawl"], how="semi")
    return dict(opened.group_by("source").agg(pl.col("at").max()).sort("source").collect().iter_rows())


def _dates(crawls: Mapping[str, datetime]) -> str:
    return ", ".join(f"{source} {at:%Y-%m-%d}" for source, at in crawls.items())
