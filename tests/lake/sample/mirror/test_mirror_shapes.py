"""Every kind of page is held against the shape of a recorded answer: the same keys, types and nesting."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import gemmi
import pytest
import requests

from tests.lake.sample.mirror.conftest import KEY, RECORDED

# what EmmetMeta holds in real documents; the made-up documents of the recorded page left it out
BUILDER = {"emmet_version", "pymatgen_version", "run_id", "build_date"}
# AFLUX gives these to every answer since its recorded un-muted ones, of 2017
SINCE_2017 = {"spacegroup_relax", "Pearson_symbol_relax"}


def hold(found, recorded, extra=frozenset(), at="answer"):
    """Fail where `found` has other keys, types or nesting than `recorded`. A null may stand for any value."""
    if found is None or recorded is None:
        return
    if isinstance(recorded, dict):
        assert isinstance(found, dict), f"{at}: an object was recorded, found {found!r}"
        assert set(recorded) <= set(found), f"{at}: missing {set(recorded) - set(found)}"
        assert set(found) - set(recorded) <= extra, f"{at}: not recorded {set(found) - set(recorded)}"
        for name, value in recorded.items():
            hold(found[name], value, extra, f"{at}.{name}")
    elif isinstance(recorded, list):
        assert isinstance(found, list), f"{at}: a list was recorded, found {found!r}"
        if recorded:
            for one in found:
                hold(one, recorded[0], extra, f"{at}[]")
    elif isinstance(recorded, bool) or isinstance(found, bool) or isinstance(recorded, str):
        assert type(found) is type(recorded), f"{at}: {recorded!r} was recorded, found {found!r}"
    else:
        assert isinstance(found, int | float), f"{at}: a number was recorded, found {found!r}"


@pytest.fixture(params=["by hand", "recorded"])
def answer(request):
    """Opens a shape written by hand, or the recorded answer of the real service."""

    def open_one(by_hand: str, wire: str) -> str:
        if request.param == "by hand":
            return (RECORDED / by_hand).read_text()
        return (request.getfixturevalue("real_folder") / "wire" / wire).read_text()

    return open_one


def test_a_heartbeat_has_the_recorded_shape(mirror, answer):
    recorded = json.loads(answer("mp/shape_heartbeat.json", "mp/local_emmet_heartbeat.json"))
    found = requests.get(f"{mirror}/mp/heartbeat").json()
    hold(found, recorded)
    assert list(found) == list(recorded)


def test_a_page_of_summaries_has_the_recorded_shape(mirror, answer):
    recorded = json.loads(answer("mp/shape_summary.json", "mp/local_emmet_summary_p1.json"))
    fields = {"_fields": ",".join(recorded["data"][0])}
    found = requests.get(f"{mirror}/mp/materials/summary/", params=fields, headers=KEY).json()
    assert len(found["data"]) == 2
    recorded["data"][0]["composition"] = recorded["data"][0]["composition_reduced"] = {}
    hold(found, recorded, BUILDER | {"Na", "Cl", "Si", "O"})


def test_a_page_with_paging_heard_has_the_recorded_shape(mirror, answer):
    recorded = json.loads(answer("aflow/shape_unmuted.json", "aflow/rosenbrockc_aflow_tests_data0.json"))
    found = requests.get(f"{mirror}/aflow/API/aflux/?agl_thermal_conductivity_300K(*),Egap,paging(1,5)").json()
    assert [re.sub(r"\d+", "n", key) for key in found] == ["n of n"]
    hold(list(found.values()), list(recorded.values()), SINCE_2017)
    assert all(isinstance(value, str) for row in found.values() for value in row.values())


def test_a_page_with_paging_muted_has_the_recorded_shape(mirror, answer):
    recorded = json.loads(answer("aflow/shape_muted.json", "aflow/aflux_muted_paging_list_lematerial.json"))
    columns = "geometry,species,composition,positions_fractional,catalog"
    found = requests.get(f"{mirror}/aflow/API/aflux/?{columns},$paging(1,5)").json()
    assert len(found) == 3
    for row in recorded:  # one date is a string, several are a list: told apart below
        row.pop("aflowlib_date"), row.pop("energy_cell", None)
    hold(found, recorded)


def test_dates_come_as_one_string_or_a_list_of_them(mirror, answer):
    recorded = json.loads(answer("aflow/shape_muted.json", "aflow/aflux_muted_paging_list_lematerial.json"))
    found = requests.get(f"{mirror}/aflow/API/aflux/?auid,aflowlib_date,$paging(1,5)").json()
    form = {re.sub(r"\d", "9", date) for row in found for date in _listed(row["aflowlib_date"])}
    assert form == {re.sub(r"\d", "9", date) for row in recorded[:1] for date in _listed(row["aflowlib_date"])}
    assert {type(row["aflowlib_date"]) for row in found} == {str, list}


def test_worded_values_are_written_as_in_complete_entries(mirror, real_folder):
    entry = json.loads((real_folder / "wire/aflow/propnet_three_entries.json").read_text())[0]
    names = (
        "geometry,species,composition,positions_fractional,dft_type,spin_atom,spin_cell,natoms,nspecies,volume_cell,"
        "volume_atom,stoichiometry,Egap,Egap_type,agl_debye,ael_bulk_modulus_vrh,code,data_source,aflowlib_version"
    )
    found = requests.get(f"{mirror}/aflow/API/aflux/?auid('aflow:2222222222222222'),{names},paging(1)").json()["1 of 1"]
    for name in names.split(","):
        if name in entry and found[name] is not None:
            assert _written(found[name]) == _written(entry[name]), name


def test_a_page_of_structures_has_the_recorded_shape(mirror, answer):
    recorded = json.loads(answer("oqmd/shape_optimade.json", "oqmd/optimade_five_pages.json"))[0]
    fields = parse_qs(urlsplit(recorded["links"]["next"]).query)["response_fields"][0]
    query = {"page_limit": "2", "response_fields": fields}
    found = requests.get(f"{mirror}/oqmd/optimade/structures", params=query).json()
    assert isinstance(found["links"]["next"], str)
    assert all(type(row["id"]) is int for row in found["data"])
    hold(found, recorded)
    assert set(parse_qs(urlsplit(found["links"]["next"]).query)) == {"page_limit", "page_offset", "response_fields"}


def test_a_page_of_formation_energies_has_the_recorded_shape(mirror, answer):
    recorded = json.loads(answer("oqmd/shape_formationenergy.json", "oqmd/oqmdapi_formationenergy_200rows.json"))
    found = requests.get(f"{mirror}/oqmd/oqmdapi/formationenergy?limit=2").json()
    hold(found["data"], recorded["data"])
    hold(found["links"], recorded["links"])
    number = r"-?(0\.\d{1,7}|0|1)"
    form = re.compile(rf"[A-Z][a-z]? @ {number} {number} {number}")
    sites = [site for row in (*recorded["data"], *found["data"]) for site in row["sites"]]
    assert all(form.fullmatch(site) for site in sites)


def test_a_row_of_cod_has_the_recorded_shape(mirror, answer):
    recorded = json.loads(answer("cod/shape_result.json", "cod/result_json_shape.json"))[0]
    found = requests.get(f"{mirror}/cod/result?format=json").json()
    assert len(found) == 4
    for row in found:
        assert set(recorded) <= set(row)
        assert all(value is None or isinstance(value, str) for value in row.values())
        assert re.fullmatch(r"- \S.* -", row["formula"]) and re.fullmatch(r"- \S.* -", recorded["formula"])


def test_a_cif_uses_data_names_of_real_ones(mirror, answer):
    real = answer("cod/shape_entry.cif", "cod/9008393.cif")
    found = requests.get(f"{mirror}/cod/1000041.cif").text
    unsaid_in_9008393 = {
        "_cell_formula_units_Z",
        "_cell_measurement_temperature",
        "_atom_site_type_symbol",
        "_atom_site_occupancy",
    }
    assert _tags(found) <= _tags(real) | unsaid_in_9008393
    for line in ("Date", "Revision", "URL"):
        form = re.compile(rf"^#\${line}: .+ \$$", re.MULTILINE)
        assert form.search(real) and form.search(found)


def test_every_data_name_occurs_in_real_files(mirror, real_folder):
    real = set()
    for file in (real_folder / "wire/cod/cif").glob("*.cif"):
        real |= set(re.findall(r"^(_\S+)", file.read_bytes().decode(errors="replace"), re.MULTILINE))
    assert _tags(requests.get(f"{mirror}/cod/1000041.cif").text) <= real


def test_a_trajectory_has_the_recorded_comment_and_columns(mirror, answer):
    import io
    import lzma
    import tarfile

    real = answer("ocp/shape_relaxation.extxyz", "oc20/random1000129.extxyz").splitlines()
    content = requests.get(f"{mirror}/ocp/per_adsorbate_is2res/0.tar").content
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = lzma.decompress(tar.extractfile("0/0/random1.extxyz.xz").read()).decode().splitlines()
    assert re.findall(r"(\w+)=", found[1]) == re.findall(r"(\w+)=", real[1])
    assert re.search(r"Properties=\S+ ", found[1])[0] == re.search(r"Properties=\S+ ", real[1])[0]
    assert re.sub(r"-?\d+\.\d{8}", "9", " ".join(found[2].split()[1:])) == "9 9 9 F 9 9 9"
    assert re.sub(r"-?\d+\.\d{8}", "9", " ".join(real[2].split()[1:])) == "9 9 9 F 9 9 9"


def _listed(value):
    return value if isinstance(value, list) else [value]


def _written(text: str) -> str:
    """Numbers as 9, words as a, and lists only by their marks."""
    marks = re.sub(r"[A-Za-z][\w.:-]*", "a", re.sub(r"(?<![A-Za-z_.])-?\d+(\.\d+)?(e-?\d+)?(?!\w)", "9", text))
    return re.sub(r"(9,9,9)(;\1)*", r"\1", re.sub(r"^((\w),)+\2$", r"\2,\2", marks))


def _tags(text: str) -> set[str]:
    block = gemmi.cif.read_string(text)[0]
    tags = {item.pair[0] for item in block if item.pair}
    return tags | {tag for item in block if item.loop for tag in item.loop.tags}
