"""Answers in the shape of the real ones, and the recorded real ones, are read, or refused by name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import orjson
import pytest

from lake.crystal import CrystalError
from lake.settings import Settings
from lake.sources import aflow_rows, crystallography_open, oqmd, source_named
from lake.sources.answers import NotData
from lake.sources.page import Unusable

SHAPES = Path(__file__).parents[2] / "recorded"
WIRE = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire"
real = pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded answers of the real services are not at {WIRE}")


def source(name: str):
    return source_named(name, Settings())


def payload(row: object) -> str:
    return orjson.dumps(row).decode()


def test_a_summary_document_is_read_with_its_licence_and_assumed_level():
    good, empty = json.loads((SHAPES / "mp/summary.json").read_text())["data"]
    entry = source("mp").read(payload(good))
    assert entry.crystal.counts == {"O": 1, "Mg": 1}
    assert (entry.level_of_theory, entry.licence) == ("PBE", "CC BY 4.0")
    assert source("mp").read(payload({**good, "run_type": "GGA+U"})).level_of_theory == "PBE+U"
    assert source("mp").read(payload({**good, "run_type": "r2SCAN"})).level_of_theory == "r2SCAN"
    assert source("mp").read(payload({**good, "builder_meta": {"license": "BY-NC"}})).licence == "CC BY-NC 4.0"
    with pytest.raises(Unusable, match="must hold a structure"):
        source("mp").read(payload(empty))


def test_a_site_shared_by_two_elements_is_disorder():
    good = json.loads((SHAPES / "mp/summary.json").read_text())["data"][0]
    good["structure"]["sites"][0]["species"] = [{"element": "Mg", "occu": 0.5}, {"element": "Fe", "occu": 0.5}]
    with pytest.raises(CrystalError, match="disorder"):
        source("mp").read(payload(good))


def test_both_paging_shapes_of_aflux_tell_the_same():
    total, told_as_text = aflow_rows.rows_of((SHAPES / "aflow/unmuted.json").read_bytes())
    _, told_as_numbers = aflow_rows.rows_of((SHAPES / "aflow/muted.json").read_bytes())
    assert total == 2
    one, other = (source("aflow").read(payload(rows[0])) for rows in (told_as_text, told_as_numbers))
    assert one.crystal.structure_hash == other.crystal.structure_hash
    assert source("aflow").stamp(payload(told_as_text[0])) == source("aflow").stamp(payload(told_as_numbers[0]))
    fields = source("aflow").fields(payload(told_as_text[0]))
    assert (fields["Egap"], fields["ael_bulk_modulus_vrh"], fields["compound"]) == (4.46, 151.3, "Mg1O1")


def test_aflow_tells_the_level_of_theory_row_by_row():
    _, rows = aflow_rows.rows_of((SHAPES / "aflow/unmuted.json").read_bytes())
    _, others = aflow_rows.rows_of((SHAPES / "aflow/muted.json").read_bytes())
    assert [aflow_rows.level_of(row) for row in (*rows, *others)] == ["PBE", "PBE+U", "PBE", "LDA"]
    assert aflow_rows.level_of({"dft_type": ["PAW_PBE_KIN:SCAN"]}) == "SCAN"


@pytest.mark.parametrize(
    "body", [b"DB Fail!null", b"Lux Fail! x", b"", b'{"error": "no"}', b"\xef\xbb\xbf", b'[{"x": 1}]']
)
def test_aflux_errors_with_status_200_are_no_data(body):
    with pytest.raises(NotData):
        aflow_rows.rows_of(body)


def test_an_empty_catalog_is_an_empty_list():
    assert aflow_rows.rows_of(b"[]") == (0, [])
    assert aflow_rows.rows_of(b"\xef\xbb\xbf{}") == (0, [])


def test_an_oqmd_page_is_read_and_ends_without_a_link():
    answer = oqmd.page_of((SHAPES / "oqmd/structures.json").read_bytes())
    good, mixed = answer["data"]
    assert oqmd.next_link(answer) is None
    assert oqmd.next_link({"links": {"next": {"href": "x"}}}) == oqmd.next_link({"links": {"next": "x"}}) == "x"
    assert source("oqmd").read(payload(good)).crystal.positions.tolist()[1] == pytest.approx([0.5, 0.5, 0.5])
    assert source("oqmd").fields(payload(good))["_oqmd_stability"] == -0.01
    with pytest.raises(CrystalError, match="disorder"):
        source("oqmd").read(payload(mixed))


@pytest.mark.parametrize(
    "name, entry, count, level", [("cod", "9008564", 8, "experiment"), ("pcod", "8000001", 24, None)]
)
def test_an_entry_of_the_crystallography_engine_is_read(name, entry, count, level):
    rows = crystallography_open.rows_of((SHAPES / name / "result.json").read_bytes())
    cif = crystallography_open.cif_of((SHAPES / name / f"{entry}.cif").read_bytes())
    found = source(name).read(payload({"row": rows[0], "cif": cif}))
    assert len(found.crystal) == count
    assert found.level_of_theory == (level or "GRINSP model")
    assert source(name).stamp(payload({"row": rows[0], "cif": cif})) == rows[0]["svnrevision"]
    for withdrawn in rows[1:]:
        with pytest.raises(Unusable, match=r"theoretical|retracted"):
            source(name).read(payload({"row": withdrawn, "cif": cif}))


@real
def test_all_recorded_oqmd_structures_become_crystals():
    pages = json.loads((WIRE / "oqmd/optimade_five_pages.json").read_text())
    rows = [row for page in pages for row in oqmd.page_of(orjson.dumps(page))["data"]]
    crystals = [source("oqmd").read(payload(row)).crystal.checked() for row in rows]
    assert len(crystals) == 1000 == len({row["id"] for row in rows})
    home = source("oqmd")._http
    assert all(home.own(oqmd.next_link(page)).startswith("https://oqmd.org/optimade/") for page in pages)


@real
@pytest.mark.parametrize("name", ["rosenbrockc_aflow_tests_data0", "rosenbrockc_aflow_tests_data1"])
def test_recorded_unmuted_aflux_pages_tell_their_total(name):
    total, rows = aflow_rows.rows_of((WIRE / f"aflow/{name}.json").read_bytes())
    assert total == 912 and len(rows) == 20
    assert all(isinstance(source("aflow").fields(payload(row))["Egap"], float) for row in rows)


@real
@pytest.mark.parametrize("name", ["aflux_muted_paging_list_lematerial", "propnet_three_entries"])
def test_recorded_aflow_entries_become_crystals(name):
    _, rows = aflow_rows.rows_of((WIRE / f"aflow/{name}.json").read_bytes())
    entries = [source("aflow").read(payload(row)) for row in rows]
    assert all(len(entry.crystal.checked()) for entry in entries)
    if name.startswith("aflux"):
        assert [entry.level_of_theory for entry in entries][-1] == "LDA"


@real
def test_the_recorded_page_of_materials_project_becomes_crystals():
    rows = json.loads((WIRE / "mp/local_emmet_summary_p1.json").read_text())["data"]
    assert all(len(source("mp").read(payload(row)).crystal.checked()) for row in rows)
    assert source("mp").fields(payload(rows[0]))["bulk_modulus"]["vrh"] == 149.5
