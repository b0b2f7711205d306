"""The ledger of one crawl: units that are done, records that are new, ids that were listed, written in batches.

What belongs here: rows of `pages`, `listings` and `records`, and the order they are written in. Which unit comes next
belongs to loop.py, states of a crawl to states.py.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import polars as pl

from lake.contract import Table
from lake.crawl.known import Known
from lake.crawl.states import Crawl
from lake.sources.page import Page, Record, Unit
from lake.store import Lake
from lake.tables import LISTINGS, PAGES, RECORDS

FLUSH_BYTES = 16 << 20  # payloads held in memory before they are written
FLUSH_SECONDS = 30.0  # work that a kill may cost
TOMBSTONES = 50_000  # written at once
OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of an empty payload


@dataclass
class Ledger:
    """What one crawl has done, in memory and in the lake. Memory grows with its units, not with its records.

    done: key of a unit that is closed -> the units it led to. totals: partition -> records the source says it holds.
    rejected: partition -> units given up for good. got: records that came, of all runs of this crawl.
    """

    lake: Lake
    crawl: Crawl
    known: Known
    done: dict[str, tuple[Unit, ...]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    got: int = 0

    def __post_init__(self) -> None:
        self._pages: list[dict[str, object]] = []
        self._listings: list[dict[str, object]] = []
        self._records: list[tuple[Record, str, str, int]] = []
        self._bytes = 0
        self._flushed = time.monotonic()

    def recall(self) -> None:
        """Take up what earlier runs of this crawl wrote, and strike out what is to be fetched again.

        That is what failed, and what led to it: a list that named a file wrongly once must be asked again. And it is
        what was listed by units that a kill kept from being written down.
        """
        pages = self._mine(PAGES).sort("at").collect()
        failed = set(pages.filter(pl.col("state") == "poisoned")["page"])
        misled = set()
        for row in pages.filter(pl.col("state").is_in(("ok", "halved"))).iter_rows(named=True):
            following = _units(row["following"])
            if row["state"] == "ok" and any(unit.key in failed for unit in following):
                misled.add(row["page"])
                continue
            self.done[row["page"]] = following
            self.got += row["got"]
            if row["total"] is not None:
                self.totals[row["partition"]] = row["total"]
        listed = self._mine(LISTINGS).select("page").unique().collect()["page"]
        self._strike_out(
            [page for page in pages["page"] if page in failed or page in misled or page.partition("#")[0] in misled]
            + sorted({*listed} - {*pages["page"]})
        )
        self.recall_listings()

    def recall_listings(self) -> None:
        """Take up the ids that this crawl has listed."""
        listings = self._mine(LISTINGS).select("route", "partition", "source_ids")
        for batch in listings.collect_batches(chunk_size=1000):
            for route, partition, source_ids in batch.iter_rows():
                self.known.list(route, partition, source_ids)

    def write(self, unit: Unit, page: Page) -> int:
        """A unit is done: keep what is new of its records. Returns how many records were new or changed."""
        now = datetime.now(UTC)
        fresh = self.known.fresh(page.records, self.crawl.id)
        at = int(now.timestamp() * 1e6)
        self._records += [(record, sha, unit.key, at) for record, sha in fresh]
        self._bytes += sum(len(record.payload) for record, _ in fresh)
        listed = [record.source_id for record in page.records] if page.listed is None else list(page.listed)
        if listed:
            self.known.list(page.route, unit.partition, listed)
            self._listings.append(
                {"page": unit.key, "partition": unit.partition, "route": page.route, "source_ids": listed}
            )
        asked = {"partition": unit.partition, "route": page.route, "request": page.request,
                 "attempts": page.attempts, "at": now}  # fmt: skip
        self._pages.append(
            {**asked, "page": unit.key, "state": "ok", "sha256": page.sha256, "expected": page.expected,
             "got": len(page.records), "total": page.total, "following": _as_json(page.following)}
        )  # fmt: skip
        self._pages += [
            {**asked, "page": f"{unit.key}#{source_id}", "state": "missing", "got": 0, "error": reason}
            for source_id, reason in page.missing.items()
        ]
        self.done[unit.key] = page.following
        self.got += len(page.records)
        if page.total is not None:
            self.totals[unit.partition] = page.total
        if self._bytes > FLUSH_BYTES or time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()
        return len(fresh)

    def halve(self, unit: Unit, pieces: tuple[Unit, ...], reason: str) -> None:
        """A unit that fails is done by its pieces."""
        self._failed(unit, "halved", reason, _as_json(pieces))
        self.done[unit.key] = pieces

    def poison(self, unit: Unit, reason: str) -> None:
        """Write down that a unit failed and why; a later run takes it up again."""
        self._failed(unit, "poisoned", reason)
        self.flush()

    def reject(self, unit: Unit, reason: str) -> None:
        """Give up a unit that stands for one record: the crawl may close without it."""
        self.rejected[unit.partition] += 1
        self.poison(unit, reason)

    def short(self) -> dict[str, str]:
        """Partition -> what it lacks, for those that listed fewer distinct ids than the source says they hold."""
        listed = self.known.listed()
        lacking = {}
        for partition, total in self.totals.items():
            came = listed.get(partition, 0) + self.rejected[partition]
            if came < total:
                lacking[partition] = f"{partition or 'the whole'} must hold {total} records, found {came} distinct ids"
        return lacking

    def bury(self, gone: Iterable[tuple[str, str]]) -> int:
        """Write a tombstone for each route and id: a version that says that the source lists it no more."""
        rows = [(route, source_id) for route, source_id in gone]
        now = datetime.now(UTC)
        common = {"source": self.crawl.source, "payload_sha256": OF_NOTHING, "crawl": self.crawl.id, "page": "closing",
                  "stamp": "", "gone": True, "media_type": "", "payload": "", "fetched_at": now}  # fmt: skip
        for start in range(0, len(rows), TOMBSTONES):
            part = [{**common, "route": r, "source_id": i} for r, i in rows[start : start + TOMBSTONES]]
            self.lake.append(RECORDS, RECORDS.frame(part))
        return len(rows)

    def flush(self) -> None:
        """Write what is in memory: records and listings before pages, so that a kill between them only costs time."""
        if self._records:
            self.lake.append(RECORDS, _frame(self.crawl, self._records))
        common = {"source": self.crawl.source, "crawl": self.crawl.id}
        self.lake.append(LISTINGS, LISTINGS.frame([common | row for row in self._listings]))
        self.lake.append(PAGES, PAGES.frame([dict.fromkeys(PAGES.schema) | common | row for row in self._pages]))
        self._records, self._listings, self._pages = [], [], []
        self._bytes, self._flushed = 0, time.monotonic()

    def tidy(self, whole: bool) -> None:
        """After the last unit: keep only the listings of the last whole crawl, and join small files."""
        self.flush()
        if whole:
            self.lake.remove(LISTINGS, {"source": self.crawl.source}, unless={"crawl": self.crawl.id})
        for table in (RECORDS, PAGES, LISTINGS):
            self.lake.compact(table, self.crawl.source)

    def forget_listings(self) -> None:
        """Once a crawl of a part is closed, nobody asks what it listed; before, it would be read once more."""
        self.lake.remove(LISTINGS, {"source": self.crawl.source, "crawl": self.crawl.id})

    def _mine(self, table: Table) -> pl.LazyFrame:
        """The rows of this crawl."""
        crawl = self.crawl
        return self.lake.scan(table).filter((pl.col("source") == crawl.source) & (pl.col("crawl") == crawl.id))

    def _strike_out(self, pages: list[str]) -> None:
        if pages:
            for table in (LISTINGS, PAGES):  # in this order: a run that is killed in between strikes out once more
                self.lake.remove(table, {"source": self.crawl.source, "crawl": self.crawl.id, "page": pages})

    def _failed(self, unit: Unit, state: str, reason: str, following: str | None = None) -> None:
        self._pages.append(
            {"page": unit.key, "partition": unit.partition, "route": "", "request": "", "state": state, "got": 0,
             "attempts": 0, "error": reason, "following": following, "at": datetime.now(UTC)}
        )  # fmt: skip


def _frame(crawl: Crawl, rows: list[tuple[Record, str, str, int]]) -> pl.DataFrame:
    """New versions as a frame, column by column: a dictionary per record would cost more than all the rest."""
    records, shas, pages, times = zip(*rows, strict=True)
    columns = {
        "source": pl.repeat(crawl.source, len(rows), eager=True),
        "source_id": [record.source_id for record in records],
        "route": [record.route for record in records],
        "payload_sha256": shas,
        "crawl": pl.repeat(crawl.id, len(rows), eager=True),
        "page": pages,
        "stamp": [record.stamp for record in records],
        "gone": pl.repeat(False, len(rows), eager=True),
        "media_type": [record.media_type for record in records],
        "payload": [record.payload for record in records],
        "fetched_at": pl.Series(times, dtype=pl.Int64).cast(RECORDS.schema["fetched_at"]),
    }
    return pl.DataFrame(columns, schema=RECORDS.schema)


def _as_json(units: tuple[Unit, ...]) -> str | None:
    if not units:
        return None
    return orjson.dumps([vars(unit) | {"request": dict(unit.request)} for unit in units]).decode()


def _units(text: str | None) -> tuple[Unit, ...]:
    return tuple(Unit(**words) for words in orjson.loads(text)) if text else ()
