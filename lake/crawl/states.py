"""Rows of `crawls`: when a source was crawled, how that ended, and which crawl the rest of the lake may read.

What belongs here: the states of a crawl. What a crawl fetched belongs to ledger.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from lake.store import Lake
from lake.tables import CRAWLS

OPENED, CLOSED, WITH_REJECTS, PUBLISHED, HELD = "opened", "closed", "closed with rejects", "published", "held"
ENDS = (CLOSED, WITH_REJECTS)


@dataclass(frozen=True)
class Crawl:
    """One crawl of one source: its id (the UTC time it opened), the scope it asks for, and the marker it met."""

    source: str
    id: str
    scope: str
    marker: str | None

    @classmethod
    def now(cls, source: str, scope: str, marker: str | None) -> Crawl:
        """A new crawl that begins now."""
        return cls(source, f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}", scope, marker)


def note(lake: Lake, crawl: Crawl, *states: str, why: str | None = None) -> None:
    """Write down that a crawl reached these states, in one commit."""
    now = datetime.now(UTC)
    common = {"source": crawl.source, "crawl": crawl.id, "scope": crawl.scope, "marker": crawl.marker, "at": now}
    lake.append(CRAWLS, CRAWLS.frame([{**common, "state": state, "note": why} for state in states]))


def left_open(lake: Lake, source: str, scope: str) -> Crawl | None:
    """The last crawl of that scope that was opened and did not end."""
    crawls = _of(lake, source).filter(pl.col("scope") == scope)
    ended = crawls.filter(pl.col("state").is_in(ENDS))["crawl"]
    left = crawls.filter((pl.col("state") == OPENED) & ~pl.col("crawl").is_in(ended.implode()))
    return None if left.is_empty() else Crawl(source, left["crawl"][-1], scope, left["marker"][-1])


def settled_marker(lake: Lake, source: str) -> str | None:
    """The marker of the last whole crawl, where that closed without rejects: what it left over is asked for again."""
    whole = _of(lake, source).filter((pl.col("scope") == "") & pl.col("state").is_in(ENDS))
    return whole["marker"][-1] if len(whole) and whole["state"][-1] == CLOSED else None


def published(lake: Lake, source: str, whole: bool = False) -> str | None:
    """Id of the last crawl that was published, or of the last one that asked for all; None before the first.

    Every crawl up to it counts as published, so a part that was crawled after a crawl that is held waits with it.
    """
    crawls = _of(lake, source).filter((pl.col("state") == PUBLISHED) & ((pl.col("scope") == "") | pl.lit(not whole)))
    if waiting := held(lake, source):
        crawls = crawls.filter(pl.col("crawl") < waiting[0].id)
    return None if crawls.is_empty() else crawls["crawl"].max()


def held(lake: Lake, source: str) -> tuple[Crawl, str] | None:
    """The crawl that is held back now, with the reason; None where the last word was another."""
    told = _of(lake, source).filter(pl.col("state").is_in((PUBLISHED, HELD)))
    if told.is_empty() or told["state"][-1] != HELD:
        return None
    row = told.row(-1, named=True)
    return Crawl(source, row["crawl"], row["scope"], row["marker"]), row["note"] or ""


def has_rejects(lake: Lake, crawl: Crawl) -> bool:
    """Whether a crawl closed without some of its records."""
    mine = _of(lake, crawl.source).filter(pl.col("crawl") == crawl.id)
    return WITH_REJECTS in mine["state"]


def _of(lake: Lake, source: str) -> pl.DataFrame:
    order = pl.col("state").replace_strict({OPENED: 0, CLOSED: 1, WITH_REJECTS: 1}, default=2)
    return lake.scan(CRAWLS).filter(pl.col("source") == source).sort("at", order, "crawl").collect()
