"""Publication: versions, tombstones, the difference report, and what an alarm holds back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crawl import crawl, states
from lake.crawl.difference import Spread
from lake.crawl.publication import accept
from lake.crawl.versions import latest_records, latest_versions
from lake.sources.scope import Scope
from lake.store import Lake
from lake.tables import DIFFERENCES, LISTINGS, RECORDS, REJECTS
from lake.wire.down import SourceDown
from tests.lake._owed import versions
from tests.lake._shelf import Shelf


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path)


def told(lake: Lake) -> dict[str, str]:
    """id -> payload of what the rest of the lake may read."""
    batches = list(latest_records(lake, "shelf"))
    return dict(pl.concat(batches).select("source_id", "payload").rows()) if batches else {}


def differences(lake: Lake) -> pl.DataFrame:
    """The report of the last crawl."""
    return lake.read(DIFFERENCES).filter(pl.col("crawl") == pl.col("crawl").max()).sort("field")


def shelf(numbers: dict[int, int], **more: object) -> Shelf:
    return Shelf({"a": {str(i): str(n) for i, n in numbers.items()}}, **more)


MANY = {i: 100 + i % 7 for i in range(300)}


def test_only_what_differs_from_the_latest_version_is_kept(lake):
    for payload in ("one", "ONE", "ONE", "one"):
        crawl(lake, Shelf({"a": {"1": payload}}))
    assert versions(lake, "shelf") == [("1", "ONE"), ("1", "one"), ("1", "one")]
    assert len(latest_versions(lake, "shelf")) == 1
    assert told(lake) == {"1": "one"}


def test_what_disappears_gets_a_tombstone_and_nothing_is_deleted(lake):
    crawl(lake, shelf({1: 10, 2: 20}))
    report = crawl(lake, shelf({2: 20}))
    assert (report.state, report.gone) == ("published", 1)
    assert told(lake) == {"2": "20"}
    rows = lake.read(RECORDS).sort("fetched_at").select("source_id", "gone", "payload").rows()
    assert rows == [("1", False, "10"), ("2", False, "20"), ("1", True, "")]


def test_what_comes_back_stands_again(lake):
    for numbers in ({1: 10, 2: 20}, {2: 20}, {1: 10, 2: 20}):
        crawl(lake, shelf(numbers))
    assert told(lake) == {"1": "10", "2": "20"}
    assert len(lake.read(RECORDS)) == 4


@pytest.mark.parametrize(
    "scope, broken", [(Scope(limit=1), {}), (Scope(), {"3": SourceDown("bad")})], ids=["a part", "rejects"]
)
def test_a_crawl_that_did_not_see_everything_buries_nothing(lake, scope, broken):
    crawl(lake, shelf({1: 10, 2: 20}))
    report = crawl(lake, shelf({2: 20, 3: 30}, broken=broken), scope)
    assert report.state == "published"
    assert {"1", "2"} <= set(told(lake))


def test_a_route_that_was_not_read_keeps_its_records(lake):
    crawl(lake, shelf({1: 10}, route="elasticity"))
    crawl(lake, shelf({1: 11}))
    assert len(latest_versions(lake, "shelf", "elasticity")) == 1


@settings(max_examples=8, deadline=None)
@given(nights=st.lists(st.dictionaries(st.integers(0, 9), st.integers(0, 3), max_size=10), min_size=1, max_size=4))
def test_after_each_night_the_lake_tells_what_the_source_told(tmp_path_factory, nights):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    for numbers in nights:
        if numbers:
            assert crawl(lake, shelf(numbers)).state == "published"
            assert told(lake) == {str(i): str(n) for i, n in numbers.items()}


def test_the_report_tells_counts_and_each_number_against_last_time(lake):
    crawl(lake, shelf({1: 10, 2: 20}))
    crawl(lake, shelf({2: 25, 3: 30}))
    rows = {row["field"]: row for row in differences(lake).iter_rows(named=True)}
    records, number = rows["records"], rows["number"]
    assert (records["added"], records["changed"], records["gone"]) == (1, 1, 1)
    assert (records["n"], records["n_before"]) == (2, 2)
    assert (number["minimum"], number["maximum"], number["mean"]) == (25, 30, 27.5)
    assert (number["minimum_before"], number["maximum_before"], number["mean_before"]) == (10, 20, 15)


def test_a_night_without_changes_reports_the_same_numbers(lake):
    crawl(lake, shelf(MANY))
    first = differences(lake)
    crawl(lake, shelf(MANY))
    second = differences(lake)
    same = ["field", "n", "minimum", "maximum", "mean", "deviation"]
    assert second.select(same).equals(first.select(same))
    assert second["mean_before"].equals(second["mean"])


def test_a_drop_in_counts_holds_the_crawl_and_says_so(lake):
    crawl(lake, shelf(MANY))
    report = crawl(lake, shelf({i: n for i, n in MANY.items() if i < 250}))
    assert (report.state, report.gone) == ("held", 50)
    assert "they fell from 300 to 250" in report.held
    assert len(told(lake)) == 300, "what stood before goes on standing"
    assert not lake.read(RECORDS)["gone"].any()


def test_a_jump_in_a_mean_holds_the_crawl_and_says_so(lake):
    crawl(lake, shelf(MANY))
    report = crawl(lake, shelf({i: n + 1 for i, n in MANY.items()}))
    assert report.state == "held" and "the mean of number may move by 0.25 standard deviations" in report.held
    assert set(told(lake).values()) == {str(n) for n in MANY.values()}


def test_many_records_that_never_come_hold_the_crawl(lake):
    bad = {str(i): SourceDown("the interface has changed") for i in range(0, 300, 10)}
    report = crawl(lake, shelf(MANY, broken=bad))
    assert (report.state, report.rejected) == ("held", 30)
    assert "of 300 these were 30" in report.held


def test_a_held_crawl_is_published_once_somebody_accepts_it(lake):
    crawl(lake, shelf(MANY))
    crawl(lake, shelf({i: n for i, n in MANY.items() if i < 250}))
    accept(lake, "shelf")
    assert len(told(lake)) == 250
    assert states.held(lake, "shelf") is None
    with pytest.raises(ValueError, match="nothing is to be done"):
        accept(lake, "shelf")


def test_a_source_that_is_itself_again_is_published_without_anybody(lake):
    crawl(lake, shelf(MANY))
    crawl(lake, shelf({i: n for i, n in MANY.items() if i < 250}))
    report = crawl(lake, shelf(MANY))
    assert (report.state, report.records_new) == ("published", 0)
    assert len(told(lake)) == 300


def test_a_held_crawl_is_compared_with_what_was_published_not_with_what_was_held(lake):
    crawl(lake, shelf(MANY))
    for _ in range(2):
        assert crawl(lake, shelf({i: n + 1 for i, n in MANY.items()})).state == "held"


def test_a_part_that_is_crawled_on_top_of_a_held_crawl_waits_with_it(lake):
    crawl(lake, shelf(MANY))
    crawl(lake, shelf({i: n + 1 for i, n in MANY.items()}))
    assert crawl(lake, shelf({1: 5}), Scope(limit=1)).state == "held"
    assert told(lake)["1"] == str(MANY[1])


def test_a_part_that_was_published_first_does_not_publish_a_crawl_that_is_held(lake):
    crawl(lake, shelf(MANY))
    fewer = {i: n for i, n in MANY.items() if i < 250}
    crawl(lake, shelf(fewer | {1: 5}, broken={"a": SourceDown("asleep")}, dead=True))
    crawl(lake, shelf({2: 7}), Scope(limit=1))
    assert crawl(lake, shelf(fewer | {1: 5})).state == "held"
    assert told(lake) == {str(i): str(n) for i, n in MANY.items()}
    accept(lake, "shelf")
    assert len(told(lake)) == 250 and told(lake)["1"] == "5"


def test_a_night_without_news_does_not_hide_that_a_crawl_is_held(lake):
    crawl(lake, shelf(MANY, version="v1"))
    held = crawl(lake, shelf({i: n + 1 for i, n in MANY.items()}, version="v2"))
    again = crawl(lake, shelf({}, version="v2"))
    assert (again.state, again.held) == ("unchanged", held.held)


def test_before_the_first_crawl_is_published_what_came_so_far_is_read(lake):
    crawl(lake, Shelf({"a": {"1": "one"}, "b": {"2": "two"}}, broken={"b": SourceDown("asleep")}))
    assert told(lake) == {"1": "one"}


def test_only_the_last_whole_crawl_keeps_its_listings(lake):
    for _ in range(3):
        last = crawl(lake, shelf({1: 10, 2: 20}))
    crawl(lake, shelf({1: 10}), Scope(limit=1))
    assert set(lake.read(LISTINGS)["crawl"]) == {last.crawl}


@given(parts=st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), min_size=1, max_size=6))
def test_a_spread_gathered_in_parts_is_that_of_all_values(parts):
    spread, every = Spread(), np.concatenate(parts)
    for part in parts:
        spread.add(np.asarray(part))
    assert (spread.n, spread.minimum, spread.maximum) == (len(every), every.min(), every.max())
    assert spread.mean == pytest.approx(every.mean(), abs=1e-6)
    assert spread.deviation == pytest.approx(every.std(), abs=1e-3)


@pytest.mark.parametrize("unit", ["list", "ids#7", "a#b#c"])
@pytest.mark.parametrize("source_id", ["7", "film.xyz#3"])
def test_what_was_listed_in_vain_stands_among_the_rejects_under_its_own_id(lake, unit, source_id):
    class Vain(Shelf):
        def fetch(self, unit, known):
            return replace(super().fetch(unit, known), missing={source_id: "nobody has it"})

    assert crawl(lake, Vain({unit: {"1": "one"}})).missing == 1
    assert lake.read(REJECTS)["entry_id"].to_list() == [f"shelf:{source_id}"]
