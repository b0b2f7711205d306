"""Materials Project from Delta tables: written here of what the mirror serves, in emmet-core's own Arrow types."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from deltalake import Schema, convert_to_deltalake

from lake.crawl import crawl
from lake.entries import write_entries
from lake.sample.mirror.materials_project_properties import PHONON, R2SCAN
from lake.sources import source_named
from lake.sources.materials_project import collection as materials_project_collection
from lake.sources.materials_project.columns import model_of
from lake.sources.materials_project.routes import CORE, ROUTES, Route
from lake.sources.materials_project.routes import PHONON as PHONON_ROUTE
from lake.sources.page import MAIN
from lake.sources.scope import WHOLE, Scope
from lake.store import Lake
from lake.tables import RECORDS
from lake.wire.down import SourceDown
from tests.lake._internet import internet, telling
from tests.lake._owed import entries

KEY = {"x-api-key": "k" * 32}


def told_by_mp() -> list:
    """Nine crystals; one of r2SCAN, one under BY-NC, one that is deprecated, one with phonons."""
    told = [telling("mp", number) for number in range(1, 10)]
    told[1] = replace(told[1], facts={R2SCAN: -3.5}, level_of_theory="r2SCAN")
    told[2] = replace(told[2], facts={"license": "BY-NC"})
    told[3] = replace(told[3], facts={"deprecated": True})
    told[4] = replace(told[4], facts={PHONON: "dfpt"})
    return told


def written(folder: Path, base: str, release: str) -> None:
    """Every route's documents, as a Delta table of one release, in two files and small row groups."""
    for route in {r.path: r for r in (*ROUTES.values(), CORE) if r is not PHONON_ROUTE}.values():
        types = _arrow_types(route)
        rows = [_as_arrow(document, pa.struct(types)) for document in _served(base, route)]
        name = "materials" if route is CORE else route.path
        where = folder / name / f"version={release}"
        where.mkdir(parents=True)
        for number, some in enumerate((rows[:4], rows[4:])):
            table = pa.Table.from_pylist(some, schema=types)
            pq.write_table(table, where / f"part-{number}.parquet", row_group_size=3)
        made_delta(folder / name)


def made_delta(folder: Path) -> None:
    """Parquet files below `version=...` become a Delta table."""
    by_release = Schema.from_arrow(pa.schema([("version", pa.string())]))
    convert_to_deltalake(str(folder), partition_by=by_release, partition_strategy="hive")


def _served(base: str, route: Route) -> list[dict]:
    asked = {"_all_fields": "true", "_limit": "1000"}
    url = f"{base}/mp/materials/{route.path}/"
    if "deprecated" not in route.always:
        more = {"license": "All"} if route.path == "thermo" else {}
        return requests.get(url, {**asked, **more}, headers=KEY).json()["data"]
    both = [requests.get(url, {**asked, "license": "All", "deprecated": d}, headers=KEY) for d in ("True", "False")]
    return [document for answer in both for document in answer.json()["data"]]


def _arrow_types(route: Route) -> pa.Schema:
    from emmet.core.arrow import arrowize

    return pa.schema(arrowize(model_of(route)))


def _as_arrow(value: object, held_as: pa.DataType) -> object:
    """A served value as Arrow takes it: pairs for a map, a moment for a text."""
    if value is None:
        return None
    if pa.types.is_map(held_as):
        return [(key, _as_arrow(held, held_as.item_type)) for key, held in value.items()]
    if pa.types.is_struct(held_as):
        return {field.name: _as_arrow(value.get(field.name), field.type) for field in held_as}
    if pa.types.is_list(held_as):
        return [_as_arrow(held, held_as.value_type) for held in value]
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if pa.types.is_timestamp(held_as) else value


@pytest.fixture(scope="module")
def net():
    with internet(told_by_mp()) as net:
        yield net


@pytest.fixture(scope="module")
def folder(net, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("collections")
    written(folder, net.base, "2026-04-13")
    return folder


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


def by_tables(net, folder, **more):
    return source_named("mp", net.settings(mp_collection=str(folder), **more))


def kept(lake: Lake) -> dict[tuple[str, str], dict]:
    rows = lake.read(RECORDS).iter_rows(named=True)
    return {(row["route"], row["source_id"]): orjson.loads(row["payload"]) for row in rows}


def test_tables_give_the_entries_and_records_that_rest_gives(net, folder, tmp_path):
    lakes = {way: Lake(tmp_path / way) for way in ("rest", "tables")}
    crawl(lakes["rest"], source_named("mp", net.settings()))
    report = crawl(lakes["tables"], by_tables(net, folder))
    assert (report.state, report.error) == ("published", None)
    told = {way: kept(lake) for way, lake in lakes.items()}
    only_there = {(route, i) for route, i in told["tables"] if (route, i) not in told["rest"]}
    assert {i for _, i in only_there} == {"mp-3"}  # BY-NC
    assert {route for route, _ in told["rest"]} - {route for route, _ in told["tables"]} == {"phonon"}
    for key in set(told["rest"]) & set(told["tables"]):
        assert told["tables"][key] == told["rest"][key]
    rows = {}
    for way, lake in lakes.items():
        write_entries(lake, by_tables(net, folder))
        rows[way] = {i: row | {"fetched_at": None, "payload_sha256": None} for i, row in entries(lake, "mp").items()}
    assert rows["tables"].pop("mp-3")["licence"] == "CC BY-NC 4.0"
    assert rows["tables"] == rows["rest"] and len(rows["rest"]) == 7


def test_rows_in_any_pieces_are_the_same_rows(net, folder, monkeypatch):
    def records(size: int) -> list[str]:
        monkeypatch.setattr(materials_project_collection, "PER_UNIT", size)
        source = by_tables(net, folder)
        return [r.payload for unit in source.plan(WHOLE) for r in source.fetch(unit, {}).records]

    assert records(1) == records(2) == records(1000)


def test_a_unit_s_halves_are_its_rows_read_in_any_order(net, folder):
    source = by_tables(net, folder, mp_routes="summary")
    for unit in source.plan(WHOLE):
        first, second = source.halves(unit)
        late, early = source.fetch(second, {}), source.fetch(first, {})
        assert [*early.records, *late.records] == source.fetch(unit, {}).records
    while not first.alone:
        first, _ = source.halves(first)
    assert source.halves(first) == ()


def test_the_newest_release_is_read_and_marks_the_crawl(net, folder, tmp_path):
    assert by_tables(net, folder).marker() == "2026.04.13"
    for release in ("2025-09-25", "2026-11-02"):
        where = tmp_path / "collections" / "summary" / f"version={release}"
        where.mkdir(parents=True)
        for file in (folder / "summary" / "version=2026-04-13").iterdir():
            (where / file.name).write_bytes(file.read_bytes())
    made_delta(tmp_path / "collections" / "summary")
    source = by_tables(net, tmp_path / "collections", mp_routes="summary")
    assert source.marker() == "2026.11.02"
    assert source.forecast(WHOLE).records == 8  # nine of one release, less the deprecated one


def test_a_forecast_counts_what_the_tables_give(net, folder, lake):
    forecast = by_tables(net, folder).forecast(WHOLE)
    crawl(lake, by_tables(net, folder))
    assert forecast.records == len(kept(lake))


def test_a_scope_keeps_its_elements_alone(net, folder, lake):
    crawl(lake, by_tables(net, folder), Scope(elements=("Si",)))
    assert not kept(lake)
    crawl(lake, by_tables(net, folder), Scope(chemsys=("O", "Mg")))
    assert len([i for route, i in kept(lake) if route == MAIN]) == 8


def test_a_column_is_read_for_what_is_known(net, folder):
    source = by_tables(net, folder)
    for name in ("nsites", "elasticity.state", "thermo.GGA_GGA+U.energy_type"):
        pages = [source.fetch(unit, {"mp-1": "", "mp-9": ""}) for unit in source.column(name, {})]
        assert {page.route for page in pages} == {name}
        assert [record.source_id for page in pages for record in page.records] == ["mp-1", "mp-9"]


def test_no_request_is_made_beside_the_tables_and_no_key_is_needed(net, folder, lake, monkeypatch):
    monkeypatch.delenv("MP_API_KEY", raising=False)
    net.asked.clear()
    assert crawl(lake, by_tables(net, folder, mp_key=None)).state == "published"
    assert not net.asked


def test_a_folder_without_tables_says_what_to_set(net, tmp_path):
    with pytest.raises(SourceDown, match="CRYSTAL_LAKE_MP_COLLECTION"):
        by_tables(net, tmp_path / "nothing").marker()
    with pytest.raises(SourceDown, match="must be a Delta table"):
        by_tables(net, tmp_path / "nothing").alive()
