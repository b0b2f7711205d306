"""What every source owes, whichever database it speaks to: each test runs for all six, against the mirror."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from starlette.responses import HTMLResponse, PlainTextResponse

from lake.crawl import crawl
from lake.entries import crystal_of, write_entries
from lake.settings import SLUGS, Settings
from lake.sources import NAMES, source_named
from lake.store import Lake
from lake.tables import RECORDS
from lake.wire.down import SourceDown
from tests.lake._internet import internet, telling, tellings
from tests.lake._owed import entries, ledger, readings, versions

KINDS = {"ocp": "slab+adsorbate"}
PIECE = 2  # records of a unit where units are made small
DATA = {"mp": "/elasticity/", "aflow": "positions_fractional", "ocp": ".tar", "cod": ".cif", "pcod": ".cif",
        "oqmd": "page_offset"}  # fmt: skip
TOLD_BESIDE = {"mp": 6}  # records of other routes that the mirror tells of each crystal
everyone = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="module")
def net():
    with internet([]) as net:
        yield net


@pytest.fixture(autouse=True)
def _a_fresh_internet(net):
    net.fault = lambda path: None
    net.tell(tellings(*NAMES))
    net.asked.clear()


def test_settings_and_registry_name_the_same_six():
    assert set(NAMES) == set(SLUGS)


def test_an_unknown_source_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="no source is called 'icsd'; there are mp, aflow"):
        source_named("icsd", Settings())


def records_each(name: str) -> int:
    """Records that the mirror tells of each crystal, on all routes."""
    return 1 + TOLD_BESIDE.get(name, 0)


@everyone
def test_a_source_says_its_name_title_citation_and_licence(name):
    source = source_named(name, Settings())
    assert source.name == name
    assert source.title and "doi:" in source.citation and source.licence


@everyone
def test_a_crawl_makes_entries_that_equal_what_the_database_tells(name, lake, net):
    source = source_named(name, net.settings())
    told = {t.source_id: t for t in tellings(name)}
    report = crawl(lake, source)
    assert (report.state, report.missing, report.error) == ("published", 0, None)
    assert report.records_new == len(told) * records_each(name)
    assert write_entries(lake, source) == {"entries": len(told), "rejects": 0}
    payloads, found = dict(versions(lake, name)), entries(lake, name)
    assert sorted(found) == sorted(told)
    for source_id, row in found.items():
        telling_ = told[source_id]
        crystal = crystal_of(row)
        assert crystal.counts == telling_.crystal.counts
        assert crystal.volume == pytest.approx(telling_.crystal.volume, rel=1e-4)
        assert crystal.smallest_distance() == pytest.approx(telling_.crystal.smallest_distance(), abs=1e-4)
        assert (row["level_of_theory"], row["kind"]) == (telling_.level_of_theory, KINDS.get(name, "bulk"))
        assert row["entry_id"] == f"{name}:{source_id}" and row["licence"]
        numbers = readings(source, payloads[source_id], row["n_atoms"])
        told_alike = {name: numbers.get(name) for name in telling_.values}  # what follows from these is told, too
        assert told_alike == pytest.approx(dict(telling_.values), rel=1e-4)


@everyone
def test_a_second_crawl_of_an_unchanged_source_changes_no_count(name, lake, net):
    source = source_named(name, net.settings())
    crawl(lake, source)
    before = versions(lake, name)
    report = crawl(lake, source)
    assert report.state in ("published", "unchanged")
    assert report.records_new == 0
    assert versions(lake, name) == before


@everyone
def test_what_changed_is_kept_as_a_new_version_beside_the_old(name, lake, net):
    source = source_named(name, net.settings())
    crawl(lake, source)
    before = versions(lake, name)
    changed = telling(name, 3)
    changed = replace(changed, crystal=replace(changed.crystal, lattice=changed.crystal.lattice * 1.01))
    others = [t for t in tellings(name) if t.source_id != changed.source_id]
    net.tell([*others, changed])
    report = crawl(lake, source)
    assert (report.state, report.records_new) == ("published", records_each(name))
    after = versions(lake, name)
    assert set(before) < set(after) and len(after) == len(before) + 1
    write_entries(lake, source)
    found = entries(lake, name)
    assert len(found) == len(before)
    assert found[changed.source_id]["volume"] == pytest.approx(changed.crystal.volume, rel=1e-4)


@everyone
def test_an_empty_database_is_a_closed_crawl_without_records(name, lake, net):
    net.tell([])
    source = source_named(name, net.settings())
    if name == "ocp":
        with pytest.raises(SourceDown, match="MD5"):  # no archive at all is no release
            crawl(lake, source)
        return
    report = crawl(lake, source)
    assert (report.state, report.records_seen) == ("published", 0)
    assert write_entries(lake, source) == {"entries": 0, "rejects": 0}


def _run(lake: Lake, source) -> str:
    """A crawl's first complaint."""
    try:
        return crawl(lake, source).error or ""
    except SourceDown as fault:
        return str(fault)


@everyone
@pytest.mark.parametrize(
    "answer, found",
    [
        (PlainTextResponse("Service Unavailable", 503), "HTTP 503"),
        (PlainTextResponse("Forbidden", 403), "HTTP 403"),
        (HTMLResponse("<!DOCTYPE html><h1>maintenance</h1>"), "maintenance"),
        (PlainTextResponse(""), "empty answer|MD5"),
        (PlainTextResponse('{"data": ['), "data"),
    ],
    ids=["down", "forbidden", "web page", "empty", "half"],
)
def test_what_is_no_answer_is_named_and_loses_nothing(name, answer, found, lake, net):
    source = source_named(name, net.settings(attempts=2))
    net.fault = lambda path: answer
    complaint = _run(lake, source)
    assert complaint.startswith(name) or "asked" in complaint
    assert _matches(found, complaint), complaint
    net.fault = lambda path: None
    report = crawl(lake, source)
    assert (report.state, report.records_new) == ("published", 9 * records_each(name))


def _matches(words: str, text: str) -> bool:
    return any(word in text for word in words.split("|"))


@everyone
def test_a_stumbling_database_is_asked_again_and_gives_everything(name, lake, net):
    asked = 0

    def every_third(path):
        nonlocal asked
        asked += 1
        if asked % 3:
            return None
        return PlainTextResponse("DB Fail!null") if name == "aflow" else PlainTextResponse("Bad Gateway", 502)

    net.fault = every_third
    source = source_named(name, net.settings(attempts=6))
    assert crawl(lake, source).state == "published"
    assert len(versions(lake, name)) == 9


@everyone
def test_closed_units_are_not_fetched_again_when_a_crawl_goes_on(name, lake, net, monkeypatch, tmp_path):
    _in_small_pieces(monkeypatch)
    crawl(Lake(tmp_path / "undisturbed"), source_named(name, net.settings(root=tmp_path / "undisturbed")))
    undisturbed = list(net.asked)
    data = [number for number, path in enumerate(undisturbed) if DATA[name] in path]
    most = data[-1]
    net.asked.clear()
    net.fault = lambda path: PlainTextResponse("Bad Gateway", 502) if len(net.asked) > most else None
    first = crawl(lake, source_named(name, net.settings(attempts=1, root=lake.root)))
    assert first.state == "open" and first.units and "502" in first.error
    assert ledger(lake, name, "poisoned")
    kept = len(lake.read(RECORDS))
    assert 0 < kept < 9 * records_each(name)
    net.fault = lambda path: None
    net.asked.clear()
    second = crawl(lake, source_named(name, net.settings(root=lake.root)))
    assert (second.state, second.crawl) == ("published", first.crawl)
    assert kept + second.records_new == 9 * records_each(name) == len(lake.read(RECORDS))
    assert second.records_seen <= second.records_new + 2 * PIECE, "only what led to the failure is asked again"
    assert len(net.asked) <= len(undisturbed)
    assert not ledger(lake, name, "poisoned")


def _in_small_pieces(monkeypatch) -> None:
    from lake.sources.aflow import source as aflow
    from lake.sources.crystallography_open import engine as crystallography_open
    from lake.sources.materials_project import rest as materials_project
    from lake.sources.open_catalyst import source as open_catalyst
    from lake.sources.oqmd import source as oqmd

    monkeypatch.setattr(materials_project, "PER_PAGE", PIECE)
    monkeypatch.setattr(aflow, "PER_PAGE", PIECE)
    monkeypatch.setattr(oqmd, "PER_PAGE", PIECE)
    monkeypatch.setattr(crystallography_open, "PER_UNIT", PIECE)
    monkeypatch.setattr(open_catalyst, "PER_UNIT", PIECE)


def test_one_dead_source_leaves_the_others_alone(lake, net):
    net.fault = lambda path: PlainTextResponse("Service Unavailable", 503) if path.startswith("/cod") else None
    states = {name: _run(lake, source_named(name, net.settings(attempts=1))) for name in ("cod", "pcod", "oqmd")}
    assert states["cod"] and not states["pcod"] and not states["oqmd"]
    assert [len(versions(lake, name)) for name in ("cod", "pcod", "oqmd")] == [0, 9, 9]


def test_the_key_of_materials_project_reaches_no_ledger_no_message_and_no_other_source(lake, net):
    secret = "0123456789abcdef0123456789ABCDEF"
    settings = net.settings(mp_key=secret, attempts=1)
    assert secret not in repr(settings) and secret not in str(settings.model_dump())
    source = source_named("mp", settings)
    net.fault = lambda path: PlainTextResponse("no", 403) if "summary" in path else None
    complaint = _run(lake, source)
    assert "403" in complaint and secret not in complaint
    net.fault = lambda path: None
    crawl(lake, source)
    assert not any(secret.encode() in file.read_bytes() for file in lake.root.rglob("*") if file.is_file())
    assert not any(secret in path for path in net.asked)


def test_materials_project_without_a_key_says_what_to_do(lake, net, monkeypatch):
    monkeypatch.delenv("MP_API_KEY", raising=False)
    assert "export it as MP_API_KEY" in _run(lake, source_named("mp", net.settings(mp_key=None)))


def test_materials_project_never_asks_outside_rest(lake, net):
    crawl(lake, source_named("mp", net.settings()))
    assert all(path.startswith(("/mp/heartbeat", "/mp/materials/")) for path in net.asked)
    assert all("deprecated=False" in path for path in net.asked if "/summary/" in path)


def test_a_cif_that_the_list_names_and_the_server_lacks_is_told_as_missing(lake, net):
    gone = lambda path: PlainTextResponse("", 404) if "1000004.cif" in path else None  # noqa: E731
    net.fault = gone
    report = crawl(lake, source_named("cod", net.settings()))
    assert (report.state, report.records_new, report.missing) == ("published", 8, 1)
    assert [page for page in ledger(lake, "cod", "missing") if page.endswith("#1000004")]


def test_entries_keep_the_crystal_to_the_last_digit_the_source_gives(lake, net):
    source = source_named("mp", net.settings())
    crawl(lake, source)
    write_entries(lake, source)
    row = entries(lake, "mp")["mp-1"]
    assert np.array_equal(crystal_of(row).lattice, telling("mp", 1).crystal.lattice)
    assert crystal_of(row).structure_hash == row["structure_hash"]
