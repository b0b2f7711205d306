"""What the lake remembers of crawls: opened and closed ones, units done, and the latest version of each record.

What belongs here: rows of `crawls`, `pages` and `records`, and the order they are written in. Which unit comes next
belongs to crawl.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import polars as pl

from lake.sources.page import Page, Record, Unit
from lake.store import Lake
from lake.tables import CRAWLS, PAGES, RECORDS

BATCH = 2000  # records in memory at once while payloads are read


def latest_versions(lake: Lake, source: str, before: str | None = None) -> pl.DataFrame:
    """The latest version of each of a source's records: source_id, payload_sha256, crawl; no payloads.

    before: only versions of crawls earlier than this one.
    """
    versions = lake.scan(RECORDS).filter(pl.col("source") == source)
    if before is not None:
        versions = versions.filter(pl.col("crawl") < before)
    order = ["crawl", "fetched_at", "payload_sha256"]
    return (
        versions.select("source_id", *order).sort(order).unique("source_id", keep="last", maintain_order=True)
        .select("source_id", "payload_sha256", "crawl").collect()
    )  # fmt: skip


def latest_records(lake: Lake, source: str, before: str | None = None) -> Iterator[pl.DataFrame]:
    """Batches of RECORDS that hold each record's latest version once; memory holds one batch."""
    wanted = latest_versions(lake, source, before)
    if wanted.is_empty():
        return
    scan = lake.scan(RECORDS).filter(pl.col("source") == source)
    versions = scan.join(wanted.lazy(), on=["source_id", "payload_sha256", "crawl"], how="semi")
    told: set[str] = set()  # an append that was retried must not tell a record twice
    for batch in versions.collect_batches(chunk_size=BATCH, maintain_order=True):
        fresh = batch.unique("source_id", keep="first", maintain_order=True).filter(~pl.col("source_id").is_in(told))
        told.update(fresh["source_id"])
        yield fresh


def last_marker(lake: Lake, source: str) -> str | None:
    """The marker of the last crawl that was closed; None before the first."""
    closed = lake.scan(CRAWLS).filter((pl.col("source") == source) & (pl.col("state") == "closed")).collect()
    return None if closed.is_empty() else closed.sort("at")["marker"][-1]


@dataclass
class Ledger:
    """One crawl of one source, as written down.

    done: key of a unit that is closed -> the unit that follows it in its chain, None at its end.
    hashes: source_id -> SHA-256 of the latest version the lake holds. resumed: whether an earlier run opened it.
    """

    lake: Lake
    source: str
    crawl: str
    marker: str | None
    done: dict[str, Unit | None] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    resumed: bool = False

    @classmethod
    def resume_or_open(cls, lake: Lake, source: str, marker: str | None) -> Ledger:
        """The crawl that was left open, with what it did; a new one where there is none."""
        crawls = lake.scan(CRAWLS).filter(pl.col("source") == source).sort("at").collect()
        closed = crawls.filter(pl.col("state") == "closed")["crawl"]
        left = crawls.filter((pl.col("state") == "opened") & ~pl.col("crawl").is_in(closed.implode()))
        if left.is_empty():
            ledger = cls(lake, source, f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}", marker)
            ledger._note("opened")
        else:
            ledger = cls(lake, source, left["crawl"][-1], left["marker"][-1], resumed=True)
            ledger._recall()
        versions = latest_versions(lake, source)
        ledger.hashes = dict(zip(versions["source_id"], versions["payload_sha256"], strict=True))
        return ledger

    def close(self) -> None:
        """Every unit is done."""
        self._note("closed")

    def stamps(self, stamp: Callable[[str], str]) -> dict[str, str]:
        """source_id -> stamp of the version the lake held before this crawl opened."""
        found: dict[str, str] = {}
        for batch in latest_records(self.lake, self.source, before=self.crawl):
            found.update(zip(batch["source_id"], map(stamp, batch["payload"]), strict=True))
        return found

    def write(self, unit: Unit, page: Page) -> int:
        """Keep a unit's records, then its page: a kill between them is healed by fetching the unit again.

        Returns how many records were new or changed.
        """
        now = datetime.now(UTC)
        new = self._new(page.records)
        common = {"source": self.source, "crawl": self.crawl, "page": unit.key}
        rows = [
            {**common, "source_id": r.source_id, "payload_sha256": sha, "media_type": r.media_type,
             "payload": r.payload, "fetched_at": now}
            for r, sha in new
        ]  # fmt: skip
        self.lake.append(RECORDS, RECORDS.frame(rows))
        self.hashes.update({r.source_id: sha for r, sha in new})
        following = _unit_as_json(page.following) if page.following else None
        asked = {**common, "request": page.request, "attempts": page.attempts, "at": now, "expected": None}
        pages = [
            {**asked, "state": "ok", "sha256": page.sha256, "expected": page.expected, "got": len(page.records),
             "following": following},
            *({**asked, "page": f"{unit.key}#{source_id}", "state": "missing", "got": 0, "error": reason}
              for source_id, reason in page.missing.items()),
        ]  # fmt: skip
        self.lake.append(PAGES, PAGES.frame([_whole(row) for row in pages]))
        self.done[unit.key] = page.following
        return len(new)

    def poison(self, key: str, reason: str) -> None:
        """Write down that a unit failed and why; a later run takes it up again."""
        row = {"source": self.source, "crawl": self.crawl, "page": key, "request": "", "state": "poisoned", "got": 0,
               "attempts": 0, "error": reason, "at": datetime.now(UTC)}  # fmt: skip
        self.lake.append(PAGES, PAGES.frame([_whole(row)]))

    def _new(self, records: list[Record]) -> list[tuple[Record, str]]:
        """The records that differ from what the lake holds, with their SHA-256, each version once."""
        fresh: dict[str, tuple[Record, str]] = {}
        for record in records:
            sha = record.sha256
            if self.hashes.get(record.source_id) != sha:
                fresh[record.source_id] = (record, sha)
        return list(fresh.values())

    def _recall(self) -> None:
        """Take up the pages of an open crawl; poisoned ones are struck out, since they are tried again."""
        mine = pl.col("crawl") == self.crawl
        pages = self.lake.scan(PAGES).filter(pl.col("source") == self.source).collect()
        if len(pages.filter(mine & (pl.col("state") == "poisoned"))):
            pages = pages.filter(~(mine & (pl.col("state") == "poisoned")))
            self.lake.replace(PAGES, pages, self.source)
        for key, following in pages.filter(mine & (pl.col("state") == "ok")).select("page", "following").iter_rows():
            self.done[key] = Unit(**orjson.loads(following)) if following else None

    def _note(self, state: str) -> None:
        now = datetime.now(UTC)
        row = {"source": self.source, "crawl": self.crawl, "state": state, "marker": self.marker, "at": now}
        self.lake.append(CRAWLS, CRAWLS.frame([row]))


def _whole(row: dict[str, object]) -> dict[str, object]:
    """A row of PAGES with every column, null where nothing was said."""
    return {name: row.get(name) for name in PAGES.schema}


def _unit_as_json(unit: Unit) -> str:
    return orjson.dumps({"key": unit.key, "request": dict(unit.request)}).decode()
