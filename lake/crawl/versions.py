"""Which version of a record counts: the latest of what was published, and no tombstone.

What belongs here: reading `records`. Writing them belongs to ledger.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from lake.crawl.known import Known
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


def latest_records(
    lake: Lake, source: str, route: str | None = MAIN, upto: str | None = None
) -> Iterator[pl.DataFrame]:
    """Batches of RECORDS that hold each record's latest version once; memory holds one batch of payloads.

    route: None for all of them; upto: as in `latest_versions`.
    """
    with Known.of(lake, source, upto=upto or published(lake, source)) as known:
        if not known.count():
            return
        for batch in lake.stream(RECORDS, source, rows=BATCH):
            wanted = batch if route is None else batch.filter(pl.col("route") == route)
            latest = known.latest(wanted)
            if len(latest):
                yield latest
