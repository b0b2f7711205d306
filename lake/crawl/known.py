"""What the lake holds of one source, as a crawl asks for it: hashes, stamps, and what this crawl has listed so far.

All of it stands in a SQLite file without a name, which not even a kill leaves behind, so that memory stays flat however
many records there are: about 150 bytes of disk for each, where TMPDIR says (or SQLITE_TMPDIR; else /var/tmp), and some
seconds for each million to read them in as a crawl starts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType

import polars as pl

from lake.sources.page import MAIN, Record
from lake.store import Lake
from lake.tables import RECORDS

BATCH = 20_000  # versions in memory at once while they are read in
COLUMNS = ("route", "source_id", "payload_sha256", "stamp", "gone", "crawl", "fetched_at")
ASKED = 500  # keys in one question to SQLite
LATEST = 1 << 62  # microseconds since 1970, of what this very run brings
SCHEMA = """
    pragma journal_mode = off; pragma synchronous = off; pragma temp_store = file;
    create table held (
        route text, source_id text, sha blob, stamp text, gone integer, crawl text, at integer,
        stood integer default 0,  -- whether an earlier crawl had left it standing
        primary key (route, source_id)
    ) without rowid;
    create table listed (
        route text, source_id text, partition text, primary key (route, source_id, partition)
    ) without rowid;
    create table told (route text, source_id text, primary key (route, source_id)) without rowid;
"""
HOLD = """
    insert into held values (?, ?, ?, ?, ?, ?, ?, 0) on conflict (route, source_id) do update
    set sha = excluded.sha, stamp = excluded.stamp, gone = excluded.gone, crawl = excluded.crawl, at = excluded.at,
    stood = case when excluded.crawl > held.crawl then not held.gone else held.stood end
    where (excluded.crawl, excluded.at) >= (held.crawl, held.at)
"""


class Known(Mapping[str, str]):
    """The latest version of each record that stands: a mapping source_id -> stamp of the main route's records.

    Published or not, every version counts here: what was fetched need not be fetched again. Use it as a context.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(SCHEMA)
        self._db.execute("begin")

    @classmethod
    def of(cls, lake: Lake, source: str, crawl: str | None = None, upto: str | None = None) -> Known:
        """What a lake holds of a source, as that crawl goes on. upto: without what later crawls brought."""
        known = cls()
        mine = pl.col("crawl") == (crawl or "")
        wanted = pl.lit(True) if upto is None else pl.col("crawl") <= upto
        sha, at = pl.col("payload_sha256").str.decode("hex"), pl.col("fetched_at").to_physical()
        for part in (~mine, mine):  # what the crawl has brought already is compared with all that stood before it
            for batch in lake.stream(RECORDS, source, COLUMNS, BATCH):
                rows = batch.filter(wanted & part).select(sha if name == "payload_sha256" else name for name in COLUMNS)
                known._db.executemany(HOLD, rows.with_columns(at).iter_rows())
        return known

    def latest(self, records: pl.DataFrame) -> pl.DataFrame:
        """Those rows of RECORDS that are the latest version of a record that stands; each version once."""
        keys = list(records.select("route", "source_id").iter_rows())
        held = self._held(keys)
        versions = records.select("payload_sha256", "crawl").iter_rows()
        kept = [
            place
            for place, (key, (sha, crawl)) in enumerate(zip(keys, versions, strict=True))
            if held.get(key) == (bytes.fromhex(sha), crawl) and self._first_told(key)
        ]
        return records[kept]

    def _first_told(self, key: tuple[str, str]) -> bool:
        return self._db.execute("insert or ignore into told values (?, ?)", key).rowcount == 1

    def fresh(self, records: Sequence[Record], crawl: str) -> list[tuple[Record, str]]:
        """The records that differ from what is held, with their SHA-256 in hex; from now on they are held.

        A record that this crawl has brought already is not fresh: what a moving page tells twice counts once.
        """
        first = {(record.route, record.source_id): record for record in reversed(records)}
        held = self._held([*first])
        found = []
        for key, record in reversed(first.items()):
            sha = record.sha256
            there = held.get(key)
            if there is None or (there[0] != bytes.fromhex(sha) and there[1] != crawl):
                found.append((record, sha))
        self._db.executemany(
            HOLD, ((r.route, r.source_id, bytes.fromhex(sha), r.stamp, 0, crawl, LATEST) for r, sha in found)
        )
        return found

    def _held(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[bytes, str]]:
        """Hash and crawl of what stands under these routes and ids."""
        found = {}
        for start in range(0, len(keys), ASKED):
            part = keys[start : start + ASKED]
            wanted = ",".join(["(?, ?)"] * len(part))
            rows = self._db.execute(
                f"with wanted(route, source_id) as (values {wanted}) "
                "select route, source_id, sha, crawl from wanted join held using (route, source_id) where not gone",
                [word for key in part for word in key],
            )
            found.update(((route, source_id), (sha, crawl)) for route, source_id, sha, crawl in rows)
        return found

    def list(self, route: str, partition: str, source_ids: Sequence[str]) -> None:
        """Remember that the source listed these ids."""
        rows = ((route, source_id, partition) for source_id in source_ids)
        self._db.executemany("insert or ignore into listed values (?, ?, ?)", rows)

    def listed(self) -> dict[str, int]:
        """Partition -> distinct ids that were listed there."""
        return dict(self._db.execute("select partition, count(*) from listed group by partition"))

    def gone(self) -> Iterator[tuple[str, str]]:
        """Route and id of each record that stands and was not listed, of the routes that were listed at all."""
        yield from self._db.execute("""
            select route, source_id from held where not gone and route in (select distinct route from listed)
            and not exists (select 1 from listed where listed.route = held.route and listed.source_id = held.source_id)
        """)

    def count(self) -> int:
        """Records that stand, of all routes."""
        return self._db.execute("select count(*) from held where not gone").fetchone()[0]

    def changes(self, crawl: str) -> tuple[int, int, int]:
        """How many records of all routes that crawl added, has a new version of, and buried."""
        grouped = "select gone, stood, count(*) from held where crawl = ? group by gone, stood"
        counts = {(gone, stood): n for gone, stood, n in self._db.execute(grouped, (crawl,))}
        return counts.get((0, 0), 0), counts.get((0, 1), 0), counts.get((1, 1), 0)

    def __getitem__(self, source_id: str) -> str:
        row = self._db.execute(
            "select stamp from held where route = ? and source_id = ? and not gone", (MAIN, source_id)
        ).fetchone()
        if row is None:
            raise KeyError(source_id)
        return row[0]

    def __iter__(self) -> Iterator[str]:
        cursor = self._db.execute("select source_id from held where route = ? and not gone", (MAIN,))
        yield from (source_id for (source_id,) in cursor)

    def __len__(self) -> int:
        return self._db.execute("select count(*) from held where route = ? and not gone", (MAIN,)).fetchone()[0]

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    def __enter__(self) -> Known:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        self._db.close()
