"""A crawl of every route through mp-api against Materials Project's own server, which other people wrote."""

from collections import Counter
from collections.abc import Iterable, Iterator

import orjson
import polars as pl
import pytest

from lake.crawl import crawl
from lake.entries import write_entries
from lake.extract import at_path, write_observations
from lake.settings import MIRROR_KEY, Settings
from lake.sources.materials_project import rest as materials_project
from lake.sources.materials_project.documents import normal_id
from lake.sources.materials_project.rest import MaterialsProject
from lake.sources.page import MAIN
from lake.sources.scope import WHOLE, Scope
from lake.store import Lake
from lake.tables import ENTRIES, RECORDS
from tests.peers.crystals import COUNT, Made
from tests.peers.fidelity import crystals_that_differ, ids_by_route, ids_told_twice, values_that_differ
from tests.peers.materials_project_documents import documents, source_id
from tests.peers.materials_project_server import DB_VERSION

LEVELS = {"GGA": "PBE", "GGA+U": "PBE+U"}
VALUES = ("band_gap", "formation_energy_per_atom", "bulk_modulus", "refractive_index", "piezoelectric_modulus")


def test_a_crawl_of_materials_projects_own_server_loses_nothing(
    materials_project_peer, tmp_path, subtests, monkeypatch
):
    made = {source_id(crystal): crystal for crystal in materials_project_peer.crystals}
    settings = Settings(mp_url=materials_project_peer.base, mp_rate=0, mp_key=MIRROR_KEY)
    lake, source = Lake(tmp_path), MaterialsProject(settings)
    first = crawl(lake, source)
    with subtests.test("the crawl closes at the server's version"):
        assert (first.state, first.marker, first.error) == ("published", DB_VERSION, None)
        assert (first.rejected, first.failed, first.halved, first.missing) == (0, 0, 0, 0)
    with subtests.test("every document of every route comes, once, under its material's id"):
        assert ids_by_route(lake, "mp") == _told(materials_project_peer.crystals)
        assert ids_told_twice(lake, "mp") == []
    with subtests.test("a forecast counts what comes"):
        forecast = source.forecast(WHOLE)
        assert (forecast.records, first.records_new) == (first.records_seen, first.records_seen)
    with subtests.test("values of the side routes are the ones that were made, mixing schemes apart"):
        for route, path, wanted in _side_values(materials_project_peer.crystals):
            assert _at(lake, route, path) == pytest.approx(wanted)
    with subtests.test("every entry is the crystal that was made"):
        assert write_entries(lake, source) == {"entries": COUNT, "rejects": 0}
        assert crystals_that_differ(lake, "mp", made) == []
    with subtests.test("every entry stands at the level of the task behind its structure"):
        kept = lake.scan(ENTRIES).filter(pl.col("source") == "mp").collect()["level_of_theory"]
        assert Counter(kept) == Counter(LEVELS[crystal.run_type] for crystal in made.values())
    with subtests.test("every value is the one that was made, and none stands where none was"):
        for name in VALUES:
            wanted = {key: crystal.values[name] for key, crystal in made.items() if name in crystal.values}
            counts = write_observations(lake, name)
            assert (counts["flagged"], counts["rejects"]) == (0, 0)
            assert values_that_differ(lake, "mp", name, wanted) == []
    with subtests.test("a second crawl changes nothing"):
        assert crawl(lake, source).state == "unchanged"
        second = crawl(lake, source, anew=True)
        assert (second.state, second.records_seen, second.records_new) == ("published", first.records_seen, 0)
    with subtests.test("collections asked in parts and halves are the same"):
        monkeypatch.setattr(materials_project, "LARGEST", 2000)
        again = crawl(lake, MaterialsProject(settings.model_copy(update={"mp_routes": "summary"})), anew=True)
        assert (again.state, again.records_seen, again.records_new) == ("published", COUNT, 0)
        monkeypatch.undo()
        page = next(unit for unit in source.plan(WHOLE) if unit.request["route"] == "thermo/R2SCAN")
        whole = [record.source_id for record in source.fetch(page, {}).records]
        pieces = [source.fetch(unit, {}) for unit in source.halves(page) if not unit.request["leads"]]
        assert [record.source_id for piece in pieces for record in piece.records] == whole
    with subtests.test("a scope is asked of every route"):
        part, scope = Lake(tmp_path / "part"), Scope(elements=("O", "Fe"))
        crawl(part, source, scope)
        members = [crystal for crystal in materials_project_peer.crystals if scope.holds(crystal.crystal.counts)]
        assert members and ids_by_route(part, "mp") == _told(members)
    with subtests.test("a column comes for the known ids"):
        crawl(part, source, Scope(column="has_props"))
        assert ids_by_route(part, "mp")["has_props"] == ids_by_route(part, "mp")[MAIN]


def _told(crystals: Iterable[Made]) -> dict[str, set[str]]:
    """Route -> the ids that the server's documents speak of."""
    told = documents(crystals)
    ids = {route: {normal_id(d["material_id"]) for d in told[route] if "material_id" in d} for route in told}
    schemes = {document["thermo_type"] for document in told["thermo"]}
    thermo = {
        f"thermo/{scheme}": {normal_id(d["material_id"]) for d in told["thermo"] if d["thermo_type"] == scheme}
        for scheme in schemes
    }
    phonon = {normal_id(d["material_id"]) for d in told["summary"] if d.get("phonon_IDs")}
    routes = ("elasticity", "dielectric", "piezoelectric", "magnetism")
    found = {MAIN: ids["summary"], "phonon": phonon, **thermo, **{route: ids[route] for route in routes}}
    return {route: members for route, members in found.items() if members}


def _side_values(crystals: Iterable[Made]) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Route, path in its payload, and id -> value."""
    told = documents(crystals)
    for scheme in ("GGA_GGA+U", "GGA_GGA+U_R2SCAN", "R2SCAN"):
        of = [document for document in told["thermo"] if document["thermo_type"] == scheme]
        for name in ("formation_energy_per_atom", "energy_per_atom"):
            yield f"thermo/{scheme}", f"thermo.{scheme}.{name}", {normal_id(d["material_id"]): d[name] for d in of}
    for route, name in (("elasticity", "debye_temperature"), ("dielectric", "n"), ("piezoelectric", "e_ij_max"),
                        ("magnetism", "total_magnetization")):  # fmt: skip
        wanted = {normal_id(d["material_id"]): d[name] for d in told[route]}
        yield route, f"{route}.{name}", wanted


def _at(lake: Lake, route: str, path: str) -> dict[str, object]:
    """Id -> what stands under the path in a route's records."""
    kept = lake.scan(RECORDS).filter((pl.col("source") == "mp") & (pl.col("route") == route)).collect()
    rows = zip(kept["source_id"], kept["payload"], strict=True)
    return {source_id: at_path(orjson.loads(payload), path) for source_id, payload in rows}
