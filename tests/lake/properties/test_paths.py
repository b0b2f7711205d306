"""Every path of the catalog was seen in a recorded answer, is fetched by a crawl, and holds a possible number there."""

from __future__ import annotations

import pytest

from lake.crawl.columns import unfetched
from lake.properties import PROPERTIES
from lake.properties.definition import Property, Reading
from lake.properties.served import conversion, number, sized
from lake.sources.materials_project.routes import ROUTES
from lake.sources.page import MAIN
from lake.store import Lake
from lake.tables import RECORDS
from tests.lake.properties._answers import WIRE, committed, modelled, of_the_services, seen, source
from tests.lake.small_lake import record

READ = [
    pytest.param(prop, reading, id=f"{prop.name}-{reading.name}")
    for prop in PROPERTIES.values()
    for reading in prop.readings
    if reading.source != "labels"
]
RECORDED = {"aflow", "oqmd", "cod"}  # the services of which there are real answers with values
MADE_UP = [
    Reading("mp", "bulk_modulus.hill", "GPa", "made up"),
    Reading("mp", "bulk_modulus.vrh.mean", "GPa", "made up"),
    Reading("mp", "young_modulus", "Pa", "made up", route="elasticity"),  # of the route, but not as its records hold it
    Reading("mp", "elasticity.young_modulus", "Pa", "made up", route="eos"),
    Reading("mp", "thermo.GGA_GGA+U.hull_energy", "eV/atom", "made up", route="thermo/GGA_GGA+U"),
    Reading("aflow", "ael_bulk_modulus_hill", "GPa", "made up"),
    Reading("oqmd", "_oqmd_bulk_modulus", "GPa", "made up"),
    Reading("cod", "_exptl_crystal_hardness", "GPa", "made up"),
    Reading("ocp", "desorption_energy", "eV", "made up"),
]


def lacking(lake: Lake, prop: Property) -> list[tuple[str, str]]:
    """What a lake that was crawled with all that sources keep would still have to fetch."""
    routes = {(r.source, route) for r in prop.readings if r.source != "labels" for route in {MAIN, r.route}}
    rows = [record(f"{name}:1", "{}", route=route) for name, route in sorted(routes)]
    for name in {name for name, _ in routes}:
        lake.replace(RECORDS, RECORDS.frame([row for row in rows if row["source"] == name]), partition=name)
    return unfetched(lake, prop, source)


@pytest.mark.parametrize("prop, reading", READ)
def test_every_path_was_seen_in_a_recorded_answer(prop, reading):
    answers = committed()
    assert seen(reading.source, reading.route, reading.path, answers)
    for path in filter(None, (reading.temperature_path, reading.pressure_path)):
        assert seen(reading.source, reading.route, path, answers)


@pytest.mark.parametrize("reading", MADE_UP, ids=lambda reading: reading.name)
def test_a_path_that_was_made_up_is_found_out(reading):
    assert not seen(reading.source, reading.route, reading.path, committed())
    assert reading.source != "mp" or not modelled(reading)


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded answers of the real services are not at {WIRE}")
@pytest.mark.parametrize("prop, reading", [p for p in READ if p.values[1].source in RECORDED])
def test_every_path_was_seen_in_an_answer_of_the_service_itself(prop, reading):
    answers = of_the_services()
    assert seen(reading.source, reading.route, reading.path, answers)
    for path in filter(None, (reading.temperature_path, reading.pressure_path)):
        assert seen(reading.source, reading.route, path, answers)


@pytest.mark.parametrize("prop, reading", [p for p in READ if p.values[1].source == "mp"])
def test_every_path_of_materials_project_is_one_of_emmet_s_on_a_route_that_there_is(prop, reading):
    assert reading.route in ROUTES
    assert modelled(reading)


@pytest.mark.parametrize("prop", [p for p in PROPERTIES.values() if p.readings], ids=lambda prop: prop.name)
def test_every_path_is_kept_by_a_crawl(prop, tmp_path):
    assert lacking(Lake(tmp_path), prop) == []


def test_a_path_that_no_crawl_keeps_is_found_out(tmp_path):
    made_up = Reading("mp", "weighted_hardness", "GPa", "made up")
    kind = Property("hardness", "Hardness (computed)", "GPa", "Made up.", "elastic", "computed", 0, 1, (made_up,))
    assert lacking(Lake(tmp_path), kind) == [("mp", "weighted_hardness")]


@pytest.mark.parametrize("prop, reading", READ)
def test_what_was_seen_is_a_possible_number_in_the_propertys_unit(prop, reading):
    """Committed answers hold plausible numbers, so a wrong unit (Young's modulus in GPa) falls out of the range."""
    found = []
    for each in committed():
        if (each.source, each.route) != (reading.source, reading.route):
            continue
        values = seen(reading.source, reading.route, reading.path, (each,))
        atoms = len(source(each.source).read(each.payload).crystal) if "/cell" in reading.unit and values else 1
        found += [sized(conversion(reading.unit, prop.unit)(number(value), atoms), prop) for value in values]
    assert found and all(prop.low <= value <= prop.high for value in found)


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded answers of the real services are not at {WIRE}")
def test_aflow_s_anisotropy_and_poisson_ratio_are_what_the_catalog_says_they_are():
    told = [each.fields for each in of_the_services() if "ael_elastic_anisotropy" in each.fields]
    assert len(told) == 2
    for row in told:
        shear, bulk = (
            row[f"ael_{kind}_modulus_voigt"] / row[f"ael_{kind}_modulus_reuss"] for kind in ("shear", "bulk")
        )
        assert row["ael_elastic_anisotropy"] == pytest.approx(5 * shear + bulk - 6, abs=2e-4)
        g, k = row["ael_shear_modulus_vrh"], row["ael_bulk_modulus_vrh"]
        assert row["ael_poisson_ratio"] == pytest.approx((3 * k - 2 * g) / (6 * k + 2 * g), abs=1e-5)
        assert row["agl_acoustic_debye"] == pytest.approx(row["agl_debye"] / int(row["natoms"]) ** (1 / 3), rel=2e-3)


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded answers of the real services are not at {WIRE}")
def test_volumes_are_those_of_the_cells_whose_atoms_divide_them():
    """A volume per another cell than the record's own would be a wrong volume per atom."""
    paths, checked = {"aflow": "volume_cell", "oqmd": "_oqmd_volume"}, 0
    for each in of_the_services():
        if each.source in paths:
            volume = each.fields.get(paths[each.source])
            if volume is not None:
                crystal = source(each.source).read(each.payload).crystal
                assert volume == pytest.approx(crystal.volume, rel=1e-3)
                checked += 1
    assert checked == 203
