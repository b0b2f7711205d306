"""Publication: whether the rest of the lake may read what a crawl brought, and what happens to the records it missed.

A crawl that lost too many records, or moved a mean too far, is held: what stood before goes on standing until somebody
looked at `differences` and accepted it, or a later crawl is as it was.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import polars as pl

from lake.crawl import states
from lake.crawl.alone import alone
from lake.crawl.difference import FEW, LARGEST_DROP, Counts, compare
from lake.crawl.known import Known
from lake.crawl.ledger import Ledger
from lake.crawl.states import Crawl
from lake.rejects import Reject, rejects_of
from lake.sources.page import Source
from lake.store import Lake
from lake.tables import DIFFERENCES, PAGES, REJECTS


@dataclass(frozen=True)
class Verdict:
    """How a crawl ended. state: published or held. gone: records that the source no longer lists. why: it is held."""

    state: str
    gone: int = 0
    why: str | None = None


def settle(ledger: Ledger, source: Source, whole: bool) -> Verdict:
    """Close a crawl whose units are all done, and publish it unless its difference report raises an alarm.

    whole: whether the crawl asked for all of the source. Only such a crawl can say what is gone; one with rejects
    cannot, since what was rejected may be what it seems to miss. What is held keeps its dead unburied.
    """
    lake, crawl = ledger.lake, ledger.crawl
    _write_rejects(ledger)
    end = states.WITH_REJECTS if ledger.rejected else states.CLOSED
    if not whole:
        waiting = states.held(lake, crawl.source)
        state = states.HELD if waiting else states.PUBLISHED
        states.note(lake, crawl, end, state, why=waiting[1] if waiting else None)
        return Verdict(state, why=waiting[1] if waiting else None)
    gone = [] if ledger.rejected else list(ledger.known.gone())
    buried = defaultdict(set)
    for route, source_id in gone:
        buried[route].add(source_id)
    added, changed, buried_before = ledger.known.changes(crawl.id)
    counts = Counts(added, changed, buried_before + len(gone))
    report = compare(lake, source, crawl.id, ledger.known, counts, buried)
    mine = (pl.col("source") == crawl.source) & (pl.col("crawl") == crawl.id)
    if len(lake.scan(DIFFERENCES).filter(mine).head(1).collect()):  # a run that was killed here wrote them too
        lake.remove(DIFFERENCES, {"source": crawl.source, "crawl": crawl.id})
    lake.append(DIFFERENCES, report)
    alarms = [*_too_many_rejects(ledger), *report["alarm"].drop_nulls()]
    if alarms:
        why = "; ".join(alarms[:5]) + (f"; and {len(alarms) - 5} more" if len(alarms) > 5 else "")
        states.note(lake, crawl, end, states.HELD, why=why)
        return Verdict(states.HELD, counts.gone, why)
    ledger.bury(gone)
    states.note(lake, crawl, end, states.PUBLISHED)
    return Verdict(states.PUBLISHED, counts.gone)


def _too_many_rejects(ledger: Ledger) -> list[str]:
    """A few records may never come; where many do not, the source's interface has changed."""
    rejected, came = ledger.rejected.total(), ledger.got
    if rejected <= FEW or rejected <= LARGEST_DROP * (rejected + came):
        return []
    return [f"{LARGEST_DROP:.0%} of the records may be given up, of {rejected + came:,} these were {rejected:,}"]


def accept(lake: Lake, source: str) -> Crawl:
    """Publish the crawl that is held: somebody has looked at its differences.

    Raises ValueError where none is held, Busy where the source is being crawled.
    """
    with alone(lake, source):
        waiting = states.held(lake, source)
        if waiting is None:
            raise ValueError(f"only a crawl that is held can be accepted, and {source} has none: nothing is to be done")
        crawl, why = waiting
        if not crawl.scope and not states.has_rejects(lake, crawl):
            with Known.of(lake, source, crawl.id) as known:
                ledger = Ledger(lake, crawl, known)
                ledger.recall_listings()
                ledger.bury(known.gone())
        states.note(lake, crawl, states.PUBLISHED, why=f"accepted; it was held because {why}")
    return crawl


def _write_rejects(ledger: Ledger) -> None:
    """What never came goes to `rejects`, stage crawl.<slug>: units of one record, and ids that were listed in vain."""
    lake, crawl = ledger.lake, ledger.crawl
    never = (pl.col("source") == crawl.source) & (pl.col("crawl") == crawl.id)
    pages = lake.scan(PAGES).filter(never & pl.col("state").is_in(("poisoned", "missing"))).collect()
    refused = [
        Reject(f"{crawl.source}:{_id_in(row['page'], ledger)}", crawl.source, row["error"])
        for row in pages.sort("page").iter_rows(named=True)
    ]
    stage = f"crawl.{crawl.source}"
    if refused or len(lake.scan(REJECTS).filter(pl.col("stage") == stage).head(1).collect()):
        lake.replace(REJECTS, rejects_of(stage, refused), stage)


def _id_in(page: str, ledger: Ledger) -> str:
    """The id behind the `#` that ends a unit's key, the first one where no unit is done; either may hold others."""
    parts = page.split("#")
    ends = [end for end in range(1, len(parts)) if "#".join(parts[:end]) in ledger.done]
    return "#".join(parts[max(ends, default=1) :]) or page
