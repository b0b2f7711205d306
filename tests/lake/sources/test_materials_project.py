"""Materials Project by REST: routes, forms of ids, parts and halves, a block, scopes, columns, levels of theory."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse, PlainTextResponse

from lake.crawl import crawl
from lake.crystal import Crystal
from lake.entries import write_entries
from lake.extract import at_path
from lake.sample.mirror.materials_project_properties import ELASTICITY, PHONON, R2SCAN
from lake.sample.mirror.told import Told
from lake.sample.telling import Telling
from lake.sources import source_named
from lake.sources.materials_project import rest as materials_project
from lake.sources.materials_project import run_types as materials_project_run_types
from lake.sources.materials_project.documents import as_told, normal_id, normal_task_id
from lake.sources.materials_project.routes import ROUTES, THERMO, parts
from lake.sources.page import MAIN
from lake.sources.scope import WHOLE, Scope
from lake.store import Lake
from lake.tables import PAGES, RECORDS
from lake.wire.down import SourceDown
from tests.lake._internet import VALUES, internet, telling
from tests.lake._owed import entries

BLOCKED = {"error": "Your IP has been (temporarily) blocked due to rate limits", "version": "blocked"}


def quartz_like(number: int) -> Crystal:
    half = 2.5 + number / 64
    return Crystal(half * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [14, 8])


def told_by_mp() -> list[Telling]:
    """Nine of MgO with every value, three of SiO with few; one with phonons, two with a hull of r2SCAN's own."""
    full = [telling("mp", number) for number in range(1, 10)]
    full[0] = replace(full[0], facts={PHONON: "dfpt"})
    full[1] = replace(full[1], facts={R2SCAN: -3.5})
    full[2] = replace(full[2], facts={R2SCAN: -3.25}, level_of_theory="r2SCAN")
    few = [Telling("mp", f"mp-{n}", quartz_like(n), {"band_gap": 1.0}, "PBE") for n in (20, 21, 22)]
    return [*full, *few]


@pytest.fixture(scope="module")
def net():
    with internet([]) as net:
        yield net


@pytest.fixture(autouse=True)
def _a_fresh_internet(net):
    net.fault = lambda path: None
    net.tell(told_by_mp())
    net.asked.clear()


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


def mp(net, **more):
    return source_named("mp", net.settings(**more))


def kept(lake: Lake) -> dict[tuple[str, str], dict]:
    """Route and id -> payload, of all that came."""
    rows = lake.scan(RECORDS).filter((pl.col("source") == "mp") & ~pl.col("gone")).collect()
    return {(row["route"], row["source_id"]): orjson.loads(row["payload"]) for row in rows.iter_rows(named=True)}


def fetched(source, known=(), scope=WHOLE):
    """Every record of a plan, walked without an engine."""
    waiting, found = list(source.plan(scope)), {}
    while waiting:
        page = source.fetch(waiting.pop(0), dict.fromkeys(known, ""))
        waiting[:0] = page.following
        found |= {(record.route, record.source_id): record for record in page.records}
    return found


def test_every_route_is_kept_under_its_own_name(lake, net):
    report = crawl(lake, mp(net))
    assert (report.state, report.error, report.missing) == ("published", None, 0)
    records = kept(lake)
    count = pl.Series([route for route, _ in records]).value_counts()
    assert dict(count.iter_rows()) == {
        MAIN: 12, "elasticity": 9, "dielectric": 9, "piezoelectric": 9, "magnetism": 9, "phonon": 1,
        "thermo/GGA_GGA+U": 9, "thermo/GGA_GGA+U_R2SCAN": 9, "thermo/R2SCAN": 2,
    }  # fmt: skip
    assert set(count[""].to_list()) == set(mp(net).keeps)
    assert all(payload["material_id"] == source_id for (_, source_id), payload in records.items())


@pytest.mark.parametrize(
    ("route", "path", "unit"),
    [
        ("elasticity", "elasticity.debye_temperature", "K"),
        ("elasticity", "elasticity.bulk_modulus.vrh", "GPa"),
        ("elasticity", "elasticity.sound_velocity.transverse", "m/s"),
        ("elasticity", "elasticity.young_modulus", "Pa"),
        ("dielectric", "dielectric.e_total", ""),
        ("piezoelectric", "piezoelectric.e_ij_max", "C/m^2"),
        ("magnetism", "magnetism.total_magnetization", "muB"),
        ("thermo/GGA_GGA+U", "thermo.GGA_GGA+U.formation_energy_per_atom", "eV/atom"),
        ("phonon", "phonon.dfpt.volume_per_formula_unit", "A^3"),
    ],
)
def test_paths_of_properties_resolve_in_a_route_s_payload(net, route, path, unit):
    record = fetched(mp(net))[route, "mp-1"]
    value = at_path(mp(net).fields(record.payload), path)
    assert (isinstance(value, float) and value > 0) or path.endswith("formation_energy_per_atom")
    assert record.stamp == Told(told_by_mp()[0]).revised.isoformat()


def test_the_debye_temperature_is_the_mirror_s_own(net):
    served = ELASTICITY["debye_temperature"](Told(told_by_mp()[0]))
    payload = mp(net).fields(fetched(mp(net))["elasticity", "mp-1"].payload)
    assert at_path(payload, "elasticity.debye_temperature") == served


def test_mixing_schemes_never_mix(net):
    found = fetched(mp(net, mp_routes="thermo"))
    for (route, source_id), record in found.items():
        (scheme,) = orjson.loads(record.payload)["thermo"]
        assert route == f"thermo/{scheme}"
        energy = at_path(orjson.loads(record.payload), f"thermo.{scheme}.formation_energy_per_atom")
        own = {"mp-2": -3.5, "mp-3": -3.25}[source_id] if scheme == "R2SCAN" else -3.0
        assert energy == own
    assert {route for route, _ in found} == {route.name for route in THERMO}


def test_phonons_are_found_by_the_ids_that_summary_tells_in_another_form(net):
    record = fetched(mp(net, mp_routes="phonon"))["phonon", "mp-1"]
    assert at_path(orjson.loads(record.payload), "phonon.dfpt.identifier") == "mp-1"
    assert net.count("identifiers=") == 1


def test_the_setting_names_the_routes_and_refuses_others(net):
    assert set(mp(net, mp_routes="summary, dielectric").keeps) == {MAIN, "dielectric"}
    with pytest.raises(ValueError, match=r"must be among summary, elasticity.*found dos"):
        mp(net, mp_routes="summary,dos")


def test_ids_in_the_new_form_give_the_same_records_as_in_the_old(net):
    old = fetched(mp(net))
    alphabetical = {"mp-1": "mp-aaaaaaab", "mp-2": "mp-c", "mp-3": "mp-aaaad", "mp-20": "mp-aaaaaaau"}
    net.tell([replace(t, source_id=alphabetical.get(t.source_id, t.source_id)) for t in told_by_mp()])
    new = fetched(mp(net))
    assert set(new) == set(old)
    for key, record in new.items():
        without_dates = [_dateless(orjson.loads(each.payload)) for each in (record, old[key])]
        assert without_dates[0] == without_dates[1]  # the mirror's dates are made of the id as told


def _dateless(value: object) -> object:
    if isinstance(value, dict):
        dates = ("last_updated", "build_date", "database_version")
        return {key: _dateless(held) for key, held in value.items() if key not in dates}
    return [_dateless(held) for held in value] if isinstance(value, list) else value


@given(st.integers(1, 3_000_000))
def test_both_forms_of_an_id_are_one(number):
    from emmet.core.mpid import AlphaID

    alphabetical = str(AlphaID(number, prefix="mp", padlen=8))
    assert normal_id(alphabetical) == normal_id(f"mp-{number}") == f"mp-{number}"
    assert normal_task_id(alphabetical.removeprefix("mp-")) == f"mp-{number}"


@pytest.mark.parametrize("strange", ["", "mp-", "mp-himbw", "Some Thing", "mp-1-2"])
def test_what_is_no_known_id_stays_as_it_is(strange):
    assert normal_id(strange) == strange


def test_nulls_are_left_out_and_nothing_else():
    told = {"material_id": "mp-1", "a": None, "b": {"c": None, "d": [None, 1.0], "e": 0}, "f": [], "g": False}
    assert as_told(told) == {"material_id": "mp-1", "b": {"d": [None, 1.0], "e": 0}, "f": [], "g": False}


@given(st.integers(1, 12), st.integers(1, 500))
def test_a_document_lies_in_exactly_one_part(nelements, nsites):
    def lies_in(part: dict[str, int]) -> bool:
        low = part["nelements_min"] <= nelements and part.get("nsites_min", 1) <= nsites
        return low and nelements <= part.get("nelements_max", 99) and nsites <= part.get("nsites_max", 999)

    assert sum(map(lies_in, parts())) == 1


def test_parts_and_small_pages_bring_what_one_page_brings(net, lake, monkeypatch):
    whole = fetched(mp(net))
    monkeypatch.setattr(materials_project, "LARGEST", 3)
    monkeypatch.setattr(materials_project, "PER_PAGE", 2)
    monkeypatch.setattr(materials_project, "PER_QUESTION", 2)
    net.asked.clear()
    assert fetched(mp(net)) == whole
    assert net.count("nelements_min=2") and net.count("_skip=10")
    assert crawl(lake, mp(net)).state == "published"


def test_side_routes_are_asked_nothing_they_do_not_know(net):
    fetched(mp(net))
    fetched(mp(net), scope=Scope(elements=("O", "Si")))
    others = [path for path in net.asked if "/summary/" not in path and "/core/" not in path]
    assert others and not any("_sort_fields" in path or "&elements=" in path for path in others)
    assert not any("deprecated=" in path for path in others)
    assert all("deprecated=False" in path for path in net.asked if path not in others)


def test_a_page_asked_for_says_how_many_there_are(net):
    source = mp(net)
    units = list(source.plan(WHOLE))
    pages = [source.fetch(unit, {}) for unit in units]
    assert [(page.total, page.expected) for page in pages] == [(len(page.records),) * 2 for page in pages]
    assert len({unit.partition for unit in units}) == len(units) == len(ROUTES)


@pytest.mark.parametrize("index", [0, 1])
def test_halves_bring_what_the_page_brings_down_to_single_records(net, index, monkeypatch):
    monkeypatch.setattr(materials_project, "PER_PAGE", 5)
    source = mp(net)
    unit = list(source.plan(WHOLE))[index]
    page = source.fetch(unit, {})
    (*pieces, after) = source.halves(unit)
    assert [after] == list(page.following)
    single = []
    while pieces:
        piece = pieces.pop(0)
        assert not source.fetch(piece, {}).following
        pieces += source.halves(piece)
        single += [piece] if piece.alone else []
    assert len({piece.key for piece in single}) == 5
    assert sorted(r.source_id for s in single for r in source.fetch(s, {}).records) == sorted(
        record.source_id for record in page.records
    )


def test_one_document_that_breaks_the_server_is_the_only_one_lost(net, lake):
    def breaks(path: str) -> object:
        query = {name: values[0] for name, values in parse_qs(path.partition("?")[2]).items()}
        if "/elasticity/" not in path or "_skip" not in query:
            return None
        skip, limit = int(query["_skip"]), int(query["_limit"])
        return PlainTextResponse("no", 500) if skip <= 4 < skip + limit else None

    net.fault = breaks
    report = crawl(lake, mp(net, attempts=1))
    assert (report.state, report.rejected, report.failed) == ("published", 1, 0)
    assert len([1 for route, _ in kept(lake) if route == "elasticity"]) == 8
    assert len([1 for route, _ in kept(lake) if route == MAIN]) == 12


@pytest.mark.parametrize("status", [429, 403, 200])
def test_a_blocked_address_is_a_source_that_is_down_and_is_asked_no_more(net, lake, status):
    net.fault = lambda path: JSONResponse(BLOCKED, status) if net.count("_skip") else None  # from the first page on
    report = crawl(lake, mp(net))
    assert report.state == "open" and "blocked" in report.error and "CRYSTAL_LAKE_MP_RATE" in report.error
    assert (report.rejected, report.halved) == (0, 0)
    first = next(number for number, path in enumerate(net.asked) if "_skip" in path)
    assert len(net.asked) == first + 1
    net.fault = lambda path: None
    assert crawl(lake, mp(net)).state == "published"


def test_a_block_in_the_heartbeat_is_named(net):
    net.fault = lambda path: JSONResponse(BLOCKED)
    with pytest.raises(SourceDown, match="address is blocked"):
        mp(net).marker()
    assert net.count("heartbeat") == 1


def test_alive_asks_one_small_question_once(net):
    mp(net).alive()
    assert len(net.asked) == 1 and "_limit=1" in net.asked[0]
    net.fault = lambda path: PlainTextResponse("", 503)
    with pytest.raises(SourceDown):
        mp(net).alive()
    assert len(net.asked) == 2


def test_mp_api_asks_nothing_past_our_session(net):
    source = mp(net)
    fetched(source)
    assert net.count("heartbeat") == 0
    source.marker()
    assert net.count("heartbeat") == 1


def test_json_that_is_no_answer_is_asked_again_and_then_named(net):
    net.fault = lambda path: JSONResponse({"error": "no"}) if "/summary/" in path else None
    with pytest.raises(SourceDown, match="mp-api could not read"):
        mp(net, attempts=2).alive() or mp(net, attempts=2).forecast(WHOLE)
    net.asked.clear()
    with pytest.raises(SourceDown):
        mp(net, attempts=2).forecast(WHOLE)
    assert net.count("/summary/") == 2


@pytest.mark.parametrize("scope", [Scope(elements=("Si",)), Scope(chemsys=("Mg", "O")), Scope(elements=("O",))])
def test_a_scope_is_asked_of_the_server_and_holds_on_every_route(net, scope):
    whole, found = fetched(mp(net)), fetched(mp(net), scope=scope)
    members = {t.source_id for t in told_by_mp() if scope.holds(t.crystal.counts)}
    assert set(found) == {(route, source_id) for route, source_id in whole if source_id in members}
    assert all(found[key].payload == whole[key].payload for key in found)


def test_a_scope_s_crawl_leaves_the_rest_standing(net, lake):
    crawl(lake, mp(net))
    before = kept(lake)
    crawl(lake, mp(net), Scope(chemsys=("O", "Si")))
    assert kept(lake) == before


def test_a_limit_brings_the_first_ones_in_small_pages(net, lake):
    crawl(lake, mp(net), Scope(limit=3))
    assert sorted(kept(lake)) == [(MAIN, "mp-1"), (MAIN, "mp-2"), (MAIN, "mp-3")]
    assert net.count("_limit=3") and not net.count("_limit=1000")


def test_a_forecast_counts_what_a_crawl_brings(net, lake):
    forecast = mp(net).forecast(WHOLE)
    crawl(lake, mp(net))
    assert forecast.records == len(kept(lake))
    assert "thermo/R2SCAN 2" in forecast.note and forecast.requests >= len(ROUTES) and forecast.size > 0
    few = mp(net).forecast(Scope(elements=("Si",)))
    assert (few.records, few.requests) == (3, 2)  # summary's page and core's


@pytest.mark.parametrize(
    ("column", "path", "count"),
    [
        ("nsites", "nsites", 12),
        ("elasticity.fitting_data", "elasticity.fitting_data.strains", 9),
        ("elasticity.compliance_tensor", None, 0),
        ("thermo.R2SCAN.property_name", "thermo.R2SCAN.property_name", 2),
        ("phonon.formula_units", "phonon.dfpt.formula_units", 1),
    ],
)
def test_a_column_is_fetched_alone_for_known_ids(net, lake, column, path, count):
    crawl(lake, mp(net, mp_routes="summary"))
    before = kept(lake)
    net.asked.clear()
    report = crawl(lake, mp(net, mp_routes="summary"), Scope(column=column))
    assert report.state == "published" and report.error is None
    came = {key: payload for key, payload in kept(lake).items() if key not in before}
    assert {route for route, _ in came} <= {column} and len(came) == count
    assert all(at_path(payload, path) is not None for payload in came.values())
    assert net.count("material_ids=mp-1,") and not net.count("structure")


def test_a_column_may_be_a_whole_route(net):
    units = list(mp(net, mp_routes="summary").column("thermo", {"mp-1": ""}))
    pages = [mp(net).fetch(unit, {}) for unit in units]
    assert sorted(page.route for page in pages) == sorted(route.name for route in THERMO)
    assert sum(len(page.records) for page in pages) == 20


def test_a_column_asks_in_either_form_of_an_id_and_halves(net):
    source = mp(net)
    (unit,) = source.column("nsites", {"mp-aaaaaaab": "", "mp-2": "", "mp-3": ""})
    assert unit.request["ids"] == ["mp-1", "mp-2", "mp-3"]
    first, second = source.halves(unit)
    assert (first.request["ids"], second.request["ids"]) == (["mp-1"], ["mp-2", "mp-3"])
    assert first.alone and not second.alone and not source.halves(first)


@pytest.mark.parametrize("column", ["colour", "elasticity.colour", "thermo.GGA.entries"])
def test_a_column_that_nobody_tells_is_refused_with_what_there_is(net, column):
    with pytest.raises(ValueError, match=r"must be a field of summary.*Routes: summary, elasticity.*Fields of"):
        list(mp(net).column(column, {"mp-1": ""}))


def test_run_types_are_read_by_pages_and_tell_the_level_row_by_row(net, lake, monkeypatch):
    monkeypatch.setattr(materials_project_run_types, "PER_QUESTION", 5)
    monkeypatch.setattr(materials_project_run_types, "PER_PAGE", 7)
    crawl(lake, mp(net))
    assert net.count("/core/") == 2 and not net.count("material_ids=mp-1,")
    write_entries(lake, mp(net))
    levels = {source_id: row["level_of_theory"] for source_id, row in entries(lake, "mp").items()}
    assert levels == {t.source_id: t.level_of_theory for t in told_by_mp()}
    record = kept(lake)[MAIN, "mp-3"]
    assert record["run_type"] == "r2SCAN" and record["run_types"]["structure"] == "r2SCAN"


def test_what_core_s_pages_lack_is_asked_by_id(net, monkeypatch):
    monkeypatch.setattr(materials_project_run_types, "PER_QUESTION", 5)
    asked = []

    def loses_one(path: str) -> object:
        if "/core/" in path and "material_ids" not in path:
            asked.append(path)
            return JSONResponse({"data": [{"material_id": "mp-1", "run_types": {"mp-1": "HSE06"}}],
                                 "meta": {"total_doc": 1}})  # fmt: skip
        return None

    net.fault = loses_one
    found = fetched(mp(net, mp_routes="summary"))
    levels = [mp(net).read(found[MAIN, f"mp-{number}"].payload).level_of_theory for number in (1, 2, 3)]
    assert len(asked) == 1 and levels == ["HSE06", told_by_mp()[1].level_of_theory, "r2SCAN"]


def test_a_licence_that_forbids_trade_is_kept(net):
    net.tell([Telling("mp", "mp-5", quartz_like(5), VALUES["mp"], "PBE", facts={"license": "BY-C"})])
    (record,) = fetched(mp(net, mp_routes="summary")).values()
    document = orjson.loads(record.payload)
    assert mp(net).read(record.payload).licence == "CC BY 4.0"
    document["builder_meta"]["license"] = "BY-NC"
    assert mp(net).read(orjson.dumps(document).decode()).licence == "CC BY-NC 4.0"


def test_the_key_stands_in_no_page_of_the_ledger(net, lake):
    secret = "0123456789abcdef0123456789ABCDEF"
    crawl(lake, mp(net, mp_key=secret))
    assert not any(secret in text for text in lake.read(PAGES)["request"].to_list())
    assert not any(secret in path for path in net.asked)
