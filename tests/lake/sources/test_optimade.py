"""OPTIMADE as providers really speak it: each is crawled whole, whatever its links, pages, counts and order are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crawl import crawl
from lake.sample.mirror.oqmd_filter import read_filter
from lake.settings import Settings
from lake.sources import offsets
from lake.sources.optimade.provider import Meta, filter_of, next_link, page_of
from lake.sources.oqmd import rest as oqmd_rest
from lake.sources.oqmd.source import source
from lake.sources.page import Unit
from lake.sources.parts import LARGEST, Part, parts
from lake.sources.scope import WHOLE, Scope
from lake.store import Lake
from lake.tables import PAGES
from lake.wire.answers import NotData
from lake.wire.clock import LeapingClock, running
from lake.wire.down import SourceDown
from tests.lake._internet import internet
from tests.lake._owed import versions
from tests.lake.sources._provider import Provider


@pytest.fixture(scope="module")
def net():
    with internet([]) as net:
        yield net


@pytest.fixture
def crawled(net, tmp_path):
    """Crawl a provider with these ways; gives the report, the ids kept, and the provider."""

    def run(scope: Scope = WHOLE, page_limit: int = 4, **ways):
        net.fault = provider = Provider(net.base, **ways)
        lake = Lake(tmp_path / "lake")
        report = crawl(lake, source(net.settings(root=tmp_path, attempts=1, oqmd_page_limit=page_limit)), scope)
        return report, sorted(int(number) for number, _ in versions(lake, "oqmd")), provider

    return run


@pytest.mark.parametrize("counts", [True, False], ids=["counting", "not counting"])
@pytest.mark.parametrize("link", ["string", "object", "relative", "cursor"])
def test_every_way_to_write_a_link_and_to_count_gives_everything(crawled, link, counts):
    report, ids, _ = crawled(link=link, counts=counts)
    assert (report.state, report.error, ids) == ("published", None, list(range(20)))


@pytest.mark.parametrize("numeric", [True, False])
def test_ids_are_kept_as_text_however_they_are_told(crawled, numeric):
    assert crawled(numeric=numeric)[1] == list(range(20))


def test_response_fields_are_always_named_and_only_those_that_are_there(crawled):
    _, _, provider = crawled()
    for words in provider.asked:
        names = set(words["response_fields"].split(","))
        assert "id" in names and names <= {"id", *provider.fields}


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("most", [1, 3])
def test_a_page_that_is_too_large_is_asked_for_by_half(crawled, most, counts):
    report, ids, provider = crawled(page_limit=8, most=most, counts=counts)
    assert (report.state, ids) == ("published", list(range(20)))
    refused = [words for words in provider.asked if int(words["page_limit"]) > most]
    assert len(refused) <= 3  # learnt once, not on every page


@pytest.mark.parametrize("counts", [True, False])
def test_a_server_that_gives_less_than_was_asked_for_loses_nothing(crawled, counts):
    assert crawled(page_limit=8, most=3, cuts=True, counts=counts)[1] == list(range(20))


def test_pages_without_order_are_read_again_until_every_record_was_seen(net, tmp_path):
    net.fault = Provider(net.base, n=12, orders=False)
    lake, settings = Lake(tmp_path), net.settings(root=tmp_path, oqmd_page_limit=4)
    for _ in range(20):
        report = crawl(lake, source(settings))
        assert report.error is None or "distinct ids" in report.error
        if report.state == "published":
            break
    assert sorted(int(number) for number, _ in versions(lake, "oqmd")) == list(range(12))


def test_where_ids_can_be_sorted_by_pages_have_an_order(crawled):
    report, ids, provider = crawled(orders=False, sortable=True)
    assert (report.state, ids) == ("published", list(range(20)))
    assert {words.get("sort") for words in provider.asked if "page_offset" in words} == {"id"}


@pytest.mark.parametrize("link", ["back", "circle"])
def test_links_that_lead_back_end_in_an_open_crawl_not_in_a_circle(crawled, link):
    report, _, provider = crawled(link=link, counts=False)
    assert report.state == "open" and len(provider.asked) < 60
    assert "lead on" in report.error


def test_a_link_to_another_host_is_not_followed(crawled, net):
    oqmd = source(net.settings(oqmd_page_limit=4))
    report, ids, _ = crawled(link="elsewhere", counts=False)
    assert report.halved and ids == list(range(20))  # what the link hid was found by its offset
    with pytest.raises(SourceDown, match=r"stay on .*evil\.example"):
        for unit in oqmd.plan(Scope()):
            oqmd.fetch(unit, {})


def test_with_a_count_no_link_is_needed_and_a_wrong_one_does_no_harm(crawled):
    for link in ("back", "circle", "elsewhere"):
        assert set(range(20)) <= set(crawled(link=link, counts=True)[1])


def test_the_wrong_providers_answers_are_refused(crawled):
    report, ids, _ = crawled(prefix="mp")
    assert ids == [] and "must be oqmd's, found an answer of 'mp'" in report.error


def test_a_delay_that_is_asked_for_lies_between_all_questions(net, tmp_path):
    net.fault = provider = Provider(net.base, n=12, delay=2.5)
    with running(LeapingClock()) as clock:
        oqmd = source(net.settings(root=tmp_path, oqmd_page_limit=4, wait_max=60))
        for unit in oqmd.plan(Scope()):
            oqmd.fetch(unit, {})
    assert len(provider.asked) == 4  # the count, and three pages; what there is was asked besides
    assert sum(clock.slept) == pytest.approx(3 * 2.5)  # before the next question, and none comes after the last


def test_a_record_that_breaks_its_page_is_found_and_all_others_come(crawled):
    report, ids, _ = crawled(bad=13, page_limit=8)
    assert report.rejected == 1 and report.halved == 3
    assert ids == [k for k in range(20) if k != 13]


def test_a_scope_is_asked_of_the_server(crawled):
    _, _, provider = crawled(scope=Scope(chemsys=("O", "Mg")))
    assert {words["filter"] for words in provider.asked} == {'elements HAS "Mg" AND elements HAS "O" AND nelements=2'}


def test_a_limit_asks_for_no_more(crawled):
    _, ids, provider = crawled(scope=Scope(limit=3))
    assert len(ids) == 3
    assert [words["page_limit"] for words in provider.asked if "page_offset" in words] == ["3"]


def test_a_column_is_fetched_alone_for_the_records_that_are_known(net, tmp_path):
    net.fault = provider = Provider(net.base)
    oqmd = source(net.settings(root=tmp_path, oqmd_page_limit=8))
    known = {str(k): "" for k in range(0, 20, 2)}
    found, listed = [], []
    for unit in oqmd.column("_oqmd_more", known):
        page = oqmd.fetch(unit, known)
        assert (page.route, page.total) == ("_oqmd_more", 20)
        found += page.records
        listed += page.listed
    assert {record.source_id for record in found} == set(known) and len(listed) == 20
    for record in found:
        assert record.route == "_oqmd_more"
        assert oqmd.fields(record.payload) == {"_oqmd_more": int(record.source_id) / 2}
    assert {words["response_fields"] for words in provider.asked} == {"id", "id,_oqmd_more"}


@pytest.mark.parametrize(("field", "words"), [("nsites", "which it does"), ("_oqmd_colour", "there is _oqmd_more")])
def test_a_column_that_is_kept_or_not_there_is_refused_with_what_there_is(net, tmp_path, field, words):
    net.fault = Provider(net.base)
    with pytest.raises(ValueError, match=words):
        list(source(net.settings(root=tmp_path)).column(field, {}))


def test_a_forecast_comes_from_one_count(net, tmp_path):
    net.fault = provider = Provider(net.base)
    found = source(net.settings(root=tmp_path, oqmd_page_limit=8)).forecast(Scope())
    assert (found.records, found.requests, len(provider.asked)) == (20, 4, 1)
    assert found.size > 20 * 100


def test_the_ledger_says_what_was_asked_and_what_there_is(net, tmp_path):
    net.fault = Provider(net.base, n=5)
    lake = Lake(tmp_path)
    crawl(lake, source(net.settings(root=tmp_path, oqmd_page_limit=3)))
    pages = lake.read(PAGES).sort("page")
    assert pages["page"].to_list() == ["all/00000000-00000002", "all/00000003-00000005"]
    assert pages["total"].to_list() == [5, 5] and pages["got"].to_list() == [3, 2]


# ---- the words of an answer


def test_a_link_is_a_string_an_object_or_null():
    assert next_link({"links": {"next": {"href": "x"}}}) == next_link({"links": {"next": "x"}}) == "x"
    for links in ({}, {"next": None}, {"next": {"href": None}}, {"next": ""}, {"next": 7}):
        assert next_link({"links": links}) is None
    assert next_link({}) is None and next_link({"links": None}) is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b'{"data": {}}', b'{"errors": [{"status": "400"}]}', b'{"data": [{"id": 1}]}',
        b'{"data": [{"attributes": {}}]}', b'{"data": [{"id": null, "attributes": {}}]}', b'{"data": [7]}',
    ],
)  # fmt: skip
def test_what_is_no_list_of_structures_is_no_data(body):
    with pytest.raises(NotData):
        page_of(body)


def test_what_an_answer_says_of_itself_is_kept_apart_from_what_it_does_not():
    told = Meta.of(
        {"meta": {"data_returned": 3, "request_delay": 1.5, "provider": {"prefix": "x"}, "api_version": "1.2.0"}}
    )
    assert (told.returned, told.available, told.delay, told.provider, told.api_version) == (3, None, 1.5, "x", "1.2.0")
    assert Meta.of({}) == Meta.of({"meta": {"data_returned": True, "request_delay": None, "provider": None}})


RANGES = st.tuples(st.integers(1, 9), st.one_of(st.none(), st.integers(9, 12)))


@given(
    st.sampled_from([(), ("O",), ("Mg", "O")]), RANGES, RANGES, st.integers(1, 13), st.integers(1, 13),
    st.sets(st.sampled_from(["Mg", "O", "Cl"])),
)  # fmt: skip
def test_a_filter_holds_exactly_its_part_in_both_languages(wanted, nelements, nsites, n, sites, held):
    part = Part(wanted, nelements, nsites)
    inside = _inside(part)((n, sites)) and held >= set(wanted)
    optimade = {"elements": held, "nelements": n, "nsites": sites}
    rest = {"element_set": held, "ntypes": n, "natoms": sites}
    for words, row in ((filter_of(part), optimade), (oqmd_rest.filter_of(part), rest)):
        assert all(test(row[name]) for name, test in read_filter(words)) == inside


# ---- parts and pages


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 60)), max_size=60),
    st.integers(1, 30),
)
def test_parts_are_small_and_hold_every_record_once(records, largest):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lake.sources.parts.LARGEST", largest)
        found = list(parts(Part(), lambda part: sum(map(_inside(part), records))))
    assert sum(n for _, n in found) == len(records)
    for record in records:
        assert sum(_inside(part)(record) for part, _ in found) == 1
    assert all(n <= largest or not part.pieces() for part, n in found)
    assert len({str(part) for part, _ in found}) == len(found)


def test_records_without_a_number_of_sites_keep_their_part_whole():
    def count(part: Part) -> int:
        return LARGEST + 10 if part.nsites == (1, None) and part.nelements == (1, None) else 5

    assert list(parts(Part(), count)) == [(Part(), LARGEST + 10)]


def test_a_provider_that_does_not_count_has_one_part():
    assert list(parts(Part(), lambda part: None)) == [(Part(), None)]


@given(st.integers(0, 90), st.integers(1, 12), st.lists(st.integers(1, 12), max_size=40), st.booleans())
def test_pages_cover_every_record_however_little_comes(total, size, gets, halved):
    waiting = offsets.pages("all", {"path": "x", "counted": True}, 0, total or 1, size)
    seen, keys, came = [], set(), iter([*gets, *[99] * 400])
    while waiting:
        unit = waiting.pop()
        assert unit.key not in keys
        keys.add(unit.key)
        start, end, _ = offsets.span(unit)
        if halved and end - start > 1:
            waiting += offsets.halves(unit)
            continue
        got = min(max(0, min(end, total) - start), next(came))
        seen += range(start, start + got)
        waiting += offsets.after(unit, got, total, size)
    assert sorted(seen) == list(range(total))


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 9))
def test_records_that_were_added_since_the_count_follow_the_last_page(total, more, size):
    waiting, seen = offsets.pages("all", {"counted": True}, 0, total, size), []
    while waiting:
        unit = waiting.pop(0)
        start, end, _ = offsets.span(unit)
        seen += range(start, min(end, total + more))
        waiting += offsets.after(unit, max(0, min(end, total + more) - start), total + more, size)
    assert seen == list(range(total + more))


def test_halves_of_a_part_that_nobody_counted_leave_a_unit_for_what_follows():
    unit = offsets.page("all", {"counted": False}, 4, 4, last=True)
    assert [offsets.span(piece) for piece in offsets.halves(unit)] == [(4, 6, False), (6, 8, False), (8, 12, True)]
    counted = offsets.page("all", {"counted": True}, 4, 4, last=True)
    assert [offsets.span(piece) for piece in offsets.halves(counted)] == [(4, 6, False), (6, 8, True)]


def test_a_single_record_stands_alone_and_cannot_be_halved():
    unit = offsets.page("all", {"path": "x"}, 7, 1)
    assert unit.alone and offsets.halves(unit) == ()
    assert not offsets.page("all", {"path": "x"}, 7, 2).alone


def test_an_unanswered_sign_of_life_is_asked_for_once(net, tmp_path):
    net.asked.clear()
    net.fault = Provider(net.base, bad=0)
    with pytest.raises(SourceDown):
        source(net.settings(root=tmp_path, attempts=5)).alive()
    assert len(net.asked) == 1


def test_a_units_request_is_small_enough_for_a_ledger():
    unit = offsets.page(str(Part(("Mg", "O"), (3, 3), (5, 8))), {"path": "optimade", "filter": "x"}, 100, 100)
    assert isinstance(unit, Unit) and unit.key == "elements=Mg,O nelements=3 nsites=5-8/00000100-00000199"
    assert set(unit.request) == {"path", "filter", "offset", "size", "last"}
    assert Settings().oqmd_page_limit is None


def _inside(part: Part):
    def holds(record: tuple[int, int]) -> bool:
        ends = zip(record, (part.nelements, part.nsites), strict=True)
        return all(low <= n and (high is None or n <= high) for n, (low, high) in ends)

    return holds
