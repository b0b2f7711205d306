"""COD and PCOD over the network: lists by prefix, only what is new is fetched, and what must not be used says why."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse

from lake.crawl import crawl
from lake.entries import write_entries
from lake.sample.mirror.cod_rows import row_of
from lake.sample.mirror.told import Told
from lake.sample.mirror.written_cif import written_cif
from lake.sample.telling import Telling
from lake.settings import Settings
from lake.sources import source_named
from lake.sources.crystallography_open import engine as crystallography_open
from lake.sources.crystallography_open import units
from lake.sources.crystallography_open.rows import count_of, row_off_cif, rows_of
from lake.sources.page import Unit
from lake.sources.scope import Scope
from lake.store import Lake
from lake.tables import LISTINGS, PAGES, RECORDS, REJECTS
from lake.wire.answers import NotData
from lake.wire.down import SourceDown
from tests.lake._internet import internet, telling, tellings

both = pytest.mark.parametrize("name", ["cod", "pcod"])


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="module")
def served():
    with internet([]) as net:
        yield net


@pytest.fixture(autouse=True)
def _few_prefixes(monkeypatch):
    """The others are empty here, and counting them takes half a second; one test does."""
    monkeypatch.setattr(crystallography_open, "PREFIXES", ("10", "11", "80"))


@pytest.fixture
def net(served):
    served.fault = lambda path: None
    served.tell(tellings("cod", "pcod"))
    served.asked.clear()
    return served


def standing(lake: Lake) -> dict[str, str]:
    """source_id -> payload of the latest version of what stands."""
    rows = lake.scan(RECORDS).sort("crawl", "fetched_at").unique("source_id", keep="last").collect()
    return dict(rows.filter(~pl.col("gone")).sort("source_id").select("source_id", "payload").iter_rows())


def reasons(lake: Lake) -> dict[str, str]:
    """entry_id -> why it cannot be used."""
    return dict(lake.scan(REJECTS).select("entry_id", "reason").collect().iter_rows())


def told_as(number: int, **facts: object) -> Telling:
    return replace(telling("cod", number), facts=facts)


@both
def test_everything_is_listed_and_fetched_once(name, lake, net, monkeypatch):
    monkeypatch.undo()  # every prefix
    assert len(crystallography_open.PREFIXES) == 90
    report = crawl(lake, source_named(name, net.settings()))
    assert (report.state, report.added, report.missing, report.error) == ("published", 9, 0, None)
    assert net.count(".cif") == 9
    listed = lake.scan(LISTINGS).collect()["source_ids"].explode().unique()
    assert sorted(listed) == sorted(t.source_id for t in tellings(name)) == sorted(standing(lake))


@both
def test_an_unchanged_database_is_asked_for_lists_alone(name, lake, net):
    source = source_named(name, net.settings())
    crawl(lake, source)
    net.asked.clear()
    report = crawl(lake, source)
    assert (report.state, report.added, report.changed, report.gone) == ("published", 0, 0, 0)
    assert net.count(".cif") == 0 and net.count("format=json") == 1


def test_only_what_has_a_new_revision_is_fetched_and_what_left_the_list_is_gone(lake, net):
    source = source_named("cod", net.settings())
    net.tell(tellings("cod", each=40))
    crawl(lake, source)
    changed = telling("cod", 3)
    changed = replace(changed, crystal=replace(changed.crystal, lattice=changed.crystal.lattice * 1.01))
    net.tell([t for t in tellings("cod", each=40) if t.source_id not in ("1000003", "1000004")] + [changed])
    net.asked.clear()
    report = crawl(lake, source)
    assert (report.state, report.added, report.changed, report.gone) == ("published", 0, 1, 1)
    assert [path for path in net.asked if ".cif" in path] == ["/cod/1000003.cif?"]
    assert len(standing(lake)) == 39 and "1000004" not in standing(lake)


def test_what_follows_a_list_is_carried_as_ids_alone(lake, net):
    net.tell(tellings("cod", each=120))
    assert crawl(lake, source_named("cod", net.settings())).added == 120
    following = lake.scan(PAGES).filter(pl.col("following").is_not_null()).collect()["following"]
    assert len(following) == 1 and len(following[0]) < 120 * 9 + 400


def test_a_long_list_is_cut_by_one_digit_more(lake, net, monkeypatch):
    monkeypatch.setattr(crystallography_open, "LIST_MOST", 10)
    net.tell([replace(telling("cod", n), source_id=f"10{n % 4}{n:04d}") for n in range(1, 31)])
    assert crawl(lake, source_named("cod", net.settings())).added == 30
    lists = [path for path in net.asked if "format=json" in path and "%" in path]
    assert len(lists) == 4 and all(path.endswith(("0%", "1%", "2%", "3%")) for path in lists)


def test_a_list_that_is_shorter_than_its_count_is_read_again(lake, net):
    kept = [0]

    def short(path):
        if "format=json" in path and "10%" in path and not kept[0]:
            kept[0] = 1
            return JSONResponse([{"file": "1000001", "svnrevision": "1"}])
        return None

    net.fault = short
    report = crawl(lake, source_named("cod", net.settings()))
    assert (report.state, len(standing(lake))) == ("published", 9)
    assert net.count("format=count&id=10%") == 2


def test_an_entry_that_never_comes_is_rejected_alone(lake, net):
    net.tell(tellings("cod", each=30))
    net.fault = lambda path: PlainTextResponse("Bad Gateway", 502) if "1000007.cif" in path else None
    report = crawl(lake, source_named("cod", net.settings()))
    assert (report.state, report.added, report.rejected) == ("published", 29, 1)
    assert list(reasons(lake)) == ["cod:1000007"] and "HTTP 502" in reasons(lake)["cod:1000007"]
    net.fault = lambda path: None
    report = crawl(lake, source_named("cod", net.settings()))
    assert (report.added, report.gone, reasons(lake)) == (1, 0, {})


def test_a_list_that_fails_is_replaced_by_ten_shorter_ones(lake, net):
    net.fault = lambda path: HTMLResponse("<h1>too many</h1>") if "json&id=10%" in path else None
    report = crawl(lake, source_named("cod", net.settings(attempts=1)))
    assert (report.state, report.added, report.halved) == ("published", 9, 1)
    assert [net.count(f"format=count&id=10{digit}%") for digit in range(10)] == [1] * 10


def test_a_list_that_always_fails_is_replaced_by_its_entries(lake, net, monkeypatch):
    monkeypatch.setattr(units, "FIVE", 4)  # ten pieces, not a hundred
    broken = ("json&id=10%", "json&id=100%")
    net.fault = lambda path: HTMLResponse("<h1>too many</h1>") if any(words in path for words in broken) else None
    report = crawl(lake, source_named("cod", net.settings(attempts=1)))
    assert (report.state, report.added, report.halved) == ("published", 9, 2)


def test_a_cif_that_is_listed_and_not_there_is_missing(lake, net):
    net.fault = lambda path: PlainTextResponse("no", 404) if "1000002.cif" in path else None
    report = crawl(lake, source_named("cod", net.settings()))
    assert (report.state, report.added, report.missing) == ("published", 8, 1)
    assert "404" in reasons(lake)["cod:1000002"]


def test_an_entry_that_is_listed_and_has_no_row_is_missing_until_it_has_one(lake, net):
    net.fault = lambda path: JSONResponse([]) if "json&id=1000001," in path else None
    report = crawl(lake, source_named("cod", net.settings()))
    assert (report.state, report.added, report.missing) == ("published", 0, 9)
    assert all("tells no row of it" in reason for reason in reasons(lake).values())
    net.fault = lambda path: None
    report = crawl(lake, source_named("cod", net.settings()))
    assert (report.added, report.missing, reasons(lake)) == (9, 0, {})


def test_a_cif_beyond_the_limit_is_missing_with_its_reason(lake, net):
    report = crawl(lake, source_named("cod", net.settings(largest_cif=100)))
    assert (report.added, report.missing) == (0, 9)
    assert all("must stay below 100 bytes" in reason for reason in reasons(lake).values())


@pytest.mark.parametrize("unit", [units.listing("10", {}), units.entries(["1000001", "1000002"], "10")])
def test_a_list_of_other_ids_than_asked_for_is_refused(unit, net):
    net.fault = lambda path: JSONResponse([{"file": "2000001", "svnrevision": "1"}]) if "json" in path else None
    with pytest.raises(SourceDown, match="must hold the ids that were asked for, found 2000001"):
        source_named("cod", net.settings()).fetch(unit, {})


def test_what_must_not_be_used_says_why_and_its_record_stays(lake, net):
    net.tell([
        told_as(1),
        told_as(2, status="retracted"), told_as(3, status="errors"), told_as(4, status="warnings"),
        told_as(5, duplicateof="1000001"), told_as(6, onhold="2999-01-01"), told_as(7, onhold="2001-01-01"),
        told_as(8, method="theoretical"), told_as(9, method="powder diffraction"),
    ])  # fmt: skip
    source = source_named("cod", net.settings())
    assert crawl(lake, source).added == 9
    assert write_entries(lake, source) == {"entries": 4, "rejects": 5}
    found = reasons(lake)
    assert "'retracted'" in found["cod:1000002"] and "'errors'" in found["cod:1000003"]
    assert "duplicate of 1000001" in found["cod:1000005"]
    assert "2999-01-01" in found["cod:1000006"] and "theoretical" in found["cod:1000008"]


@pytest.mark.parametrize(
    "scope, words",
    [
        (Scope(elements=("O", "Mg")), ["el1=Mg", "el2=O"]),
        (Scope(chemsys=("O", "Mg")), ["el1=Mg", "el2=O", "strictmin=2", "strictmax=2"]),
    ],
    ids=str,
)
def test_a_part_is_asked_of_the_server(scope, words, lake, net):
    other = replace(telling("cod", 10), crystal=replace(telling("cod", 10).crystal, numbers=[11, 17]))
    net.tell([*tellings("cod"), other])
    report = crawl(lake, source_named("cod", net.settings()), scope)
    assert (report.state, report.added) == ("published", 9)
    searches = [path for path in net.asked if "%" in path]
    assert searches and all(word in path for word in words for path in searches)


def test_a_search_of_nine_elements_is_refused(lake, net):
    nine = Scope(elements=("H", "He", "Li", "Be", "B", "C", "N", "O", "F"))
    with pytest.raises(ValueError, match="takes 8 elements, found 9"):
        crawl(lake, source_named("cod", net.settings()), nine)


def test_a_limit_takes_no_more_than_it_says(lake, net):
    assert crawl(lake, source_named("cod", net.settings()), Scope(limit=4)).state == "published"
    assert len(standing(lake)) == 4


@both
def test_a_forecast_counts_and_says_what_to_know_first(name, net):
    forecast = source_named(name, net.settings()).forecast(Scope())
    assert forecast.records == 9 and forecast.requests > 9 and forecast.size > 0
    assert ("109 GB" if name == "cod" else "six days") in forecast.note
    assert net.count("format=count") == len(net.asked) == 9
    assert source_named(name, net.settings()).forecast(Scope(limit=2)).records == 2


def test_a_forecast_with_a_tree_needs_no_request_for_a_cif(net, tmp_path):
    forecast = source_named("cod", net.settings(cod_rsync="rsync://127.0.0.1/cif/", root=tmp_path)).forecast(Scope())
    assert (forecast.records, forecast.requests) == (9, 1)
    assert forecast.size > 9 * 200_000 and "rsync copies the tree first" in forecast.note


@both
def test_a_column_is_refused_since_records_are_whole(name):
    with pytest.raises(ValueError, match="tells whole records"):
        source_named(name, Settings()).column("density", {})


def test_a_sign_of_life_is_one_small_question_without_patience(net):
    source_named("cod", net.settings()).alive()
    assert net.asked == ["/cod/result?format=count&id=1000000"]
    net.fault = lambda path: PlainTextResponse("Service Unavailable", 503)
    with pytest.raises(SourceDown, match="HTTP 503"):
        source_named("cod", net.settings()).alive()
    assert len(net.asked) == 2


@pytest.mark.parametrize("body", [b"", b"<html>", b"nine", b"-1", b'{"count": 9}'])
def test_a_count_is_a_bare_number(body):
    assert count_of(b" 9\n") == 9
    with pytest.raises(NotData):
        count_of(body)


@pytest.mark.parametrize("entry", ["../../etc", "100000", "1000001/", "10000011", "", None, "１000001"])
def test_an_id_is_seven_digits_and_nothing_else(entry):
    with pytest.raises(NotData):
        rows_of(JSONResponse([{"file": entry}]).body)


def test_a_row_read_off_a_cif_says_what_a_list_says():
    told = [
        told_as(1), told_as(2, status="retracted"), told_as(3, duplicateof="1000001"), told_as(4, onhold="2999-01-01"),
        told_as(5, method="theoretical"), told_as(6, status="warnings"),
    ]  # fmt: skip
    for one in map(Told, told):
        text = written_cif(one, "cod", one.id, 12345)
        listed, off = row_of(one, text), row_off_cif(one.id, text)
        assert {name: off[name] for name in off if name != "row"} == {
            name: listed[name] for name in off if name != "row"
        }


@pytest.mark.parametrize(
    "words, status",
    [
        ("_cod_error_flag errors", "errors"),
        ("_[local]_cod_error_flag retracted", "retracted"),
        ("_cod_error_flag none", None),
        ("loop_\n_cod_entry_issue.severity\nnote\nretraction\nwarning", "retracted"),
        ("_cod_error_flag warnings\n_cod_entry_issue_severity error", "errors"),
        ("loop_\n_broken", None),
    ],
)
def test_the_gravest_word_about_an_entry_counts(words, status):
    assert row_off_cif("1000001", f"data_1000001\n{words}\n")["status"] == status


digits = st.text("0123456789", min_size=1, max_size=3)


@given(st.one_of(
    digits.map(lambda tail: units.files(f"1000{tail}", {})),
    st.lists(st.integers(1000000, 1000999).map(str), min_size=1, max_size=60, unique=True).map(
        lambda ids: units.entries(ids, "10")
    ),
))  # fmt: skip
def test_halves_hold_every_entry_once_and_end_in_one_that_stands_alone(unit):
    assert sorted(ids_of(unit)) == sorted(entry for one in alone(unit) for entry in ids_of(one))
    assert all(one.alone and one.key.endswith(f"#{ids_of(one)[0]}") for one in alone(unit))


def alone(unit: Unit) -> list[Unit]:
    pieces = units.halves(unit)
    return [one for piece in pieces for one in alone(piece)] if pieces else [unit]


def ids_of(unit: Unit) -> list[str]:
    asked = unit.request.get("ids") or unit.request["files"]
    if "," in asked:
        return asked.split(",")
    prefix = asked.removesuffix("%")
    return [f"{prefix}{n:0{7 - len(prefix)}}" for n in range(10 ** (7 - len(prefix)))] if len(prefix) < 7 else [prefix]


def test_a_list_is_halved_into_entries_of_five_digits_within_its_part():
    unit = units.listing("123", units.part_of(Scope(elements=("Mg",))))
    pieces = units.halves(unit)
    assert [piece.request["ids"] for piece in pieces] == [f"123{n:02d}%" for n in range(100)]
    assert {units.scope_of(piece) for piece in pieces} == {Scope(elements=("Mg",))}
    assert {piece.partition for piece in pieces} == {"123"}
