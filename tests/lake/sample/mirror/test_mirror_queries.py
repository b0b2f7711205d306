"""What may be asked, how pages are cut, and how each database refuses."""

import ast
import csv
import hashlib
import io
from pathlib import Path

import pytest
import requests

from lake.sample.mirror import build_app, serving
from lake.sample.telling import Telling
from tests.lake.sample.mirror.conftest import KEY, quartz, tellings


@pytest.fixture()
def rester(mirror):
    """Materials Project's own client, pointed at the mirror."""
    from mp_api.client import MPRester

    with MPRester("k" * 32, endpoint=f"{mirror}/mp/", use_document_model=False, mute_progress_bars=True) as client:
        yield client


def summary(mirror, **query):
    return requests.get(f"{mirror}/mp/materials/summary/", params=query, headers=KEY)


def test_mp_api_reads_every_page(rester):
    found = rester.materials.summary.search(deprecated=False, fields=["material_id", "structure"], chunk_size=1)
    assert [document["material_id"] for document in found] == ["mp-149", "mp-22862"]


def test_mp_api_finds_by_id_and_by_range(rester):
    assert len(rester.materials.summary.search(material_ids=["mp-22862"], fields=["material_id"])) == 1
    found = rester.materials.summary.search(band_gap=(5.5, 7.0), fields=["material_id"])
    assert [document["material_id"] for document in found] == ["mp-149"]


def test_mp_api_builds_its_own_documents(mirror):
    from mp_api.client import MPRester

    with MPRester("k" * 32, endpoint=f"{mirror}/mp/", mute_progress_bars=True) as client:
        document = client.materials.summary.search(material_ids=["mp-149"])[0]
    assert document.structure.composition.reduced_formula == "SiO2"
    assert document.symmetry.number == 154


def test_every_field_of_a_summary_document_is_known(mirror):
    from emmet.core.summary import SummaryDoc

    fields = set(SummaryDoc.model_fields) - {"prop_origins"}
    assert set(summary(mirror, _all_fields="true").json()["data"][0]) == fields


def test_materials_project_gives_ids_alone_by_default(mirror):
    assert summary(mirror).json()["data"] == [{"material_id": "mp-149"}, {"material_id": "mp-22862"}]


def test_materials_project_hides_deprecated_documents_unless_asked(mirror):
    assert summary(mirror, deprecated="True").json()["data"] == [{"material_id": "mp-7000"}]


def test_pages_by_number_override_pages_by_skip(mirror):
    page = summary(mirror, _page=2, _per_page=1, _skip=0).json()
    assert page["data"] == [{"material_id": "mp-22862"}] and page["meta"]["total_doc"] == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"_limit": "1001"}, "Requested more data per query than allowed"),
        ({"foo": "1"}, "Request contains query parameters which cannot be used: foo"),
        ({"_sort_fields": "nsites,volume"}, "at most 1 field"),
    ],
)
def test_materials_project_refuses_with_400(mirror, query, words):
    answer = summary(mirror, **query)
    assert answer.status_code == 400 and words in answer.json()["detail"]


def test_materials_project_wants_a_key(mirror):
    assert requests.get(f"{mirror}/mp/materials/summary/").status_code == 401


@pytest.mark.parametrize("asked", ["mp-149", "mp-ft", "mp-aaaaaaft"])
def test_ids_are_understood_in_their_newer_form(mirror, asked):
    assert summary(mirror, material_ids=asked).json()["data"] == [{"material_id": "mp-149"}]


@pytest.mark.parametrize(
    ("summons", "auids"),
    [
        ("auid,$paging(0)", "123"),
        ("auid,$paging(1,2)", "12"),
        ("auid,$paging(2,2)", "3"),
        ("auid,$paging(-1,2)", "32"),
        ("auid,$catalog(LIB2),$paging(0)", "1"),
        ("auid,species(Na:Si),$paging(0)", "123"),
        ("auid,species(Na,Cl),nspecies(2),$paging(0)", "23"),
        ("auid,species(!Na),$paging(0)", "1"),
        ("auid,Egap(*),$paging(0)", "12"),
        ("auid,Egap(5.5*,*6),$paging(0)", "1"),
        ("$Egap(5.5*,*6),auid,%24paging(0)", "1"),
        ("auid('aflow:3333333333333333'),$paging(0)", "3"),
        ("$Egap,auid,$paging(0)", "213"),
        ("catalog(CFAFLOW_LIB1),$paging(0)", ""),
    ],
)
def test_a_summons_selects_sorts_and_pages(mirror, summons, auids):
    rows = requests.get(f"{mirror}/aflow/API/aflux/?{summons}").json()
    assert "".join(row["auid"][-1] for row in rows) == auids


def test_muted_words_filter_but_are_not_given(mirror):
    row = requests.get(f"{mirror}/aflow/API/aflux/?auid,$Egap(5.5*),$paging(0)").json()[0]
    assert set(row) == {"compound", "auid", "aurl", "spacegroup_relax", "Pearson_symbol_relax"}


def test_aflux_fails_in_words_with_status_200(mirror):
    for summons, words in (("unheard_of", "DB Fail!null"), ("paging(one)", "Lux Fail")):
        answer = requests.get(f"{mirror}/aflow/API/aflux/?{summons}")
        assert answer.status_code == 200 and words in answer.text


def test_following_next_gives_every_structure_of_oqmd_once(mirror):
    url, ids, more = f"{mirror}/oqmd/optimade/structures?page_limit=2&response_fields=nsites", [], None
    while url:
        page = requests.get(url).json()
        ids += [row["id"] for row in page["data"]]
        url, more = page["links"]["next"], page["meta"]["more_data_available"]
    assert ids == [4066011, 4066101, 4066203]
    assert more is True  # as in qmpy, although nothing follows


def test_oqmd_gives_structure_fields_that_cost_only_when_asked(mirror):
    attributes = requests.get(f"{mirror}/oqmd/optimade/structures").json()["data"][0]["attributes"]
    assert not {"species", "elements_ratios", "dimension_types", "_oqmd_direct_site_positions"} & set(attributes)
    assert attributes["last_modified"] is None


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("nelements=2", 3),
        ('elements HAS "Si"', 1),
        ('elements HAS ALL "Na","Cl" AND nsites>8', 1),
        ("_oqmd_stability<=0", 1),
    ],
)
def test_oqmd_filters(mirror, text, count):
    answer = requests.get(f"{mirror}/oqmd/optimade/structures", params={"filter": text}).json()
    assert (answer["meta"]["data_returned"], answer["meta"]["data_available"]) == (count, 3)


@pytest.mark.parametrize("query", ["filter=nelements", "filter=foo=1", "response_fields=foo", "page_limit=ten"])
def test_oqmd_refuses_with_400(mirror, query):
    assert requests.get(f"{mirror}/oqmd/optimade/structures?{query}").status_code == 400


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("id=1000041,9000041", ["1000041", "9000041"]),
        ("id=9%25", ["9000041", "9000042", "9000043"]),
        ("el1=Si&el2=O", ["9000041"]),
        ("nel1=Si&strictmax=2&vmax=200", ["1000041", "9000043"]),
        ("formula=Cl Na&id=1%25", ["1000041"]),
    ],
)
def test_cod_searches_by_id_element_formula_and_cell(mirror, query, ids):
    assert requests.get(f"{mirror}/cod/result?format=lst&{query}").text.split() == ids
    assert requests.get(f"{mirror}/cod/result?format=count&{query}").text == str(len(ids))
    assert [row["file"] for row in requests.get(f"{mirror}/cod/result?format=json&{query}").json()] == ids


def test_urls_of_cod_lead_to_its_files(mirror):
    for url in requests.get(f"{mirror}/cod/result?format=urls").text.split():
        assert requests.get(url).text.startswith("#---")


@pytest.mark.parametrize("query", ["nel=2", "a_min=1", "vmax=large"])
def test_cod_refuses_what_it_cannot_search_by(mirror, query):
    assert requests.get(f"{mirror}/cod/result?format=lst&{query}").status_code == 400


def test_rows_of_cod_come_as_csv_too(mirror):
    answer = requests.get(f"{mirror}/cod/result?format=csv&id=1000041").text
    assert [row["formula"] for row in csv.DictReader(io.StringIO(answer))] == ["- Cl Na -"]


def test_what_cod_does_not_hold_is_not_found(mirror):
    assert requests.get(f"{mirror}/cod/7777777.cif").status_code == 404


def test_pcod_files_lie_in_folders_of_their_own_scheme(mirror):
    assert requests.get(f"{mirror}/pcod/cif/3/310/3102887.cif").status_code == 200
    assert requests.get(f"{mirror}/pcod/cif/3/10/3102887.cif").status_code == 404
    assert requests.get(f"{mirror}/pcod/result?format=lst").text.split() == ["3102887"]


def test_open_catalyst_files_have_the_md5_of_the_list_and_come_in_parts(mirror):
    md5, path = requests.get(f"{mirror}/ocp/index.txt").text.split()
    whole = requests.get(f"{mirror}/ocp/{path}").content
    assert hashlib.md5(whole).hexdigest() == md5
    parts = [requests.get(f"{mirror}/ocp/{path}", headers={"Range": f"bytes={part}"}) for part in ("0-99", "100-")]
    assert [part.status_code for part in parts] == [206, 206]
    assert b"".join(part.content for part in parts) == whole


PATHS = (
    "/mp/materials/summary/?_all_fields=true", "/aflow/API/aflux/?auid,aflowlib_date,geometry,$paging(0)",
    "/oqmd/optimade/structures", "/oqmd/oqmdapi/formationenergy", "/cod/result?format=json", "/cod/9000041.cif",
    "/pcod/result?format=json", "/ocp/index.txt", "/ocp/per_adsorbate_is2res/0.tar",
)  # fmt: skip


def test_two_identical_requests_differ_in_time_stamps_alone(mirror):
    with serving(tellings()) as other:
        for path in PATHS:
            assert _body(mirror + path, mirror) == _body(other + path, other), path


def test_markers_change_with_the_content_and_only_then(mirror):
    changed = [
        Telling(
            t.source, t.source_id, t.crystal, dict(t.values) | {"band_gap": 5.5}, t.level_of_theory, t.truth, t.facts
        )
        if t.source_id in ("mp-149", "aflow:1111111111111111", "9000041")
        else t
        for t in tellings()
    ]
    with serving(changed) as other:
        assert _release(other) != _release(mirror)
        assert _changed(_dates(mirror), _dates(other)) == {"aflow:1111111111111111"}
        assert _changed(_revisions(mirror), _revisions(other)) == {"9000041"}
        assert _changed(_documents(mirror), _documents(other)) == {"mp-149"}


def test_a_database_tells_an_id_once():
    telling = Telling("cod", "1000041", quartz())
    with pytest.raises(ValueError, match="found twice: cod:1000041"):
        build_app([telling, telling])


def test_a_source_that_is_none_of_the_six_is_refused():
    with pytest.raises(ValueError, match="must be one of"):
        build_app([Telling("icsd", "1", quartz())])


def test_mirror_and_crawlers_share_no_code():
    import lake.sample.mirror

    for file in Path(lake.sample.mirror.__file__).parent.glob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        assert not [name for name in names if name.startswith(("lake.sources", "lake.cif"))], file.name


def test_the_server_listens_on_loopback_alone(mirror):
    assert mirror.startswith("http://127.0.0.1:")


def test_faults_hit_one_database_and_can_be_lifted():
    down, html = {"mp"}, {"cod"}
    with serving(tellings(), down=down, html=html, stumble={"aflow": 2}) as url:
        assert requests.get(f"{url}/mp/heartbeat").status_code == 503
        assert requests.get(f"{url}/cod/result?format=json").headers["content-type"].startswith("text/html")
        bodies = [requests.get(f"{url}/aflow/API/aflux/?auid,$paging(0)").text[:7] for _ in range(4)]
        assert [body == "DB Fail" for body in bodies] == [False, True, False, True]
        assert requests.get(f"{url}/oqmd/optimade/structures").ok
        down.clear(), html.clear()
        assert requests.get(f"{url}/mp/heartbeat").ok
        assert requests.get(f"{url}/cod/result?format=json").json()


def _body(url: str, base: str):
    answer = requests.get(url, headers=KEY)
    if "json" not in answer.headers["content-type"]:
        return answer.content
    body = answer.json()
    if isinstance(body, dict):
        body.get("meta", {}).pop("time_stamp", None)
    return str(body).replace(base, "")


def _release(url: str) -> str:
    return requests.get(f"{url}/mp/heartbeat").json()["db_version"]


def _documents(url: str) -> dict:
    return {row["material_id"]: row for row in summary(url, _all_fields="true").json()["data"]}


def _dates(url: str) -> dict:
    rows = requests.get(f"{url}/aflow/API/aflux/?auid,aflowlib_date,$paging(0)").json()
    return {row["auid"]: row["aflowlib_date"] for row in rows}


def _revisions(url: str) -> dict:
    return {row["file"]: row["svnrevision"] for row in requests.get(f"{url}/cod/result?format=json").json()}


def _changed(before: dict, after: dict) -> set:
    return {name for name in before if before[name] != after[name]}
