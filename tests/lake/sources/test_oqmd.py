"""OQMD by its three ways: they tell the same crystals, each with the digits it has, and none pretends to be another."""

from __future__ import annotations

import gzip
import json
import os
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import orjson
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from lake.crawl import crawl
from lake.crystal import Crystal, CrystalError
from lake.entries import crystal_of, write_entries
from lake.sample.mirror.oqmd_dump import dumped
from lake.sample.mirror.told import Told
from lake.sample.telling import Telling
from lake.settings import Settings
from lake.sources.optimade.provider import next_link, page_of
from lake.sources.oqmd import dump as oqmd_dump
from lake.sources.oqmd import rest as oqmd_rest
from lake.sources.oqmd import staging as oqmd_staging
from lake.sources.oqmd.source import source
from lake.sources.page import Entry, Source, Unusable
from lake.sources.scope import Scope
from lake.store import Lake
from lake.tables import RECORDS
from lake.wire.answers import NotData
from lake.wire.down import SourceDown
from tests.lake._internet import internet
from tests.lake._owed import entries, ledger, versions

SHAPES = Path(__file__).parents[2] / "recorded"
WIRE = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire"
real = pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded answers of the real services are not at {WIRE}")
WAYS = ("optimade", "rest", "dump")
DIGITS = {"optimade": 1e-6, "rest": 1e-3, "dump": 0.0}
every_way = pytest.mark.parametrize("way", WAYS)


def tellings() -> list[Telling]:
    """Ten crystals: low symmetry, one to three elements, one to seven sites, some with +U, one out of ICSD."""
    rng, found = np.random.default_rng(3), []
    for k in range(1, 11):
        n = k % 7 + 1
        lattice = 4 * np.eye(3) * np.cbrt(n) + rng.normal(0, 0.1, (3, 3))
        grid = np.array([[x, y, z] for x in (0, 0.5) for y in (0, 0.5) for z in (0, 0.5)])[:n]
        crystal = Crystal(
            lattice, grid + rng.uniform(0.01, 0.04, (n, 3)), [[8, 26, 12][j % (k % 3 + 1)] for j in range(n)]
        )
        values = {"band_gap": k / 7, "formation_energy_per_atom": -k / 9, "energy_above_hull": k / 110 - 0.05}
        facts = {"icsd_id": 31865} if k == 4 else {"duplicate_entry_id": 77} if k == 5 else {}
        facts |= {"prototype": 'it\'s a "test"'} if k == 6 else {}
        found.append(
            Telling("oqmd", str(4_000_000 + 3 * k), crystal, values, "PBE+U" if k % 4 == 0 else "PBE", facts=facts)
        )
    return found


def dump_of(told: list[Telling]) -> bytes:
    """OQMD's tables as mysqldump writes them."""
    return b"".join(dumped(map(Told, told), rows_a_statement=4))


@cache
def a_dump() -> bytes:
    """Of all the tellings."""
    return dump_of(tellings())


@pytest.fixture(scope="module")
def net():
    with internet(tellings()) as net:
        yield net


@pytest.fixture(autouse=True)
def _everything_works_again(net):
    net.fault = lambda path: None
    net.tell(tellings())
    net.asked.clear()


@pytest.fixture
def by(net, tmp_path):
    """OQMD by one of the ways, in a root of the test's own."""

    def configured(way: str, told: list[Telling] | None = None, **more):
        file = tmp_path / "oqmd.sql.gz"
        file.write_bytes(gzip.compress(a_dump() if told is None else dump_of(told)))
        more = {"oqmd_page_limit": 3, "attempts": 1, "root": tmp_path / "lake", "oqmd_dump": file, **more}
        return source(net.settings(oqmd_path=way, **more))

    return configured


@every_way
def test_each_way_tells_every_crystal_with_the_digits_it_has(way, by, tmp_path):
    oqmd, lake = by(way), Lake(tmp_path / "lake")
    report = crawl(lake, oqmd)
    assert (report.state, report.records_new, report.missing, report.error) == ("published", 10, 0, None)
    assert write_entries(lake, oqmd) == {"entries": 10, "rejects": 0}
    found = entries(lake, "oqmd")
    for telling in tellings():
        row = found[telling.source_id]
        crystal = crystal_of(row)
        assert np.abs(crystal.lattice - telling.crystal.lattice).max() <= (1e-6 if way != "dump" else 0)
        assert np.abs(crystal.positions - telling.crystal.positions).max() <= DIGITS[way]
        assert crystal.numbers.tolist() == telling.crystal.numbers.tolist()
        assert row["level_of_theory"] == (telling.level_of_theory if way == "dump" else "PBE")


@every_way
def test_each_way_tells_the_same_values_under_the_same_names(way, by, tmp_path):
    oqmd, lake = by(way), Lake(tmp_path / "lake")
    crawl(lake, oqmd)
    payloads = dict(versions(lake, "oqmd"))
    for telling in tellings():
        fields, values = oqmd.fields(payloads[telling.source_id]), telling.values
        assert fields["_oqmd_band_gap"] == values["band_gap"]
        assert fields["_oqmd_delta_e"] == pytest.approx(values["formation_energy_per_atom"], abs=1e-4)
        assert fields["_oqmd_stability"] == pytest.approx(values["energy_above_hull"], abs=1e-3)  # never clamped
        assert fields["_oqmd_icsd_id"] == telling.facts.get("icsd_id")
        assert fields["_oqmd_prototype"] == telling.facts.get("prototype")
        assert (fields["nsites"], fields["nelements"]) == (len(telling.crystal), len(telling.crystal.counts))
        if way != "optimade":
            assert fields["_oqmd_delta_e"] == values["formation_energy_per_atom"]
        assert fields.get("position_digits") == (3 if way == "rest" else None)


def test_no_way_pretends_to_be_another(by, tmp_path):
    kinds = set()
    for way in WAYS:
        lake = Lake(tmp_path / way)
        crawl(lake, by(way))
        kinds.add(tuple(lake.read(RECORDS)["media_type"].unique()))
    assert kinds == {("application/json",), (oqmd_rest.MEDIA_TYPE,), (oqmd_dump.MEDIA_TYPE,)}


def test_records_of_all_three_ways_are_read_from_one_lake(by, tmp_path):
    lake = Lake(tmp_path / "lake")
    for way in WAYS:
        oqmd = by(way)
        assert crawl(lake, oqmd).error is None
        assert write_entries(lake, by("optimade")) == {"entries": 10, "rejects": 0}  # whatever is configured now
    assert len(versions(lake, "oqmd")) == 30


@every_way
@pytest.mark.parametrize(
    "scope", [Scope(elements=("Fe",)), Scope(chemsys=("O", "Fe")), Scope(elements=("Mg", "O")), Scope(limit=4)], ids=str
)
def test_a_scope_holds_exactly_what_it_says(way, by, tmp_path, scope):
    lake = Lake(tmp_path / "lake")
    report = crawl(lake, by(way), scope)
    wanted = {telling.source_id for telling in tellings() if scope.holds(telling.crystal.counts)}
    found = {source_id for source_id, _ in versions(lake, "oqmd")}
    assert report.error is None
    assert found == wanted if scope.limit is None else (len(found) == scope.limit and found < wanted)


@every_way
def test_parts_that_are_too_large_are_divided_and_nothing_is_lost(way, by, tmp_path, monkeypatch):
    monkeypatch.setattr("lake.sources.parts.LARGEST", 2)
    monkeypatch.setattr(oqmd_dump, "PER_UNIT", 2)
    lake, oqmd = Lake(tmp_path / "lake"), by(way)
    assert len(list(oqmd.plan(Scope()))) >= 5
    assert crawl(lake, oqmd).state == "published"
    assert len(versions(lake, "oqmd")) == 10


@every_way
def test_a_plan_is_the_same_each_time(way, by):
    assert list(by(way).plan(Scope())) == list(by(way).plan(Scope()))


@every_way
def test_halves_hold_what_the_whole_held(way, by):
    oqmd = by(way, oqmd_page_limit=8)
    for unit in oqmd.plan(Scope()):
        whole, pieces = oqmd.fetch(unit, {}), [unit]
        while any(oqmd.halves(piece) for piece in pieces):
            pieces = [half for piece in pieces for half in oqmd.halves(piece) or (piece,)]
        single = [record.source_id for piece in pieces for record in oqmd.fetch(piece, {}).records]
        assert sorted(single) == sorted(record.source_id for record in whole.records)
        assert all(piece.alone for piece in pieces)


@every_way
def test_a_forecast_is_near_what_comes(way, by):
    found = by(way).forecast(Scope())
    assert found.note and found.size == pytest.approx(found.records * 500)
    assert found.records == 10 or way == "dump"


@every_way
def test_a_dead_source_gives_no_sign_of_life(way, by, net, tmp_path):
    by(way).alive()
    net.fault = lambda path: PlainTextResponse("Service Unavailable", 503)
    with pytest.raises(SourceDown, match="503" if way != "dump" else "found nothing at"):
        by(way, oqmd_dump=tmp_path / "gone.sql").alive()


@pytest.mark.parametrize("way", ["rest", "dump"])
def test_only_optimade_tells_one_field_alone(way, by):
    with pytest.raises(ValueError, match="column crawl of _oqmd_colour"):
        list(by(way).column("_oqmd_colour", {}))


def test_an_open_crawl_goes_on_by_the_way_it_was_planned_for(by):
    page = by("optimade").fetch(next(by("rest").plan(Scope())), {})
    assert {record.media_type for record in page.records} == {oqmd_rest.MEDIA_TYPE}


# ---- what a lake reads in batches


def payloads_of_each_kind() -> list[str]:
    """Good ones of the three ways, and bad ones of every sort."""
    page = json.loads((SHAPES / "oqmd/structures.json").read_text())["data"]
    rest = json.loads((SHAPES / "oqmd/shape_formationenergy.json").read_text())["data"][0]
    attributes = page[0]["attributes"]
    dump = {**attributes, "_oqmd_hubbards": {"Fe": 4.0}}
    sites = [["Mg @ 0 0 0"], ["Mg @ 0.5 x 0"], ["Mg 0 0 0"], [], None, [7], ["Mg @ 0 0"]]
    cell = {"unit_cell": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}
    rows = [
        *page, rest, {"id": 1, "attributes": dump}, {"id": 1, "attributes": {**dump, "_oqmd_hubbards": {}}},
        {"id": 2, "attributes": {**attributes, "_oqmd_occupancies": [0.5, 1]}}, {"id": 3, "attributes": {}}, {"id": 3},
        {"id": 2, "attributes": {**attributes, "_oqmd_ldau": True}}, [], 7, None,
        *({**rest, **cell, "sites": told} for told in sites),
    ]  # fmt: skip
    return [orjson.dumps(row).decode() for row in rows] + ["", "{", '{"a": 1e999}']


PAYLOADS = payloads_of_each_kind()


OQMD = source(Settings())


def one_by_one(payload: str) -> tuple:
    try:
        entry = OQMD.read(payload)
    except Exception as fault:
        return type(fault), str(fault)
    return entry.crystal.structure_hash, entry.level_of_theory, entry.licence, entry.kind


@given(st.lists(st.sampled_from(PAYLOADS), max_size=12))
def test_a_batch_gives_for_each_record_what_the_record_gives_alone(payloads):
    found = OQMD.read_many(payloads)
    assert len(found) == len(payloads)
    for payload, told in zip(payloads, found, strict=True):
        if isinstance(told, Exception):
            assert (type(told), str(told)) == one_by_one(payload)
        else:
            assert (told.crystal.structure_hash, told.level_of_theory, told.licence, told.kind) == one_by_one(payload)


@dataclass
class OneByOne:
    """A source that reads no batches."""

    source: Source
    name: str = "oqmd"

    def read(self, payload: str) -> Entry:
        return self.source.read(payload)


def test_a_lake_read_in_batches_equals_one_read_record_by_record(by, tmp_path):
    lake, oqmd = Lake(tmp_path / "lake"), by("optimade")
    crawl(lake, oqmd)
    write_entries(lake, oqmd)
    batch = entries(lake, "oqmd")
    write_entries(lake, OneByOne(oqmd))
    assert entries(lake, "oqmd") == batch


def test_a_batch_that_crashes_is_read_record_by_record(by, tmp_path, monkeypatch):
    lake, oqmd = Lake(tmp_path / "lake"), by("optimade")
    crawl(lake, oqmd)
    read = type(oqmd).read_many

    def crashes(self, payloads):
        if len(payloads) > 1:
            raise MemoryError("too many")
        return read(self, payloads)

    monkeypatch.setattr(type(oqmd), "read_many", crashes)
    assert write_entries(lake, oqmd) == {"entries": 10, "rejects": 0}


# ---- REST


def test_rest_tells_how_many_match_and_every_row_or_is_no_data():
    good = (SHAPES / "oqmd/shape_formationenergy.json").read_bytes()
    counted = orjson.loads(good) | {"meta": {"data_available": 1}}
    assert len(oqmd_rest.page_of(orjson.dumps(counted))["data"]) == 1
    for body in (good, b"[]", b'{"data": [{}], "meta": {"data_available": 1}}', b"<html>"):
        with pytest.raises(NotData):
            oqmd_rest.page_of(body)


def test_duplicates_are_told_and_named_never_left_out(by, net, tmp_path):
    lake, oqmd = Lake(tmp_path / "lake"), by("rest")
    crawl(lake, oqmd)
    assert not any("noduplicate" in path for path in net.asked)
    rows = [oqmd.fields(payload) for _, payload in versions(lake, "oqmd")]
    assert len(rows) == 10
    assert [row["duplicate_entry_id"] for row in rows if row["duplicate_entry_id"] != row["entry_id"]] == [77]
    left = requests.get(f"{net.base}/oqmd/oqmdapi/formationenergy?noduplicate=True").json()
    assert left["meta"]["data_available"] == 9


@real
def test_all_recorded_rest_rows_become_crystals_at_the_volume_they_tell():
    rows = json.loads((WIRE / "oqmd/oqmdapi_formationenergy_200rows.json").read_text())["data"]
    found = source(Settings()).read_many([orjson.dumps(row).decode() for row in rows])
    for row, entry in zip(rows, found, strict=True):
        assert entry.crystal.checked().volume == pytest.approx(row["volume"], rel=1e-4)
        assert len(entry.crystal) == row["natoms"]


# ---- OPTIMADE


def test_an_oqmd_page_is_read_and_ends_without_a_link():
    answer = page_of((SHAPES / "oqmd/structures.json").read_bytes())
    good, mixed = (orjson.dumps(row).decode() for row in answer["data"])
    assert next_link(answer) is None
    oqmd = source(Settings())
    assert oqmd.read(good).crystal.positions.tolist()[1] == pytest.approx([0.5, 0.5, 0.5])
    assert oqmd.fields(good)["_oqmd_stability"] == -0.01
    with pytest.raises(CrystalError, match="disorder"):
        oqmd.read(mixed)


def test_a_page_that_counts_more_rows_than_it_has_is_asked_for_again(by, net):
    def short(path):
        if "page_offset=3" not in path:
            return None
        return PlainTextResponse('{"data": [], "meta": {"_oqmd_data_in_response": 3, "data_returned": 10}}')

    net.fault = short
    oqmd = by("optimade", attempts=3)
    with pytest.raises(SourceDown, match="0 structures on a page that counts 3"):
        [oqmd.fetch(unit, {}) for unit in oqmd.plan(Scope())]
    assert net.count("page_offset=3") == 3


@real
def test_all_recorded_oqmd_structures_become_crystals():
    pages = json.loads((WIRE / "oqmd/optimade_five_pages.json").read_text())
    rows = [row for page in pages for row in page_of(orjson.dumps(page))["data"]]
    oqmd = source(Settings())
    found = oqmd.read_many([orjson.dumps(row).decode() for row in rows])
    assert len([entry.crystal.checked() for entry in found]) == 1000 == len({row["id"] for row in rows})
    assert all(oqmd._http.own(next_link(page)).startswith("https://oqmd.org/optimade/") for page in pages)


# ---- the dump


def test_the_marker_is_the_dumps_own_and_a_new_dump_is_read_anew(by, tmp_path):
    lake, oqmd = Lake(tmp_path / "lake"), by("dump")
    assert re.fullmatch("sha256:[0-9a-f]{64}", oqmd.marker())
    assert [crawl(lake, oqmd).state for _ in range(2)] == ["published", "unchanged"]
    first, *others = tellings()
    newer = by("dump", [replace(first, values={**first.values, "band_gap": 9.5}), *others])
    report = crawl(lake, newer)
    assert (report.state, report.changed, report.added) == ("published", 1, 0)
    assert len(list((tmp_path / "lake/staging").iterdir())) == 1  # of the older dump nothing is left


def test_staging_leaves_one_file_that_holds_no_more_than_formation_energies(by, tmp_path):
    oqmd = by("dump")
    list(oqmd.plan(Scope()))
    (file,) = (tmp_path / "lake/staging").iterdir()
    with oqmd_staging.opened(file) as database:
        assert database.execute("SELECT count(*), max(id) FROM told").fetchone() == (10, 4_000_030)
        (n,) = database.execute("SELECT count(*) FROM sites").fetchone()
    assert n == sum(len(telling.crystal) for telling in tellings())


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.999])
def test_a_dump_that_is_cut_off_leaves_nothing_half_written(by, tmp_path, keep):
    oqmd = by("dump")
    whole = (tmp_path / "oqmd.sql.gz").read_bytes()
    (tmp_path / "oqmd.sql.gz").write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(SourceDown, match="download it again"):
        list(oqmd.plan(Scope()))
    assert list((tmp_path / "lake/staging").iterdir()) == []
    assert crawl(Lake(tmp_path / "lake"), oqmd).state == "open"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"`formation_energies`", b"`other`", "has none of formation_energies"),
        (b"`occupancy`", b"`occupied`", r"must have the columns \['occupancy'\]"),
        (b",'fere2',", b",'standard',", None),
        (b"'Fe'", b"12abc'", "cut off|malformed|values"),
    ],
)
def test_a_dump_of_another_shape_is_refused_by_name(by, tmp_path, old, new, words):
    oqmd, file = by("dump"), tmp_path / "oqmd.sql.gz"
    text = gzip.decompress(file.read_bytes())
    assert old in text
    file.write_bytes(gzip.compress(text.replace(old, new)))
    if words is None:  # a second standard energy of a calculation is a record of its own
        assert sum(len(oqmd.fetch(unit, {}).records) for unit in oqmd.plan(Scope())) == 20
        return
    with pytest.raises(SourceDown, match=words):
        list(oqmd.plan(Scope()))


def test_letters_where_a_number_belongs_are_refused(by, tmp_path):
    oqmd, file = by("dump"), tmp_path / "oqmd.sql.gz"
    text = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(text.replace(b"INSERT INTO `atoms` VALUES (", b"INSERT INTO `atoms` VALUES (x", 1)))
    with pytest.raises(SourceDown, match="a row of atoms must hold numbers"):
        list(oqmd.plan(Scope()))


@pytest.mark.parametrize(
    ("table", "words"),
    [("calculations", "its calculation"), ("structures", "its structure"), ("atoms", "the atoms of its structure")],
)
def test_a_formation_energy_without_its_crystal_is_missing_with_the_reason(by, tmp_path, table, words):
    oqmd, file = by("dump"), tmp_path / "oqmd.sql.gz"
    text = gzip.decompress(file.read_bytes()).decode()
    first = {"calculations": 24_000_003, "structures": 8_000_007, "atoms": 8_000_007}[table]
    row = rf"\({first}\d*,(?:[^'()]|'(?:[^'\\]|\\.)*')*\),?"
    lines = text.splitlines(keepends=True)
    shorter = "".join(re.sub(row, "", line) if f"`{table}` VALUES" in line else line for line in lines)
    shorter = re.sub(r"INSERT INTO `\w+` VALUES ;\n", "", re.sub(r",;\n", ";\n", shorter))
    assert shorter != text
    file.write_bytes(gzip.compress(shorter.encode()))
    lake = Lake(tmp_path / "lake")
    report = crawl(lake, oqmd)
    assert (report.state, report.records_new, report.missing) == ("published", 9, 1)
    assert ledger(lake, "oqmd", "missing")[0].endswith("#4000003")
    (unit,) = oqmd.plan(Scope())
    assert oqmd.fetch(unit, {}).missing == {"4000003": f"the dump lacks {words}"}


def test_an_atom_that_is_not_always_there_is_disorder(by, tmp_path):
    oqmd, file = by("dump"), tmp_path / "oqmd.sql.gz"
    text = gzip.decompress(file.read_bytes())
    row = re.search(rb"\(8000007000,[^)]*\)", text)[0]
    file.write_bytes(gzip.compress(text.replace(row, row.replace(b",1,NULL)", b",0.5,NULL)"))))
    (unit,) = oqmd.plan(Scope())
    first = oqmd.fetch(unit, {}).records[0]
    with pytest.raises(Unusable, match="disorder"):
        oqmd.read(first.payload)


def test_without_a_dump_it_is_said_what_to_do(by):
    for file in (None, Path("/nowhere/oqmd.sql")):
        with pytest.raises(SourceDown, match=r"https://oqmd.org/download"):
            by("dump", oqmd_dump=file).marker()
