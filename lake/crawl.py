"""The one crawl loop, the same for every database: plan, skip what is done, fetch, write down.

What belongs here: which unit comes next, and when a crawl is open, closed or unchanged. How rows are kept belongs to
ledger.py, how a database is asked to `lake/sources`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lake.ledger import Ledger, last_marker
from lake.progress import track
from lake.sources.page import Page, Source, SourceDown, Unit
from lake.store import Lake

PATIENCE = 3  # units in a row that may fail before a database counts as down for now


@dataclass
class CrawlReport:
    """What one run of a crawl did.

    state: `closed` (every unit is done), `unchanged` (closed at once: the marker has not moved) or `open`.
    units: fetched in this run; units_skipped: done in an earlier run of the same crawl; poisoned: failed in this run.
    records_new: new or changed versions kept. missing: ids that were listed and could not be had.
    error: the first failure, None without one.
    """

    source: str
    crawl: str
    state: str
    marker: str | None
    units: int = 0
    units_skipped: int = 0
    records_seen: int = 0
    records_new: int = 0
    missing: int = 0
    poisoned: int = 0
    error: str | None = None


def crawl(lake: Lake, source: Source, anew: bool = False) -> CrawlReport:
    """Crawl a source into `records` and `pages`: go on with a crawl that was left open, else start a new one.

    A new crawl of a source whose marker has not moved closes at once, unless `anew`. A unit that fails is written down
    as poisoned and leaves the crawl open; what was fetched is kept, and the next run completes it.
    Raises SourceDown where the source does not even tell its marker.
    """
    marker = source.marker()
    before = last_marker(lake, source.name)
    ledger = Ledger.resume_or_open(lake, source.name, marker)
    report = CrawlReport(source.name, ledger.crawl, "open", ledger.marker)
    if ledger.marker is not None and ledger.marker == before and not anew and not ledger.resumed:
        ledger.close()
        report.state = "unchanged"
        return report
    _work_off(ledger, source, report)
    if not report.poisoned:
        ledger.close()
        report.state = "closed"
    return report


def _work_off(ledger: Ledger, source: Source, report: CrawlReport) -> None:
    failed = 0
    for unit in track(_units(ledger, source, report), f"crawl {source.name}"):
        try:
            page = source.fetch(unit)
            _hold_to_promise(page)
        except Exception as fault:  # also a parser that crashes: one unit fails, the others go on
            failed += 1
            _poison(ledger, report, unit.key, fault)
            if failed == PATIENCE:
                return
            continue
        failed = 0
        report.records_new += ledger.write(unit, page)
        report.units += 1
        report.records_seen += len(page.records)
        report.missing += len(page.missing)


def _units(ledger: Ledger, source: Source, report: CrawlReport) -> Iterator[Unit]:
    """Every unit that is still to do: the planned ones, and what follows each once it is done."""
    planned = source.plan(lambda: ledger.stamps(source.stamp))
    while True:
        try:
            unit = next(planned, None)
        except Exception as fault:
            _poison(ledger, report, "plan", fault)
            return
        if unit is None:
            return
        yield from _chain(ledger, unit, report)


def _chain(ledger: Ledger, unit: Unit | None, report: CrawlReport) -> Iterator[Unit]:
    walked: set[str] = set()
    while unit is not None:
        if unit.key in walked:
            fault = SourceDown(f"a chain of pages must lead on, found a link back to {unit.key}")
            _poison(ledger, report, f"{unit.key} again", fault)
            return
        walked.add(unit.key)
        if unit.key in ledger.done:
            report.units_skipped += 1
        else:
            yield unit
        if unit.key not in ledger.done:  # it failed: the rest of its chain is unknown until it is fetched
            return
        unit = ledger.done[unit.key]


def _hold_to_promise(page: Page) -> None:
    came = len(page.records) + len(page.missing)
    if page.expected is not None and came < page.expected:
        raise SourceDown(f"{page.request} must give {page.expected} records, found {came}; run the crawl again later")


def _poison(ledger: Ledger, report: CrawlReport, key: str, fault: Exception) -> None:
    reason = str(fault) if isinstance(fault, SourceDown) else f"{type(fault).__name__}: {fault}"
    ledger.poison(key, reason)
    report.poisoned += 1
    report.error = report.error or reason
