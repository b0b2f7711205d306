"""Whether two lakes hold the same of a source, and whether a ledger is closed. Times, attempts and crawl ids aside.

What belongs here: comparing, and saying in words what differs. What was crawled belongs to trial.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from lake.contract import Table
from lake.crawl.states import ENDS, PUBLISHED
from lake.store import Lake
from lake.tables import CRAWLS, ENTRIES, LISTINGS, PAGES, RECORDS, REJECTS

SHOWN = 3  # rows of each difference


def differences(stormy: Lake, calm: Lake, source: str) -> Iterator[str]:
    """What the lake crawled in a storm has or lacks beside the one crawled in calm, in words; nothing where equal."""
    for name, content in CONTENT.items():
        there, here = content(calm, source), content(stormy, source)
        for word, left, right in (("lacks", there, here), ("has beside", here, there)):
            rows = left.join(right, on=left.columns, how="anti", nulls_equal=True)
            if len(rows):
                shown = "; ".join(str(row)[:300] for row in rows.head(SHOWN).iter_rows())
                yield f"{name}: the lake of the storm {word} {len(rows)} of {len(left)}: {shown}"
        if len(there) != len(here):
            yield f"{name}: {len(there)} rows in calm, {len(here)} in the storm"


def versions(lake: Lake, source: str) -> pl.DataFrame:
    """Every version of every record of every route, with its number among those of its record."""
    told = ["route", "source_id", "payload_sha256", "payload", "media_type", "stamp", "gone"]
    rows = _of(lake, RECORDS, source).sort("crawl", "fetched_at", "payload_sha256")
    number = pl.int_range(pl.len()).over("route", "source_id").alias("version")
    return rows.select(*told, number).sort("route", "source_id", "version")


def entries(lake: Lake, source: str) -> pl.DataFrame:
    """Its records read as crystals."""
    return _of(lake, ENTRIES, source).drop("fetched_at").sort("entry_id")


def rejects(lake: Lake, source: str) -> pl.DataFrame:
    """What could not be fetched or read."""
    return _of(lake, REJECTS, source).select("entry_id", "stage", "payload_sha256").sort("entry_id", "stage")


def listings(lake: Lake, source: str) -> pl.DataFrame:
    """What the last whole crawl found to stand in the database."""
    rows = _of(lake, LISTINGS, source).select("route", pl.col("source_ids").alias("source_id"))
    return rows.explode("source_id").unique().sort("route", "source_id")


def missing(lake: Lake, source: str) -> pl.DataFrame:
    """What was listed and could not be had, in any of its crawls."""
    rows = _of(lake, PAGES, source).filter(pl.col("state") == "missing")
    return rows.select("route", pl.col("page").str.extract("#([^#]*)$").alias("source_id")).unique().sort("source_id")


CONTENT = {"records": versions, "entries": entries, "rejects": rejects, "listings": listings, "missing": missing}


def open_ends(lake: Lake, source: str) -> Iterator[str]:
    """What is left open in the ledger of a source, in words; nothing where it is closed."""
    rows = _of(lake, CRAWLS, source)
    for (crawl,), states in rows.group_by("crawl", maintain_order=True):
        ended = set(states["state"])
        if not ended & {*ENDS} or PUBLISHED not in ended:
            yield f"crawl {crawl} of {source} must be closed and published, found {', '.join(states['state'])}"
    last = _of(lake, PAGES, source).filter(pl.col("crawl") == rows["crawl"].max())
    for page in given_up(lake, str(rows["crawl"].max())):
        yield f"the last crawl of {source} must give up nothing, it gave up {page}"
    lacking = last.filter(pl.col("state") == "missing")["page"].to_list()
    for row in last.filter(pl.col("state") == "ok", pl.col("expected") > pl.col("got")).iter_rows(named=True):
        came = row["got"] + sum(page.startswith(row["page"] + "#") for page in lacking)
        if came < row["expected"]:
            yield f"page {row['page']} of {source} promised {row['expected']} records and told of {came}"


def given_up(lake: Lake, crawl: str) -> frozenset[str]:
    """Pages that a crawl never got, by the last word of their keys, which is an id where one record stands alone."""
    poisoned = lake.read(PAGES).filter((pl.col("crawl") == crawl) & (pl.col("state") == "poisoned"))
    return frozenset(page.rpartition("/")[2] for page in poisoned["page"])


def _of(lake: Lake, table: Table, source: str) -> pl.DataFrame:
    return lake.read(table).filter(pl.col("source") == source)
