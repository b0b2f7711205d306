"""The one crawl loop, the same for every source: plan, skip what is done, fetch, write down, halve what fails.

What belongs here: which unit comes next, and when a crawl is open or done. How rows are kept belongs to ledger.py, how
a database is asked to `lake/sources`, what a finished crawl may change to publication.py.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from lake.crawl import states
from lake.crawl.alone import alone
from lake.crawl.known import Known
from lake.crawl.ledger import Ledger
from lake.crawl.publication import settle
from lake.progress import Meter
from lake.sources.page import Page, Source, Unit
from lake.sources.scope import WHOLE, Scope
from lake.store import Lake
from lake.wire.down import NotNow, SourceDown

PATIENCE = 16  # failures in a row, halves among them, after which a database counts as down for now
ROUNDS = 3  # times one run reads a partition before it counts as short: pages move while a database is written
MARK = re.compile(r"~(\d+)$")  # behind a unit's key: in which round it was read


@dataclass
class CrawlReport:
    """What one run of a crawl did.

    state: `published`, `held` (all was fetched, but it looks wrong), `unchanged` (the marker has not moved: nothing was
    asked) or `open` (run it again to go on). scope: empty for all of the source.
    units: fetched in this run; units_skipped: done in an earlier run of the same crawl; halved: divided for a fault.
    rejected: units of one record that were given up; failed: units that keep the crawl open.
    records_new: versions kept in this run. added, changed, gone: records of the whole crawl that were not known, have
    a new version, are no longer listed.
    missing: ids that were listed and could not be had. requests: asked in this run, as far as pages tell.
    error: the first failure, None without one. held: why the source waits for somebody to accept it, None where it
    does not.
    """

    source: str
    crawl: str
    state: str
    marker: str | None
    scope: str = ""
    units: int = 0
    units_skipped: int = 0
    halved: int = 0
    rejected: int = 0
    failed: int = 0
    records_seen: int = 0
    records_new: int = 0
    added: int = 0
    changed: int = 0
    gone: int = 0
    missing: int = 0
    requests: int = 0
    error: str | None = None
    held: str | None = None


def crawl(
    lake: Lake, source: Source, scope: Scope = WHOLE, anew: bool = False, log: Callable[[str], None] | None = None
) -> CrawlReport:
    """Crawl a source into `records` and its ledger: go on with a crawl that was left open, else start a new one.

    A new crawl of a source whose marker has not moved closes at once, unless `anew`. What fails is tried again, then
    halved; what never comes stands in the ledger, the rest is kept. A crawl that was stopped goes on when run again.
    log: is told of progress now and then. Raises Busy where another process crawls this source, SourceDown where it
    does not even tell its marker, ValueError for a scope that it does not know.
    """
    with alone(lake, source.name):
        marker = source.marker()
        there = states.left_open(lake, source.name, str(scope))
        this = there or states.Crawl.now(source.name, str(scope), marker)
        report = CrawlReport(source.name, this.id, "open", this.marker, this.scope)
        if there is None:
            unmoved = marker is not None and marker == states.settled_marker(lake, source.name)
            if unmoved and scope.whole and not anew:
                states.note(lake, this, states.OPENED, states.CLOSED)
                waiting = states.held(lake, source.name)
                report.state, report.held = "unchanged", waiting[1] if waiting else None
                return report
            states.note(lake, this, states.OPENED)
        with Known.of(lake, source.name, this.id) as known:
            ledger = Ledger(lake, this, known)
            ledger.recall()
            try:
                done = _rounds(ledger, source, scope, report, log)
            finally:
                ledger.flush()
            report.added, report.changed, report.gone = known.changes(this.id)
            if done:
                ledger.tidy(whole=scope.whole)
                verdict = settle(ledger, source, whole=scope.whole)
                if not scope.whole:
                    ledger.forget_listings()
                report.state, report.held, report.gone = verdict.state, verdict.why, verdict.gone
    return report


def _rounds(
    ledger: Ledger, source: Source, scope: Scope, report: CrawlReport, log: Callable[[str], None] | None
) -> bool:
    """Walk all units, and those of partitions that turn out short once more. Returns whether the crawl is complete.

    Rounds are counted over all runs of a crawl: what an earlier one read in vain is not done, but to be read anew.
    """
    again: frozenset[str] = frozenset()
    before = max((int(mark[1]) for mark in map(MARK.search, ledger.done) if mark), default=1)
    with Meter(f"crawl {source.name}", _expected(source, scope), ledger.got, log) as meter:
        for number in range(1, before + ROUNDS):
            for partition in again:
                ledger.rejected.pop(partition, None)
            walk = _Walk(ledger, source, scope, report, meter, number, again)
            if not walk.complete():
                return False
            short = ledger.short() if scope.limit is None else {}
            if not short:
                return True
            again = frozenset(short)
    words = "; ".join(list(short.values())[:3])
    report.error = report.error or f"{source.name}: read {number} times, {words}; run the crawl again later"
    return False


@dataclass
class _Walk:
    """One walk over all units of a plan. again: partitions whose units are fetched although they are done."""

    ledger: Ledger
    source: Source
    scope: Scope
    report: CrawlReport
    meter: Meter
    number: int
    again: frozenset[str]
    walked: set[str] = field(default_factory=set)
    put_off: list[tuple[Unit, str]] = field(default_factory=list)
    failures: int = 0
    stopped: bool = False

    def complete(self) -> bool:
        """Work off everything; whether nothing is left that keeps the crawl open."""
        for unit in self._planned():
            self._work_off(unit)
            if self.stopped or self._enough:
                break
        put_off, self.put_off = self.put_off, []
        for unit, reason in put_off:
            self._last_chance(unit, reason)
        return not self.stopped and not self.report.failed

    def _planned(self) -> Iterator[Unit]:
        known = self.ledger.known
        units = self.source.column(self.scope.column, known) if self.scope.column else self.source.plan(self.scope)
        while True:
            try:
                unit = next(units, None)
            except ValueError:
                raise  # a scope that the source does not know is the caller's fault
            except Exception as fault:
                self._fail(Unit("plan"), _reason(fault))
                self.stopped = True
                return
            if unit is None:
                return
            yield unit

    def _work_off(self, first: Unit) -> None:
        """A unit, and all that it leads to."""
        waiting = deque([first])
        while waiting and not self.stopped and not self._enough:
            unit = self._named(waiting.popleft())
            if unit.key in self.walked:
                continue
            self.walked.add(unit.key)
            if unit.key in self.ledger.done:
                self.report.units_skipped += 1
                waiting.extendleft(reversed(self.ledger.done[unit.key]))
                continue
            try:
                page = self._fetched(unit)
            except Exception as fault:  # also a parser that crashes: one unit fails, the others go on
                waiting.extendleft(reversed(self._failing(unit, fault)))
                continue
            waiting.extendleft(reversed(page.following))

    def _fetched(self, unit: Unit) -> Page:
        """Fetch a unit and keep what it brought."""
        page = self.source.fetch(unit, self.ledger.known)
        _hold_to_promise(page)
        back = next((f.key for f in page.following if self._named(f).key in self.walked), None)
        if back is not None:
            raise SourceDown(f"{page.request} must lead on, found a link back to {back}")
        if self.scope.limit is not None:
            page = replace(page, records=page.records[: self.scope.limit - self.ledger.got])
        self.failures = 0
        self.report.records_new += self.ledger.write(unit, page)
        self.report.units += 1
        self.report.records_seen += len(page.records)
        self.report.missing += len(page.missing)
        self.report.requests += page.attempts
        self.meter.advance(len(page.records))
        return page

    def _failing(self, unit: Unit, fault: Exception) -> tuple[Unit, ...]:
        """What to do instead of a unit that failed: its halves, nothing for now, or nothing more at all."""
        reason = _reason(fault)
        self.failures += 1
        if isinstance(fault, NotNow) or self.failures >= PATIENCE or not self._alive():
            self._fail(unit, reason)
            self.stopped = True
            return ()
        pieces = self.source.halves(unit)
        if pieces:
            self.ledger.halve(unit, pieces, reason)
            self.report.halved += 1
        else:
            self.put_off.append((unit, reason))
        return pieces

    def _alive(self) -> bool:
        """Whether the database still gives a sign of life; asked once for each row of failures."""
        if self.failures > 1:
            return True
        try:
            self.source.alive()
        except Exception:  # whatever is wrong, no sign of life came
            return False
        return True

    def _last_chance(self, unit: Unit, reason: str) -> None:
        """A unit that failed alone is tried once more after all others; what it leads to follows it."""
        if self.stopped:
            self._fail(unit, reason)
            return
        try:
            page = self._fetched(unit)
        except Exception as fault:
            if unit.alone and not isinstance(fault, NotNow):
                self.ledger.reject(unit, _reason(fault))
                self.report.rejected += 1
                self.report.error = self.report.error or _reason(fault)
            else:
                self._fail(unit, _reason(fault))
            return
        for following in page.following:
            self._work_off(following)
        late, self.put_off = self.put_off, []
        for other, why in late:
            self._last_chance(other, why)

    @property
    def _enough(self) -> bool:
        return self.scope.limit is not None and self.ledger.got >= self.scope.limit

    def _fail(self, unit: Unit, reason: str) -> None:
        self.ledger.poison(unit, reason)
        self.report.failed += 1
        self.report.error = self.report.error or reason

    def _named(self, unit: Unit) -> Unit:
        """The unit under the name it has in this round."""
        mark = f"~{self.number}"
        fresh = unit.partition in self.again and not unit.key.endswith(mark)
        return replace(unit, key=unit.key + mark) if fresh else unit


def _hold_to_promise(page: Page) -> None:
    came = len(page.records) + len(page.missing)
    if page.expected is not None and came < page.expected:
        raise SourceDown(f"{page.request} must give {page.expected} records, found {came}; run the crawl again later")


def _reason(fault: Exception) -> str:
    return str(fault) if isinstance(fault, SourceDown) else f"{type(fault).__name__}: {fault}"


def _expected(source: Source, scope: Scope) -> int | None:
    """Records that are to come, for the time left; None where nobody can tell."""
    if scope.column:
        return None
    try:
        records = source.forecast(scope).records
    except Exception:  # the plan asks the same database, and says what is wrong
        return None
    return min(records, scope.limit or records)
