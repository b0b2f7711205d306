"""Which version of a record counts: the latest of what was published, and no tombstone.

What belongs here: reading `records`. Writing them belongs to ledger.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from lake.crawl.states import published
from lake.sources.page import MAIN
from lake.store import Lake
from lake.tables import RECORDS

BATCH = 2000  # records in memory at once while payloads are read
ORDER = ["crawl", "fetched_at", "payload_sha256"]


def latest_versions(lake: Lake, source: str, route: str = MAIN, upto: str | None = None) -> pl.DataFrame:
    """The latest version of each record of a source's route: source_id, payload_sha256, crawl; no payloads.

    upto: the last crawl that counts; by default the published one, and every one before the first is published.
    A record whose latest version is a tombstone is not among them.
    """
    last = upto or published(lake, source)
    versions = lake.scan(RECORDS).filter((pl.col("source") == source) & (pl.col("route") == route))
    if last is not None:
        versions = versions.filter(pl.col("crawl") <= last)
    return (
        versions.select("source_id", *ORDER, "gone").sort(ORDER).unique("source_id", keep="last", maintain_order=True)
        .filter(~pl.col("gone")).select("source_id", "payload_sha256", "crawl").collect()
    )  # fmt: skip


def latest_records(lake: Lake, source: str, route: str = MAIN, upto: str | None = None) -> Iterator[pl.DataFrame]:
    """Batches of RECORDS that hold each record's latest version once; memory holds one batch of payloads."""
    wanted = latest_versions(lake, source, route, upto)
    if wanted.is_empty():
        return
    scan = lake.scan(RECORDS).filter((pl.col("source") == source) & (pl.col("route") == route) & ~pl.col("gone"))
    versions = scan.join(wanted.lazy(), on=["source_id", "payload_sha256", "crawl"], how="semi")
    told: set[str] = set()  # an append that was retried must not tell a record twice
    for batch in versions.collect_batches(chunk_size=BATCH, maintain_order=True):
        fresh = batch.unique("source_id", keep="first", maintain_order=True).filter(~pl.col("source_id").is_in(told))
        told.update(fresh["source_id"])
        yield fresh
