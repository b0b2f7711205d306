"""AFLOW: nothing lost and nothing asked twice, however AFLUX pages, cuts, fails and changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from lake.crawl import crawl
from lake.crawl.ledger import OF_NOTHING
from lake.crystal import NUMBER, Crystal, CrystalError
from lake.sample.mirror.aflow_keywords import KEYWORDS as TOLD
from lake.sample.mirror.aflux import read_summons
from lake.sample.telling import Telling
from lake.settings import Settings
from lake.sources import source_named
from lake.sources.aflow import source as aflow
from lake.sources.aflow import units as aflow_units
from lake.sources.aflow.rows import crystal_of, level_of, rows_of
from lake.sources.aflow.summons import ELEMENTS, catalogs_of, parts_of, summons
from lake.sources.scope import Scope
from lake.store import Lake
from lake.tables import PAGES, RECORDS
from lake.wire.down import SourceDown
from tests.lake._internet import internet, source_ids, telling

SPECIES = [("Mg", "O"), ("Li", "O"), ("Li",), ("Ag", "Li", "Mg"), ("Ba", "O"), ("B", "N")]
CATALOGS = ("ICSD", "LIB2", "LIB2", "LIB3")


def entry(number: int, db_fail: str | None = None) -> Telling:
    """A crystal of AFLOW with one to three species; every catalog has several."""
    species = SPECIES[number % len(SPECIES)]
    positions = [[n / len(species)] * 3 for n in range(len(species))]
    crystal = Crystal(np.eye(3) * (4 + number / 64), positions, [NUMBER[symbol] for symbol in species])
    facts = {"catalog": CATALOGS[number % len(CATALOGS)], "db_fail": db_fail}
    return replace(telling("aflow", number), crystal=crystal, facts=facts)


ALL = [entry(number) for number in range(1, 33)]


def others_than(*numbers: int) -> list[Telling]:
    gone = {source_ids("aflow", number) for number in numbers}
    return [told for told in ALL if told.source_id not in gone]


@pytest.fixture(scope="module")
def net():
    with internet([]) as net:
        yield net


@pytest.fixture(autouse=True)
def _afresh(net, monkeypatch):
    net.fault = lambda path: None
    net.tell(ALL)
    net.asked.clear()
    monkeypatch.setattr(aflow, "PER_PAGE", 4)
    monkeypatch.setattr(aflow, "PER_SWEEP", 16)
    monkeypatch.setattr(aflow, "PER_QUESTION", 2)
    monkeypatch.setattr(aflow, "FIRST_LOOK", 3)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


def afl(net, **settings: object):
    return source_named("aflow", net.settings(**settings))


def held(lake: Lake, route: str = "") -> list[str]:
    """Ids of the records that stand."""
    rows = lake.read(RECORDS).filter(pl.col("route") == route).sort("fetched_at").unique("source_id", keep="last")
    return sorted(rows.filter(~pl.col("gone"))["source_id"])


def ids(tellings: list[Telling]) -> list[str]:
    return sorted(told.source_id for told in tellings)


def asked_rows(net) -> list[str]:
    return [path for path in net.asked if "positions_fractional" in path]


def test_a_crawl_fetches_every_row_once(lake, net):
    report = crawl(lake, afl(net))
    assert (report.state, report.records_seen, report.error) == ("published", len(ALL), None)
    assert held(lake) == ids(ALL)
    assert len(asked_rows(net)) == sum(-(-n // 4) for n in Counter(t.facts["catalog"] for t in ALL).values())
    assert not net.count("optimade")


def test_a_large_catalog_is_cut_by_species_and_still_every_row_comes_once(lake, net, monkeypatch):
    monkeypatch.setattr(aflow, "LARGEST_PART", 12)
    report = crawl(lake, afl(net))
    assert (report.state, report.records_seen) == ("published", len(ALL))
    assert held(lake) == ids(ALL)
    parts = set(lake.read(PAGES).filter(pl.col("got") > 0)["partition"])
    assert {"LIB2/Li", "LIB2/Ba", "ICSD", "LIB3"} & parts and "LIB2" not in parts


def test_where_not_is_no_complement_a_large_catalog_is_read_in_deep_pages(lake, net, monkeypatch):
    monkeypatch.setattr(aflow, "LARGEST_PART", 12)
    wrong = PlainTextResponse('{"1 of 1": {"auid": "aflow:0000000000000001"}}')
    net.fault = lambda path: wrong if "!Mg" in path else None
    report = crawl(lake, afl(net))
    assert (report.state, report.records_seen) == ("published", len(ALL))
    assert held(lake) == ids(ALL)
    assert not net.count("!Ac")


@cache
def species_of_parts(scope: Scope) -> list:
    """What each part of a catalog asks of species, as AFLUX reads it."""
    _, where = next(catalogs_of(scope))
    terms = [term for _, part in parts_of("ICSD", where) for term in read_summons(summons((), part, 1, 1)).terms]
    return [term for term in terms if term.keyword == "species"]


symbols = st.lists(st.sampled_from([*ELEMENTS, "Am"]), unique=True, min_size=1, max_size=4)
scopes = st.sampled_from([Scope(), Scope(elements=("Li",)), Scope(elements=("O", "Mg")), Scope(elements=("Zr",))])


@given(species=symbols, scope=scopes)
def test_a_row_falls_into_exactly_one_part_of_its_catalog(species, scope):
    species = sorted({*species, *scope.elements} if len(species) > 1 else species)
    falls = [term.matches(species) for term in species_of_parts(scope)]
    assert len(falls) == len(ELEMENTS) - len(scope.elements) + 1
    assert sum(falls) == scope.holds(species)


def test_no_question_is_too_long_for_a_url():
    *_, (_, last) = parts_of("LIB3", {"catalog": "LIB3"})
    ids = [f"aflow:{number:016x}" for number in range(64)]
    question = aflow_units.question("LIB3", last, ids)
    where = {**question.request["where"], "auid": ":".join(f"'{one}'" for one in question.request["auids"])}
    assert len(summons(aflow.KEYWORDS, where, 1, 64)) < 7000


def test_an_unchanged_database_is_swept_and_no_row_fetched(lake, net):
    crawl(lake, afl(net))
    net.asked.clear()
    report = crawl(lake, afl(net))
    assert (report.state, report.records_seen, report.gone) == ("published", 0, 0)
    assert asked_rows(net) == []
    sweeps = [path for path in net.asked if ",16)" in path]
    assert len(sweeps) == sum(-(-n // 16) for n in Counter(t.facts["catalog"] for t in ALL).values())


def test_what_changed_is_fetched_by_id_what_came_too_and_what_left_is_gone(lake, net):
    crawl(lake, afl(net))
    changed = replace(entry(7), values={"band_gap": 1.25})
    net.tell([*others_than(7, 12), changed, entry(33)])
    net.asked.clear()
    report = crawl(lake, afl(net))
    assert (report.state, report.added, report.changed, report.gone) == ("published", 1, 1, 1)
    assert held(lake) == ids([*others_than(12), entry(33)])
    asked = asked_rows(net)
    assert asked and all("auid('aflow:" in path for path in asked)
    assert sum(path.count("'aflow:") for path in asked) == 2
    dead = lake.read(RECORDS).filter(pl.col("gone"))
    assert dead["source_id"].to_list() == [source_ids("aflow", 12)] and set(dead["payload_sha256"]) == {OF_NOTHING}


def test_where_most_rows_changed_their_pages_are_fetched(lake, net):
    crawl(lake, afl(net))
    net.tell([replace(told, values={"band_gap": 1.25}) for told in ALL])
    net.asked.clear()
    report = crawl(lake, afl(net))
    assert report.changed == len(ALL)
    assert not any("'aflow:" in path for path in asked_rows(net)[:2])


def test_a_crawl_that_stopped_in_its_first_pages_goes_on_without_asking_twice(lake, net):
    net.fault = lambda path: PlainTextResponse("Bad Gateway", 502) if "LIB3" in path else None
    first = crawl(lake, afl(net, attempts=1))
    assert first.state == "open" and 0 < len(held(lake)) < len(ALL)
    net.fault = lambda path: None
    before = set(asked_rows(net))
    net.asked.clear()
    second = crawl(lake, afl(net))
    assert (second.state, held(lake)) == ("published", ids(ALL))
    assert not {path for path in asked_rows(net) if "LIB3" not in path} & before


def test_a_row_that_cannot_be_had_is_given_up_by_its_own_name(lake, net):
    bad = entry(10, db_fail="positions_fractional")
    net.tell([*others_than(10), bad])
    report = crawl(lake, afl(net, attempts=1))
    assert (report.state, report.rejected, report.failed) == ("published", 1, 0)
    assert held(lake) == ids(others_than(10))
    failed = lake.read(PAGES).filter(pl.col("state") == "poisoned")
    assert failed["page"].to_list() == [f"LIB2/{bad.source_id}"]
    assert "DB Fail!null" in failed["error"][0]
    net.tell(ALL)
    assert crawl(lake, afl(net)).added == 1
    assert held(lake) == ids(ALL)


def test_a_row_that_turns_bad_is_given_up_and_its_old_version_stands(lake, net):
    crawl(lake, afl(net))
    net.tell([*others_than(10), replace(entry(10, db_fail="positions_fractional"), values={"band_gap": 1.0})])
    report = crawl(lake, afl(net, attempts=1))
    assert (report.state, report.rejected, report.changed, report.gone) == ("published", 1, 0, 0)
    assert held(lake) == ids(ALL)


def test_a_sweep_that_fails_is_done_by_the_pages_of_its_rows(lake, net):
    crawl(lake, afl(net))
    net.fault = lambda path: PlainTextResponse("DB Fail!null") if ",16)" in path else None
    net.tell([*others_than(7), replace(entry(7), values={"band_gap": 1.25})])
    report = crawl(lake, afl(net, attempts=1))
    assert (report.state, report.changed, report.gone) == ("published", 1, 0)
    assert report.halved and report.rejected == 0


def test_errors_with_status_200_are_asked_for_again(lake, net):
    words = ["Lux Fail! x", "DB Fail!null", "Count Fail", "", '{"error": "no"}', "[" * 9, "<html>", '{"1 of 2": {}}']
    failed = {}

    def once_each(path):
        again = path in failed
        failed.setdefault(path, words[len(failed) % len(words)])
        return None if again else PlainTextResponse(failed[path])

    net.fault = once_each
    assert crawl(lake, afl(net)).state == "published"
    assert held(lake) == ids(ALL)
    assert set(failed.values()) == set(words)


def test_a_page_that_is_not_the_one_asked_for_is_no_page(lake, net):
    source = afl(net)
    unit = aflow_units.page("ICSD", {"where": {"catalog": "ICSD"}, "size": 4, "column": ""}, 2)
    row = {"auid": "aflow:0000000000000001"}
    net.fault = lambda path: PlainTextResponse(orjson.dumps({"3 of 9": row}).decode())
    with pytest.raises(SourceDown, match="must begin with row 5, found row 3"):
        source.fetch(unit, {})


@given(number=st.integers(1, 50), power=st.integers(0, 5))
def test_halves_are_the_same_rows_down_to_one(number, power):
    whole = aflow_units.page("ICSD", {"where": {"catalog": "ICSD"}, "size": 2**power, "column": ""}, number)
    rows, pieces = [], [whole]
    while pieces:
        piece = pieces.pop(0)
        pieces = [*aflow_units.halves(piece), *pieces]
        if piece.alone:
            rows.append(piece.request["page"])
            assert aflow_units.halves(piece) == ()
    assert rows == list(range((number - 1) * 2**power + 1, number * 2**power + 1))


@given(auids=st.lists(st.integers(0, 999).map("aflow:{:016x}".format), unique=True, min_size=1, max_size=9))
def test_a_question_about_ids_is_divided_down_to_single_ids(auids):
    found, pieces, keys = [], [aflow_units.question("ICSD", {"catalog": "ICSD"}, auids)], set()
    while pieces:
        piece = pieces.pop(0)
        assert piece.key not in keys
        keys.add(piece.key)
        pieces = [*aflow_units.halves(piece), *pieces]
        found += piece.request["auids"] if piece.alone else []
    assert found == auids


def test_the_pages_of_a_sweep_hold_its_rows():
    of = {"where": {"catalog": "ICSD"}, "size": 512, "sweep": 4096, "column": ""}
    pieces = [piece for number in (1, 2, 3) for piece in aflow_units.halves(aflow_units.sweep("ICSD", of, number))]
    assert [piece.request["page"] for piece in pieces] == list(range(1, 25))
    assert all(one.key < other.key for one, other in pairwise(pieces))


class Streamed(Mapping[str, str]):
    """What a lake knows, as a crawl may use it: asked by id, never walked through."""

    def __init__(self, dates: dict[str, str]) -> None:
        self._dates = dates

    def __getitem__(self, auid: str) -> str:
        return self._dates[auid]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("what a lake knows does not fit into memory")

    __len__ = __iter__  # type: ignore[assignment]


def test_what_the_lake_knows_is_asked_by_id_and_never_held_in_memory(net):
    source, known, fetched = afl(net), {}, []
    for _ in range(2):
        waiting = list(source.plan(Scope()))
        while waiting:
            page = source.fetch(waiting.pop(), Streamed(known))
            fetched += page.records
            waiting += page.following
        known |= {record.source_id: record.stamp for record in fetched}
    assert sorted(record.source_id for record in fetched) == ids(ALL)


SCOPES = [Scope(elements=("Li", "O")), Scope(elements=("Li",)), Scope(chemsys=("Li",)), Scope(chemsys=("Mg", "O")),
          Scope(elements=("Xe",))]  # fmt: skip


@pytest.mark.parametrize("scope", SCOPES, ids=str)
@pytest.mark.parametrize("largest", [2, 100])
def test_a_scope_is_asked_of_the_server(scope, largest, lake, net, monkeypatch):
    monkeypatch.setattr(aflow, "LARGEST_PART", largest)
    wanted = [told for told in ALL if scope.holds(told.crystal.counts)]
    report = crawl(lake, afl(net), scope)
    assert (report.state, report.records_seen) == ("published", len(wanted))
    assert not wanted or held(lake) == ids(wanted)


def test_a_limit_asks_small_pages(lake, net, monkeypatch):
    monkeypatch.setattr(aflow, "PER_PAGE", 512)
    assert crawl(lake, afl(net), Scope(limit=3)).records_seen == 3
    assert [path[-4:] for path in asked_rows(net)] == ["1,4)"]


def test_a_forecast_says_what_a_crawl_will_ask(lake, net):
    source = afl(net)
    told = source.forecast(Scope())
    assert told.records == len(ALL) and told.size > 0 and "sweeps" in told.note
    net.asked.clear()
    report = crawl(lake, source)
    assert report.units == told.requests
    assert source.forecast(Scope(elements=("Ba",))).records < source.forecast(Scope(limit=20)).records == 20


@pytest.mark.parametrize("few", [0, 100])
def test_a_column_brings_one_keyword_of_the_known_rows_that_have_it(few, lake, net, monkeypatch):
    monkeypatch.setattr(aflow, "FEW", few)
    known = ALL[:-5]
    net.tell(known)
    crawl(lake, afl(net))
    told = [replace(one, facts={**one.facts, "Pulay_stress": n / 8 if n % 3 else None}) for n, one in enumerate(ALL)]
    net.tell(told)
    net.asked.clear()
    report = crawl(lake, afl(net), Scope(column="Pulay_stress"))
    assert report.state == "published" and not asked_rows(net)
    assert held(lake, "Pulay_stress") == ids([one for n, one in enumerate(known) if n % 3])
    assert held(lake) == ids(known)
    rows = lake.read(RECORDS).filter(pl.col("route") == "Pulay_stress")
    values = {row["source_id"]: afl(net).fields(row["payload"])["Pulay_stress"] for row in rows.iter_rows(named=True)}
    assert values == {one.source_id: n / 8 for n, one in enumerate(known) if n % 3}


@pytest.mark.parametrize("field, words", [("Egap", "do not keep"), ("phonons", "found 'phonons'; there are .*forces")])
def test_a_column_that_is_kept_or_that_aflux_lacks_is_refused(field, words, net):
    with pytest.raises(ValueError, match=words):
        next(afl(net).column(field, {}))


def test_aflow_is_alive_or_says_why_not(net):
    source = afl(net, attempts=5)
    assert source.alive() is None
    net.fault = lambda path: PlainTextResponse("DB Fail!null")
    net.asked.clear()
    with pytest.raises(SourceDown, match="DB Fail"):
        source.alive()
    assert len(net.asked) == 1


@pytest.mark.parametrize("told, answers", [(None, False), ('{"data": [{"id": "x"}]}', True), ('{"data": []}', False)])
def test_the_probe_of_optimade_tells_an_answer_from_none(told, answers, net):
    net.fault = lambda path: told and PlainTextResponse(told)
    assert afl(net).optimade_answers() is answers


def test_every_keyword_is_one_that_the_mirror_tells():
    assert not set(aflow.KEYWORDS) - set(TOLD)
    assert len(set(aflow.KEYWORDS)) == len(aflow.KEYWORDS)
    heavy = {"forces", "stress_tensor", "bader_net_charges", "files", "spinD", "positions_cartesian"}
    assert not heavy & set(aflow.KEYWORDS)


def test_fields_are_numbers_where_they_are_and_nothing_where_nothing_is_said():
    row = {"auid": "aflow:1", "Egap": "4.5", "spin_cell": "", "agl_debye": None, "prototype": "181", "files": [],
           "kpoints": "7,7,7;9,9,9", "code": "vasp.4.6.35", "agl_gruneisen": 2, "Egap_fit": "1e999"}  # fmt: skip
    fields = source_named("aflow", Settings()).fields(orjson.dumps(row).decode())
    assert fields == {"auid": "aflow:1", "Egap": 4.5, "prototype": "181", "kpoints": "7,7,7;9,9,9",
                      "code": "vasp.4.6.35", "agl_gruneisen": 2, "Egap_fit": "1e999"}  # fmt: skip


@pytest.mark.parametrize(
    "row, level",
    [
        ({"dft_type": "PAW_PBE"}, "PBE"),
        ({"dft_type": ["PAW_LDA"]}, "LDA"),
        ({"dft_type": "PAW_PBE_KIN:SCAN"}, "SCAN"),
        ({"dft_type": "PAW_PBE", "ldau_TLUJ": "2;1,3;0,7;0,0.7"}, "PBE+U"),
        ({"dft_type": "PAW_PBE", "ldau_TLUJ": ""}, "PBE"),
        ({"dft_type": "", "species_pp_version": "N:PAW_LDA:22Mar2012"}, "LDA"),
        ({"species_pp_version": ["N:PAW_RPBE:22Mar2012"]}, "RPBE"),
        ({"aurl": "aflowlib.duke.edu:AFLOWDATA/LIB1_WEB/H_h:PAW_LDA:04May1998/A2"}, "LDA"),
        ({}, "PBE"),
    ],
)
def test_the_level_of_theory_is_told_by_the_row(row, level):
    assert level_of(row) == level


GOOD = {"geometry": "4,4,4,90,90,90", "species": "Mg,O", "composition": "1,1", "positions_fractional": "0,0,0;.5,.5,.5"}


@pytest.mark.parametrize(
    "change, words",
    [
        ({"composition": "0.5,1.5"}, "whole atoms"),
        ({"composition": "nan,1"}, "whole atoms"),
        ({"composition": "1,2"}, "must count the positions"),
        ({"composition": "2"}, "must count the positions"),
        ({"composition": "-1,3"}, "whole atoms"),
        ({"geometry": "4,4,4,90,90"}, "geometry has 6 numbers"),
        ({"geometry": "4,4,4,90,90,wide"}, "must hold numbers"),
        ({"positions_fractional": [[]]}, "must count the positions"),
        ({"species": "Mg,X"}, "must be elements"),
        ({"species": ""}, "lacks"),
    ],
    ids=str,
)
def test_a_row_that_contradicts_itself_is_no_crystal_and_says_why(change, words):
    assert crystal_of(GOOD).checked().counts == {"O": 1, "Mg": 1}
    with pytest.raises(ValueError, match=words) as refused:
        crystal_of({**GOOD, **change})
    assert isinstance(refused.value, CrystalError) or "lacks" in words


numbers = st.lists(st.floats(-9, 9).map(lambda x: round(x, 6) + 0.0), min_size=3, max_size=3)


@given(positions=st.lists(numbers, min_size=1, max_size=5))
def test_a_row_is_the_same_crystal_in_either_paging_shape(positions):
    listed = {"geometry": [4, 5.5, 6, 90, 100, 120], "species": ["Mg"], "composition": [len(positions)]}
    worded = {"geometry": "4,5.5,6,90,100,120", "species": "Mg", "composition": str(len(positions))}
    text = ";".join(",".join(repr(x) for x in site) for site in positions)
    one = crystal_of({**listed, "positions_fractional": positions})
    other = crystal_of({**worded, "positions_fractional": text})
    assert one.structure_hash == other.structure_hash


def test_an_answer_says_its_place_only_where_paging_was_heard():
    assert rows_of(b'{"513 of 912": {"auid": "aflow:1"}}') == (912, [{"auid": "aflow:1"}], 513)
    assert rows_of(b'\xef\xbb\xbf[{"auid": "aflow:1"}]') == (None, [{"auid": "aflow:1"}], None)
    assert rows_of(b"{}") == rows_of(b"[]") == (None, [], None)
