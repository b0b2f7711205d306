"""A telling that is told as it is: its database tells what it holds, and nothing that merely follows from that."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from lake.crawl import crawl
from lake.entries import write_entries
from lake.extract import write_observations
from lake.properties import PROPERTIES
from lake.sample.mirror import serving
from lake.sample.mirror.materials_project_properties import PROPERTIES as ROUTES
from lake.sample.real import AFLOW_COLUMNS, FILES, MP_COLUMNS, MissingData, aflow, materials_project, real_folder
from lake.sample.telling import Telling
from lake.settings import Settings
from lake.sources import source_named
from lake.store import Lake
from lake.tables import OBSERVATIONS
from tests.lake._internet import VALUES, telling
from tests.lake.sample.mirror.conftest import KEY

OF_THE_CELL = "volume_per_atom"  # a CIF says its volume itself


def observed(root, tellings: list[Telling]) -> dict[tuple[str, str, str], float]:
    """(source, entry's id there, property) -> value: everything that a lake of these tellings comes to hold."""
    lake = Lake(root)
    with serving(tellings) as url:
        settings = Settings.for_mirror(url, root=root)
        for name in sorted({each.source for each in tellings}):
            crawl(lake, source_named(name, settings))
            write_entries(lake, source_named(name, settings))
    for name, known in PROPERTIES.items():
        if known.readings:
            write_observations(lake, name)
    rows = lake.read(OBSERVATIONS).select("source", "entry_id", "property", "value").iter_rows()
    found = [((source, entry_id.partition(":")[2], name), value) for source, entry_id, name, value in rows]
    assert len(dict(found)) == len(found)
    return dict(found)


def held(tellings: list[Telling]) -> dict[tuple[str, str, str], float]:
    """The same of what the tellings themselves hold, and the volumes of their cells."""
    return {
        (each.source, each.source_id, name): value
        for each in tellings
        for name, value in {**each.values, OF_THE_CELL: each.crystal.volume / len(each.crystal)}.items()
    }


def test_a_lake_of_it_holds_its_own_numbers_and_no_other(tmp_path):
    tellings = [telling(source, number) for source in ("mp", "aflow", "oqmd") for number in (1, 2)]
    poor = replace(telling("mp", 3), values={"bulk_modulus": 150.0})
    as_they_are = [replace(each, derives=False) for each in (*tellings, poor)]
    assert observed(tmp_path, as_they_are) == pytest.approx(held(as_they_are), rel=1e-4)


def test_routes_whose_documents_are_derived_have_none_and_summary_says_so():
    with serving([replace(telling("mp", 1), derives=False)]) as url:
        pages = {route: requests.get(f"{url}/mp/materials/{route}/", headers=KEY).json() for route in ROUTES}
        query = {"_fields": "has_props,bulk_modulus,is_stable"}
        (summary,) = requests.get(f"{url}/mp/materials/summary/", query, headers=KEY).json()["data"]
    assert [page["meta"]["total_doc"] for page in pages.values()] == [0] * len(ROUTES)
    assert {name for name, has in summary["has_props"].items() if has} == {"materials", "electronic_structure"}
    assert summary["bulk_modulus"] == {"voigt": None, "reuss": None, "vrh": VALUES["mp"]["bulk_modulus"]}


def test_a_lake_of_the_real_files_holds_no_number_that_no_file_has(tmp_path):
    try:
        folder = real_folder()
    except MissingData as absent:
        pytest.skip(str(absent))
    told = materials_project(folder / FILES["mp"]), aflow(folder / FILES["aflow"])
    tellings = [one for each in told for one in sorted(each, key=lambda one: -len(one.values))[:25]]
    named = {name for one in tellings for name in one.values}
    assert named == {*MP_COLUMNS, *AFLOW_COLUMNS, "magnetization_per_atom"}
    wanted = {key: abs(value) if key[2] == "magnetization_per_atom" else value for key, value in held(tellings).items()}
    assert observed(tmp_path, tellings) == pytest.approx(wanted, rel=1e-6, abs=1e-7)
