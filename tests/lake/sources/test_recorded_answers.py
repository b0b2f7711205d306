"""Answers in the shape of the real ones, and the recorded real ones, are read, or refused by name."""

from __future__ import annotations

import io
import json
import lzma
import os
import tarfile
from pathlib import Path

import orjson
import pytest

from lake.crystal import CrystalError
from lake.settings import Settings
from lake.sources import aflow_rows, crystallography_open, relaxations, source_named
from lake.sources.answers import NotData
from lake.sources.open_catalyst import index_of
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


def archive(**members: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    file.seek(0)
    return file


def test_an_archive_gives_the_last_frames_verbatim_and_names_what_it_cannot_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (SHAPES / "ocp/random1.extxyz").read_text()
    half = lzma.compress(text.encode())[:-40]
    records, missing = relaxations.relaxations(
        archive(**{
            "0/system.txt": (SHAPES / "ocp/system.txt").read_bytes(),
            "0/random1.extxyz.xz": lzma.compress(text.encode()),
            "../../evil/random2.extxyz.xz": lzma.compress(text.encode()),
            "0/random3.extxyz.xz": half,
            "0/random4.extxyz.xz": lzma.compress(text[:-200].encode()),
            "0/notes.pkl": b"never opened",
        })
    )  # fmt: skip
    one, two = (orjson.loads(record.payload) for record in records)
    assert one["extxyz"] == "".join(text.splitlines(keepends=True)[5:])
    assert (one["energy"], one["adsorption_energy"], two["adsorption_energy"]) == (-11.5, -1.5, None)
    assert sorted(missing) == ["random3", "random4"]
    assert not list(tmp_path.iterdir())  # nothing was extracted
    entry = source("ocp").read(records[0].payload)
    assert (len(entry.crystal), entry.kind, entry.level_of_theory) == (3, "slab+adsorbate", "RPBE")


def test_a_list_of_md5s_is_read_and_a_web_page_is_not():
    assert index_of(b"d41d8cd98f00b204e9800998ecf8427e  a/0.tar\n") == {"a/0.tar": "d41d8cd98f00b204e9800998ecf8427e"}
    with pytest.raises(NotData):
        index_of(b"<html>0.tar</html>")


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


@real
def test_eight_recorded_relaxations_become_slabs():
    members = {
        f"0/{path.name}.xz": lzma.compress(path.read_bytes(), preset=0) for path in (WIRE / "oc20").glob("*.extxyz")
    }
    records, missing = relaxations.relaxations(archive(**members))
    assert len(records) == 8 and not missing
    for record in records:
        entry = source("ocp").read(record.payload)
        assert len(entry.crystal.checked()) > 20
        text = (WIRE / f"oc20/{record.source_id}.extxyz").read_text()
        assert text.endswith(orjson.loads(record.payload)["extxyz"])
