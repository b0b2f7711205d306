"""The crawl loop, with a source made of a few lines: what is fetched, in which order, and what failure leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crawl import Busy, crawl
from lake.crawl.alone import alone
from lake.sources.page import Unit
from lake.sources.scope import Scope
from lake.store import Lake
from lake.tables import CRAWLS, PAGES, RECORDS, REJECTS
from lake.wire.down import NotNow, SourceDown
from tests.lake._owed import ledger, versions
from tests.lake._shelf import Shelf

PAGES_ABC = {"a": {"1": "one", "2": "two"}, "b": {"3": "three"}, "c": {"4": "four"}}
EIGHT = {"a": {str(n): f"record {n}" for n in range(8)}}


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path)


def states(lake: Lake) -> list[str]:
    return lake.read(CRAWLS)["state"].to_list()


def test_a_crawl_keeps_every_record_closes_and_is_published(lake):
    report = crawl(lake, Shelf(PAGES_ABC))
    assert (report.state, report.units, report.records_seen, report.records_new) == ("published", 3, 4, 4)
    assert (report.added, report.changed, report.gone) == (4, 0, 0)
    assert versions(lake, "shelf") == [("1", "one"), ("2", "two"), ("3", "three"), ("4", "four")]
    assert sorted(states(lake)) == ["closed", "opened", "published"]


def test_a_chain_goes_on_from_where_it_stopped(lake):
    first = crawl(lake, Shelf(PAGES_ABC, chain=True, broken={"c": SourceDown("asleep")}, dead=True))
    assert (first.state, first.units, first.failed, first.error) == ("open", 2, 1, "asleep")
    again = Shelf(PAGES_ABC, chain=True)
    second = crawl(lake, again)
    assert again.fetched == ["b", "c"], "what led to the failure is asked again"
    assert (second.state, second.crawl, second.units, second.units_skipped) == ("published", first.crawl, 2, 1)
    assert len(versions(lake, "shelf")) == 4


def test_a_unit_that_fails_is_tried_once_more_after_all_others(lake):
    class Stumbling(Shelf):
        def fetch(self, unit, known):
            if unit.key == "b" and "c" not in self.fetched:
                self.fetched.append("b")
                raise SourceDown("asleep")
            return super().fetch(unit, known)

    shelf = Stumbling(PAGES_ABC)
    assert crawl(lake, shelf).state == "published"
    assert shelf.fetched == ["a", "b", "c", "b"]


def test_a_unit_that_never_comes_and_is_no_single_record_keeps_the_crawl_open(lake):
    report = crawl(lake, Shelf(PAGES_ABC, broken={"b": KeyError("auid")}))
    assert (report.state, report.units, report.failed, report.error) == ("open", 2, 1, "KeyError: 'auid'")
    assert ledger(lake, "shelf", "poisoned") == ["b"]
    assert crawl(lake, Shelf(PAGES_ABC)).state == "published"
    assert ledger(lake, "shelf", "poisoned") == []


def test_a_poisoned_page_is_halved_until_the_bad_record_stands_alone(lake):
    report = crawl(lake, Shelf(EIGHT, broken={"a": SourceDown("HTTP 500"), "5": SourceDown("bad record")}))
    assert (report.state, report.rejected, report.error) == ("published", 1, "bad record")
    assert [i for i, _ in versions(lake, "shelf")] == [n for n in "01234567" if n != "5"]
    assert "closed with rejects" in states(lake)
    assert lake.read(REJECTS).select("entry_id", "stage", "reason").rows() == [
        ("shelf:a/5", "crawl.shelf", "bad record")
    ]


@settings(max_examples=12, deadline=None)
@given(bad=st.sets(st.integers(0, 7), max_size=3), total=st.booleans())
def test_what_is_not_poisoned_is_never_lost(tmp_path_factory, bad, total):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    broken = {str(n): SourceDown("bad") for n in bad}
    report = crawl(lake, Shelf(EIGHT, broken=broken, told={"a": 8} if total else {}))
    assert (report.state, report.rejected) == ("published", len(bad))
    assert [int(i) for i, _ in versions(lake, "shelf")] == sorted(set(range(8)) - bad)


def test_a_rejected_record_is_asked_for_again_although_the_marker_stands(lake):
    crawl(lake, Shelf(EIGHT, version="v1", broken={"5": SourceDown("bad")}))
    report = crawl(lake, Shelf(EIGHT, version="v1"))
    assert (report.state, report.added) == ("published", 1)
    assert not len(lake.read(REJECTS))
    assert crawl(lake, Shelf(EIGHT, version="v1")).state == "unchanged"


def test_a_source_without_a_sign_of_life_is_left_alone_at_once(lake):
    many = {str(n): {str(n): "x"} for n in range(20)}
    shelf = Shelf(many, broken={key: SourceDown("down") for key in many}, dead=True)
    assert (crawl(lake, shelf).state, shelf.fetched) == ("open", ["0"])


def test_a_source_that_lives_and_fails_again_and_again_is_left_alone_for_now(lake):
    many = {str(n): {str(n): "x"} for n in range(40)}
    shelf = Shelf(many, broken={key: SourceDown("down") for key in many})
    assert (crawl(lake, shelf).state, len(shelf.fetched)) == ("open", 16)


def test_our_own_refusal_stops_a_crawl_without_blaming_a_record(lake):
    report = crawl(lake, Shelf(EIGHT, broken={"a": NotNow("the budget of tonight is spent")}))
    assert (report.state, report.halved, report.error) == ("open", 0, "the budget of tonight is spent")


def test_a_plan_that_breaks_off_leaves_the_crawl_open(lake):
    report = crawl(lake, Shelf(PAGES_ABC, broken={"plan": SourceDown("no list")}))
    assert (report.state, report.units, report.error) == ("open", 3, "no list")
    shelf = Shelf(PAGES_ABC)
    assert crawl(lake, shelf).state == "published" and shelf.fetched == []


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


def test_a_partition_that_lists_less_than_its_total_is_read_again_and_keeps_the_crawl_open(lake):
    shelf = Shelf(PAGES_ABC, told={"a": 3, "b": 1})
    report = crawl(lake, shelf)
    assert report.state == "open" and "a must hold 3 records, found 2 distinct ids" in report.error
    assert shelf.fetched == ["a", "b", "c", "a~2", "a~3"]


def test_a_partition_that_moved_while_it_was_read_is_complete_after_a_second_reading(lake):
    class Moving(Shelf):
        def fetch(self, unit, known):
            page = super().fetch(unit, known)
            if unit.key == "a":  # a row slid to the page before: it is told by nobody
                page = replace(page, records=page.records[1:], listed=page.listed[1:])
            return page

    assert crawl(lake, Moving(PAGES_ABC, told={"a": 2})).state == "published"
    assert len(versions(lake, "shelf")) == 4


def test_a_chain_that_leads_back_is_asked_again_and_keeps_the_crawl_open(lake):
    report = crawl(lake, Shelf(PAGES_ABC, chain=True, loops=True))
    assert report.state == "open" and "link back to a" in report.error
    assert len(versions(lake, "shelf")) == 3, "the page that led back is not trusted"
    assert crawl(lake, Shelf(PAGES_ABC, chain=True)).state == "published"
    assert len(versions(lake, "shelf")) == 4


def test_an_unmoved_marker_closes_a_crawl_without_a_request(lake):
    crawl(lake, Shelf(PAGES_ABC, version="v1"))
    shelf = Shelf(PAGES_ABC, version="v1")
    assert crawl(lake, shelf).state == "unchanged" and shelf.fetched == []
    assert crawl(lake, shelf, anew=True).state == "published" and len(shelf.fetched) == 3
    assert crawl(lake, Shelf(PAGES_ABC, version="v2")).units == 3


def test_a_marker_that_moves_while_a_crawl_is_open_is_seen_by_the_next_crawl(lake):
    crawl(lake, Shelf(PAGES_ABC, version="v1", broken={"c": SourceDown("asleep")}))
    assert crawl(lake, Shelf(PAGES_ABC, version="v2")).marker == "v1"
    assert crawl(lake, Shelf(PAGES_ABC, version="v2")).state == "published"


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
    assert len(versions(lake, "shelf")) == 4
    assert crawl(lake, Shelf(PAGES_ABC)).state == "published"
    assert len(versions(lake, "shelf")) == 4 == len(lake.read(RECORDS))


def test_a_source_is_told_what_the_lake_holds(lake):
    crawl(lake, Shelf({"a": {"1": "one"}}))
    shelf = Shelf({"a": {"1": "uno"}, "b": {"2": "two"}})
    crawl(lake, shelf)
    assert shelf.known == {"1": "UNO"}
    following = Shelf({"a": {"1": "uno"}})
    crawl(lake, following)
    assert following.known == {"1": "UNO", "2": "TWO"}


def test_a_part_of_a_source_is_crawled_beside_an_open_whole_one(lake):
    first = crawl(lake, Shelf(PAGES_ABC, broken={"c": SourceDown("asleep")}))
    part = crawl(lake, Shelf(PAGES_ABC), Scope(limit=3))
    assert (part.state, part.scope, part.records_seen) == ("published", "limit=3", 3)
    assert crawl(lake, Shelf(PAGES_ABC)).crawl == first.crawl


def test_a_limit_counts_over_the_runs_of_a_crawl(lake):
    first = crawl(lake, Shelf(PAGES_ABC, broken={"b": SourceDown("asleep")}, dead=True), Scope(limit=3))
    assert (first.state, first.records_seen) == ("open", 2)
    assert crawl(lake, Shelf(PAGES_ABC), Scope(limit=3)).records_seen == 1


def test_a_column_crawl_fetches_one_field_of_the_known_records(lake):
    crawl(lake, Shelf(PAGES_ABC))
    report = crawl(lake, Shelf({}), Scope(column="colour"))
    assert (report.state, report.scope, report.records_new, report.gone) == ("published", "column=colour", 4, 0)
    colours = lake.read(RECORDS).filter(route="colour")
    assert sorted(colours["payload"]) == [f"colour of {n}" for n in "1234"]
    assert crawl(lake, Shelf({}), Scope(column="colour")).records_new == 0


def test_a_column_that_a_source_does_not_tell_is_refused_with_what_there_is(lake):
    with pytest.raises(ValueError, match="colour alone, not for weight"):
        crawl(lake, Shelf(PAGES_ABC), Scope(column="weight"))


def test_two_crawls_of_one_source_into_one_lake_do_not_run_at_once(lake):
    with alone(lake, "shelf"), pytest.raises(Busy, match="another one is crawling shelf"):
        crawl(lake, Shelf(PAGES_ABC))
    assert crawl(lake, Shelf(PAGES_ABC)).state == "published"


def test_progress_is_told_to_a_log_with_what_there_is_to_come(lake):
    lines: list[str] = []
    crawl(lake, Shelf(PAGES_ABC), log=lines.append)
    assert lines[-1].startswith("crawl shelf: 4 of 4 records, ")


def test_what_led_to_a_unit_that_failed_is_asked_again_when_the_crawl_goes_on(lake):
    class Liar(Shelf):
        def fetch(self, unit, known):
            page = super().fetch(unit, known)
            wrong = Unit("b", {"ids": ["no such"]}, partition="b")
            return replace(page, following=(wrong,)) if unit.key == "a" else page

    assert crawl(lake, Liar(PAGES_ABC, chain=True)).state == "open"
    shelf = Shelf(PAGES_ABC, chain=True)
    assert crawl(lake, shelf).state == "published"
    assert shelf.fetched == ["a", "b", "c"]
    assert len(versions(lake, "shelf")) == 4
