"""Every recorded answer is read, or refused by name; so are small ones of the same shapes, made by hand.

The recorded ones are no part of the project: without them the hand-made ones stand for their shapes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import orjson
import pytest
from starlette.responses import Response

from lake.crystal import Crystal, CrystalError
from lake.disordered import DisorderedCrystal
from lake.extxyz import frames
from lake.settings import Settings
from lake.sources import source_named
from lake.sources.aflow import rows as aflow_rows
from lake.sources.aflow import source as aflow
from lake.sources.page import Unusable
from lake.wire.answers import NotData
from lake.wire.http import Polite
from tests.lake._internet import internet

SHAPES = Path(__file__).parents[2] / "recorded"
WIRE = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire"
real = pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded answers of the real services are not at {WIRE}")


@cache
def source(name: str):
    return source_named(name, Settings())


def payload(row: object) -> str:
    return orjson.dumps(row).decode()


def crystals(name: str, rows: list) -> list[Crystal]:
    """Rows as a source reads them."""
    return [source(name).read(payload(row)).crystal.checked() for row in rows]


# Each reads a file and returns what it found in it; it raises where it finds what it should not.


def entries_of_aflow(file: Path) -> list[Crystal]:
    return crystals("aflow", aflow_rows.rows_of(file.read_bytes()).rows)


def fields_of_aflow(file: Path) -> list[float]:
    fields = [source("aflow").fields(payload(row)) for row in aflow_rows.rows_of(file.read_bytes()).rows]
    return [row["Egap"] for row in fields if isinstance(row["Egap"], float)]


def documents_of_mp(file: Path) -> list[Crystal]:
    return crystals("mp", [row for row in json.loads(file.read_text())["data"] if row["structure"]])


def heartbeat_of_mp(file: Path) -> list[str]:
    with internet([]) as net:
        net.fault = lambda path: Response(file.read_bytes()) if "heartbeat" in path else None
        marker = source_named("mp", net.settings()).marker()
    assert json.loads(file.read_text())["db_version"] in marker
    return [marker]


def structures_of_oqmd(file: Path) -> list[Crystal]:
    from lake.sources.optimade.provider import page_of

    told = json.loads(file.read_text())
    pages = told if isinstance(told, list) else [told]
    rows = [row for page in pages for row in page_of(orjson.dumps(page))["data"]]
    assert len({row["id"] for row in rows}) == len(rows)
    return crystals("oqmd", [row for row in rows if "disorder" not in refusal("oqmd", row)])


def formation_energies_of_oqmd(file: Path) -> list[Crystal]:
    """The envelope around the recorded rows is rebuilt, and does not say how many there are: no page, but rows."""
    from lake.sources.oqmd.rest import page_of

    answer = json.loads(file.read_text())
    rows = answer["data"]
    assert "_note" in answer["meta"] or page_of(file.read_bytes()) == answer
    for row in rows:
        fields = source("oqmd").fields(payload(row))
        assert (fields["_oqmd_delta_e"], fields["_oqmd_band_gap"]) == (row["delta_e"], row["band_gap"])
    return crystals("oqmd", rows)


def older_names_of_oqmd(file: Path) -> list[Crystal]:
    """Rows of a client of 2019, as today's REST interface tells them: with an id of the energy, without prefixes."""
    rows = [{name.removeprefix("_oqmd_"): value for name, value in row.items()} for row in json.loads(file.read_text())]
    assert all("formation energy" in refusal("oqmd", row) for row in rows)
    return crystals("oqmd", [{**row, "formationenergy_id": row["entry_id"]} for row in rows])


def structures_of_nobody(file: Path) -> list[str]:
    """A reference server's own examples, atoms on atoms; the recorded ones came without ids, so that no page is."""
    rows = json.loads(file.read_text())["data"]
    if not all("id" in row for row in rows):
        is_no_page(file)
    found = []
    for row in rows:
        try:
            found += crystals("oqmd", [row])
        except CrystalError as fault:
            assert "0.4 A apart" in str(fault)
            found.append(str(fault))
    return found


def is_no_page(file: Path) -> list[str]:
    from lake.sources.optimade.provider import page_of

    with pytest.raises(NotData) as refused:
        page_of(file.read_bytes())
    return [str(refused.value)]


def holds_no_structure(file: Path) -> list[str]:
    from lake.sources.optimade.provider import page_of

    reasons = [refusal("oqmd", row) for row in page_of(file.read_bytes())["data"]]
    assert all("cell vectors" in reason for reason in reasons)
    return reasons[:1]


def rows_of_cod(file: Path) -> list[object]:
    cif = (SHAPES / "cod/9008564.cif").read_text()
    fields = [source("cod").fields(payload({"row": row, "cif": cif})) for row in json.loads(file.read_text())]
    return [row["svnrevision"] for row in fields]


def cif(file: Path) -> list[Crystal | DisorderedCrystal | str]:
    """The crystal, or why there is none: in words of ours, which say the rule and what was found."""
    from lake.sources.crystallography_open.engine import cif_of

    told = {"row": {"file": file.stem[:7], "status": None}, "cif": cif_of(file.read_bytes())}
    try:
        return crystals("cod", [told])
    except (CrystalError, Unusable) as fault:
        assert len(str(fault)) > 30 and "Error" not in str(fault)
        return [str(fault)]


def last_frame(file: Path) -> list[Crystal]:
    with file.open() as lines:
        *_, text = frames(lines)
    return crystals("ocp", [{"extxyz": "".join(text)}])


def refusal(name: str, row: object) -> str:
    """Why a source does not read a row; empty where it does."""
    try:
        source(name).read(payload(row)).crystal.checked()
    except (CrystalError, Unusable) as fault:
        return str(fault)
    return ""


Reader = Callable[[Path], list]

# what stands in each kind of file, and how many: reader, recorded files, hand-made files
KINDS: list[tuple[Reader, dict[str, int], dict[str, int]]] = [
    (entries_of_aflow, {"aflow/aflux_muted_paging_list_lematerial.json": 5, "aflow/propnet_three_entries.json": 3},
     {"aflow/muted.json": 2, "aflow/unmuted.json": 2, "aflow/complete_entry.json": 2}),
    (fields_of_aflow, {f"aflow/rosenbrockc_aflow_tests_data{n}.json": 20 for n in (0, 1)}, {"aflow/unmuted.json": 2}),
    (documents_of_mp, {"mp/local_emmet_summary_p1.json": 2}, {"mp/summary.json": 1}),
    (heartbeat_of_mp, {"mp/local_emmet_heartbeat.json": 1}, {"mp/shape_heartbeat.json": 1}),
    (structures_of_oqmd, {"oqmd/optimade_five_pages.json": 1000, "optimade/oqmdlike_local_p1.json": 2},
     {"oqmd/structures.json": 1}),
    (formation_energies_of_oqmd, {"oqmd/oqmdapi_formationenergy_200rows.json": 200}, {"oqmd/formationenergy.json": 2}),
    (older_names_of_oqmd, {"oqmd/qmpy_rester_optimade_query_0.json": 10, "oqmd/qmpy_rester_oqmdapi_query_0.json": 5},
     {"oqmd/older_names.json": 2}),
    (structures_of_nobody, {"optimade/bundled_structures_p1.json": 3}, {"optimade/structures.json": 2}),
    (is_no_page, {f"optimade/{name}.json": 1 for name in
                  ("local_403", "bundled_info", "bundled_info_structures", "bundled_versions")},
     {"optimade/refused.json": 1, "optimade/info.json": 1}),
    (holds_no_structure, {"optimade/bundled_links.json": 1, "optimade/bundled_references.json": 1}, {}),
    (rows_of_cod, {"cod/result_json_shape.json": 1}, {"cod/result.json": 3}),
    (cif, {"cod/**/*.cif": 99}, {"cod/*.cif": 7}),
    (last_frame, {"oc20/*.extxyz": 8}, {"ocp/random1.extxyz": 1}),
]  # fmt: skip
# the mapping tables of Open Catalyst are pickles, and nothing here unpickles: these two show what stands in them
NOT_READ = {"oc20/oc20_data_mapping_example.json", "oc20/oc22_metadata_example.json"}


def of_all(which: int) -> list:
    """Reader, file and number of what it holds, as parameters of a test."""
    rows = [(kind[0], file, n) for kind in KINDS for file, n in kind[which].items()]
    return [pytest.param(*row, id=f"{row[0].__name__}-{row[1]}") for row in rows]


@pytest.mark.parametrize("read, file, number", of_all(2))
def test_answers_made_by_hand_are_read(read, file, number):
    assert sum(len(read(path)) for path in SHAPES.glob(file)) == number


@real
@pytest.mark.parametrize("read, file, number", of_all(1))
def test_recorded_answers_are_read(read, file, number):
    assert sum(len(read(path)) for path in WIRE.glob(file)) == number


@real
def test_no_recorded_answer_is_left_unread():
    read = {path for _, recorded, _ in KINDS for file in recorded for path in WIRE.glob(file)}
    there = {path for path in WIRE.rglob("*") if path.is_file()}
    assert {str(path.relative_to(WIRE)) for path in there - read} == NOT_READ


@real
def test_no_answer_made_by_hand_repeats_a_recorded_one():
    recorded = {path.read_bytes().strip() for path in WIRE.rglob("*") if path.is_file()}
    assert not [path for path in SHAPES.rglob("*.*") if path.read_bytes().strip() in recorded]


FAULTS = {
    "1001012-no-cell": "cell", "2004198-no-cell-angles": "cell", "1010246": "dummy atoms",
    "2000127-unknown-coordinates": "coordinates", "2100852-no-fract-coordinates": "coordinates|fract",
    "2000135-dummy-atom-coordinates": "dummy atoms", "2103187-misaligned-loop": "coordinates|loop",
    "sn5100-superspacegroup": "symmetry|modulated", "9000251": "formula|hydrogen",
}  # fmt: skip
FAULTS_BY_HAND = {
    "no_cell": "cell", "no_coordinates": "coordinates|fract", "unknown_coordinates": "coordinates",
    "partial_occupancy": r"0\.459 Mg per atom", "dummy_atom": "dummy atoms",
}  # fmt: skip


@real
@pytest.mark.parametrize("name, words", FAULTS.items())
def test_a_broken_recorded_cif_is_refused_for_its_fault(name, words):
    with pytest.raises((CrystalError, Unusable), match=words):
        raise CrystalError(cif(WIRE / f"cod/cif/{name}.cif")[0])


@pytest.mark.parametrize("name, words", FAULTS_BY_HAND.items())
def test_a_broken_cif_is_refused_for_its_fault(name, words):
    with pytest.raises((CrystalError, Unusable), match=words):
        raise CrystalError(cif(SHAPES / f"cod/{name}.cif")[0])


@real
def test_half_of_the_recorded_cifs_are_ordered_crystals():
    found = [one for path in WIRE.glob("cod/**/*.cif") for one in cif(path)]
    assert sum(isinstance(one, Crystal) for one in found) >= 45


@real
def test_a_quarter_of_the_recorded_cifs_are_disordered_crystals():
    found = [one for path in WIRE.glob("cod/**/*.cif") for one in cif(path)]
    assert sum(isinstance(one, DisorderedCrystal) for one in found) >= 24


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
    worded = aflow_rows.rows_of((SHAPES / "aflow/unmuted.json").read_bytes())
    native = aflow_rows.rows_of((SHAPES / "aflow/muted.json").read_bytes())
    assert (worded.total, worded.first, native.total, native.first) == (2, 1, None, None)
    one, other = (source("aflow").read(payload(told.rows[0])) for told in (worded, native))
    assert one.crystal.structure_hash == other.crystal.structure_hash
    assert aflow_rows.dates_of(worded.rows[0]) == aflow_rows.dates_of(native.rows[0])
    fields = source("aflow").fields(payload(worded.rows[0]))
    assert (fields["Egap"], fields["ael_bulk_modulus_vrh"], fields["compound"]) == (4.46, 151.3, "Mg1O1")
    assert "agl_thermal_conductivity_300K" not in fields  # an empty text


def test_aflow_tells_the_level_of_theory_row_by_row():
    rows = [row for name in ("unmuted", "muted") for row in
            aflow_rows.rows_of((SHAPES / f"aflow/{name}.json").read_bytes()).rows]  # fmt: skip
    assert [source("aflow").read(payload(row)).level_of_theory for row in rows] == ["PBE", "PBE+U", "PBE", "LDA"]


@real
def test_the_recorded_entries_of_aflow_tell_their_levels():
    rows = [row for name in ("aflux_muted_paging_list_lematerial", "propnet_three_entries") for row in
            aflow_rows.rows_of((WIRE / f"aflow/{name}.json").read_bytes()).rows]  # fmt: skip
    levels = [source("aflow").read(payload(row)).level_of_theory for row in rows]
    assert levels == ["PBE", "PBE", "PBE", "PBE", "LDA", "PBE+U", "PBE", "PBE"]


@real
def test_the_pages_of_a_recorded_question_follow_one_another():
    pages = [aflow_rows.rows_of((WIRE / f"aflow/rosenbrockc_aflow_tests_data{n}.json").read_bytes()) for n in (0, 1)]
    assert [(page.total, page.first, len(page.rows)) for page in pages] == [(912, 1, 20), (912, 21, 20)]


SAID_ELSEWHERE = {"catalog", "aflow_prototype_label_relax"}  # by aurl, and in AFLUX's answers alone


@pytest.mark.parametrize("file", ["complete_entry.json", pytest.param("propnet_three_entries.json", marks=real)])
def test_every_keyword_that_is_asked_for_stands_in_complete_entries(file):
    folder = SHAPES if file.startswith("complete") else WIRE
    entry = json.loads((folder / "aflow" / file).read_text())[0]
    assert set(aflow.KEYWORDS) - set(entry) == SAID_ELSEWHERE
    fields = source("aflow").fields(payload({name: entry.get(name) for name in aflow.KEYWORDS}))
    texts = {name for name in aflow.KEYWORDS if name.startswith(("ael_", "agl_", "energy_", "spin", "Egap"))}
    assert {name for name in texts & set(fields) if not isinstance(fields[name], float)} == {"Egap_type"}


def test_an_oqmd_page_is_read_and_a_mixture_is_refused():
    good, mixed = json.loads((SHAPES / "oqmd/structures.json").read_text())["data"]
    assert source("oqmd").read(payload(good)).crystal.positions.tolist()[1] == pytest.approx([0.5, 0.5, 0.5])
    assert source("oqmd").fields(payload(good))["_oqmd_stability"] == -0.01
    with pytest.raises(CrystalError, match="disorder"):
        source("oqmd").read(payload(mixed))


def test_oqmd_tells_the_same_crystal_over_optimade_and_over_rest():
    structure = json.loads((SHAPES / "oqmd/structures.json").read_text())["data"][0]
    energy = json.loads((SHAPES / "oqmd/formationenergy.json").read_text())["data"][0]
    assert structure["id"] == energy["formationenergy_id"]
    one, other = (source("oqmd").read(payload(row)) for row in (structure, energy))
    assert one.crystal.counts == other.crystal.counts and one.level_of_theory == other.level_of_theory
    assert one.crystal.smallest_distance() == pytest.approx(other.crystal.smallest_distance(), abs=1e-3)


@real
def test_recorded_links_of_oqmd_lead_to_itself():
    from lake.sources.optimade.provider import next_link

    home = Polite("oqmd", Settings())
    links = [next_link(page) for page in json.loads((WIRE / "oqmd/optimade_five_pages.json").read_text())]
    assert links[-1] and all(home.own(link).startswith("https://oqmd.org/optimade/") for link in links)


@pytest.mark.parametrize(
    "name, entry, count, level", [("cod", "9008564", 8, "experiment"), ("pcod", "8000001", 24, "GRINSP model")]
)
def test_an_entry_of_the_crystallography_engine_is_read(name, entry, count, level):
    rows = json.loads((SHAPES / name / "result.json").read_text())
    text = (SHAPES / name / f"{entry}.cif").read_text()
    found = source(name).read(payload({"row": rows[0], "cif": text}))
    assert (len(found.crystal), found.level_of_theory) == (count, level)
