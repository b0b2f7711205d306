"""The crawl loop, with a source made of a few lines: what is written, in which order, and what failure leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl
import pytest

from lake.crawl import crawl
from lake.ledger import latest_records, latest_versions
from lake.sources.page import Known, Page, Record, SourceDown, Unit
from lake.store import Lake
from lake.tables import CRAWLS, PAGES, RECORDS
from tests.lake._owed import ledger, versions


@dataclass
class Shelf:
    """A source whose units are its pages, single or in a chain."""

    pages: dict[str, dict[str, str]]
    chain: bool = False
    version: str | None = None
    broken: dict[str, Exception] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    loops: bool = False
    promised: int | None = None
    name: str = "shelf"

    def marker(self) -> str | None:
        return self.version

    def plan(self, known: Known) -> Iterator[Unit]:
        self.known = dict(known())
        keys = list(self.pages)
        yield from (Unit(key, {"key": key}) for key in (keys[:1] if self.chain else keys))
        if "plan" in self.broken:
            raise self.broken["plan"]

    def fetch(self, unit: Unit) -> Page:
        self.fetched.append(unit.key)
        if unit.key in self.broken:
            raise self.broken[unit.key]
        keys = list(self.pages)
        after = keys[(keys.index(unit.key) + 1) % len(keys)]
        more = self.chain and (after != keys[0] or self.loops)
        records = [Record(source_id, payload) for source_id, payload in self.pages[unit.key].items()]
        return Page(
            f"shelf://{unit.key}", records, "0" * 64, self.promised, Unit(after, {"key": after}) if more else None
        )

    def stamp(self, payload: str) -> str:
        return payload.upper()


PAGES_ABC = {"a": {"1": "one", "2": "two"}, "b": {"3": "three"}, "c": {"4": "four"}}


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path)


def states(lake: Lake) -> list[str]:
    return lake.read(CRAWLS).sort("at")["state"].to_list()


def test_a_crawl_keeps_every_record_and_closes(lake):
    report = crawl(lake, Shelf(PAGES_ABC))
    assert (report.state, report.units, report.records_seen, report.records_new) == ("closed", 3, 4, 4)
    assert versions(lake, "shelf") == [("1", "one"), ("2", "two"), ("3", "three"), ("4", "four")]
    assert states(lake) == ["opened", "closed"]


def test_a_chain_goes_on_from_where_it_stopped(lake):
    first = crawl(lake, Shelf(PAGES_ABC, chain=True, broken={"c": SourceDown("asleep")}))
    assert (first.state, first.units, first.poisoned, first.error) == ("open", 2, 1, "asleep")
    again = Shelf(PAGES_ABC, chain=True)
    second = crawl(lake, again)
    assert again.fetched == ["c"]
    assert (second.state, second.crawl, second.units, second.units_skipped) == ("closed", first.crawl, 1, 2)
    assert len(versions(lake, "shelf")) == 4


def test_a_failed_unit_is_written_down_and_the_others_go_on(lake):
    report = crawl(lake, Shelf(PAGES_ABC, broken={"b": SourceDown("asleep"), "a": KeyError("auid")}))
    assert (report.state, report.units, report.poisoned) == ("open", 1, 2)
    assert ledger(lake, "shelf", "poisoned") == ["a", "b"]
    assert set(lake.read(PAGES)["error"].drop_nulls()) == {"asleep", "KeyError: 'auid'"}
    assert crawl(lake, Shelf(PAGES_ABC)).state == "closed"
    assert ledger(lake, "shelf", "poisoned") == []


def test_a_source_that_fails_again_and_again_is_left_alone_for_now(lake):
    many = {str(n): {str(n): "x"} for n in range(20)}
    shelf = Shelf(many, broken={key: SourceDown("down") for key in many})
    assert crawl(lake, shelf).poisoned == 3 == len(shelf.fetched)


def test_a_plan_that_breaks_off_leaves_the_crawl_open(lake):
    report = crawl(lake, Shelf(PAGES_ABC, broken={"plan": SourceDown("no list")}))
    assert (report.state, report.units, report.error) == ("open", 3, "no list")
    shelf = Shelf(PAGES_ABC)
    assert crawl(lake, shelf).state == "closed" and shelf.fetched == []


def test_a_source_that_is_down_at_once_raises_and_opens_nothing(lake):
    class Down(Shelf):
        def marker(self):
            raise SourceDown("shelf: down")

    with pytest.raises(SourceDown, match="shelf: down"):
        crawl(lake, Down(PAGES_ABC))
    assert not lake.exists(CRAWLS)


def test_a_page_that_gives_less_than_promised_is_no_page(lake):
    report = crawl(lake, Shelf({"a": {"1": "one"}}, promised=2))
    assert report.state == "open" and "must give 2 records, found 1" in report.error
    assert versions(lake, "shelf") == []


def test_a_chain_that_leads_back_ends_and_says_so(lake):
    report = crawl(lake, Shelf(PAGES_ABC, chain=True, loops=True))
    assert report.state == "open" and "link back to a" in report.error
    assert len(versions(lake, "shelf")) == 4


def test_an_unmoved_marker_closes_a_crawl_without_a_request(lake):
    crawl(lake, Shelf(PAGES_ABC, version="v1"))
    shelf = Shelf(PAGES_ABC, version="v1")
    assert crawl(lake, shelf).state == "unchanged" and shelf.fetched == []
    assert crawl(lake, shelf, anew=True).state == "closed" and len(shelf.fetched) == 3
    assert crawl(lake, Shelf(PAGES_ABC, version="v2")).units == 3


def test_a_marker_that_moves_while_a_crawl_is_open_is_seen_by_the_next_crawl(lake):
    crawl(lake, Shelf(PAGES_ABC, version="v1", broken={"c": SourceDown("asleep")}))
    assert crawl(lake, Shelf(PAGES_ABC, version="v2")).marker == "v1"
    assert crawl(lake, Shelf(PAGES_ABC, version="v2")).state == "closed"


def test_only_what_differs_from_the_latest_version_is_kept(lake):
    for payload in ("one", "ONE", "ONE", "one"):
        crawl(lake, Shelf({"a": {"1": payload}}))
    assert versions(lake, "shelf") == [("1", "ONE"), ("1", "one"), ("1", "one")]
    assert len(latest_versions(lake, "shelf")) == 1
    assert pl.concat(latest_records(lake, "shelf"))["payload"].to_list() == ["one"]


def test_a_kill_between_records_and_ledger_is_healed_by_the_next_run(lake, monkeypatch):
    whole = Lake.append

    def dies_at_the_ledger(self, table, frame):
        if table is PAGES:
            raise KeyboardInterrupt
        whole(self, table, frame)

    monkeypatch.setattr(Lake, "append", dies_at_the_ledger)
    with pytest.raises(KeyboardInterrupt):
        crawl(lake, Shelf(PAGES_ABC))
    monkeypatch.undo()
    assert len(versions(lake, "shelf")) == 2
    assert crawl(lake, Shelf(PAGES_ABC)).state == "closed"
    assert len(versions(lake, "shelf")) == 4 == len(lake.read(RECORDS))


def test_a_plan_is_told_what_the_lake_held_before_the_crawl_opened(lake):
    crawl(lake, Shelf({"a": {"1": "one"}}))
    shelf = Shelf({"a": {"1": "uno"}, "b": {"2": "two"}}, broken={"b": SourceDown("asleep")})
    crawl(lake, shelf)
    assert shelf.known == {"1": "ONE"}
    resumed = Shelf({"a": {"1": "uno"}, "b": {"2": "two"}})
    crawl(lake, resumed)
    assert resumed.known == {"1": "ONE"}
    following = Shelf({})
    crawl(lake, following)
    assert following.known == {"1": "UNO", "2": "TWO"}
