"""The real files: how many records each database serves, as they are, and what is said where files are missing."""

from collections import Counter

import pytest
import requests

from lake.sample.mirror import serving
from lake.sample.real import MissingData, aflow, cod, open_catalyst, oqmd, real_tellings
from tests.lake.sample.mirror.conftest import KEY


@pytest.fixture(scope="module")
def real(real_folder):
    """Every real telling."""
    return real_tellings(real_folder)


@pytest.fixture(scope="module")
def real_mirror(real):
    """A mirror over them."""
    with serving(real) as url:
        yield url


def test_every_source_serves_its_records_under_ids_of_their_own(real):
    assert Counter(telling.source for telling in real) == {
        "mp": 33_072, "aflow": 4_439, "oqmd": 2_259, "cod": 99, "ocp": 8,
    }  # fmt: skip
    assert len({(telling.source, telling.source_id) for telling in real}) == len(real)


def test_values_are_those_of_the_file_unphysical_ones_too(real, real_folder, real_mirror):
    import polars as pl

    columns = ["mp_id", "K_VRH", "total_magnetization", "diel_n", "piezo_eij_max", "efermi", "band_gap"]
    file = pl.read_parquet(real_folder / "mp2018_multi_property.parquet", columns=columns)
    wanted = pl.concat([file.sort("K_VRH", nulls_last=True).head(20), file.drop_nulls().head(20)])
    assert wanted["K_VRH"].min() < -600
    fields = "material_id,bulk_modulus,total_magnetization,n,e_ij_max,efermi,band_gap"
    query = {"material_ids": ",".join(wanted["mp_id"]), "_fields": fields}
    answer = requests.get(f"{real_mirror}/mp/materials/summary/", params=query, headers=KEY).json()
    found = {row["material_id"]: row for row in answer["data"]}
    for row in wanted.iter_rows(named=True):
        served = found[row["mp_id"]]
        assert (served["bulk_modulus"] or {}).get("vrh") == row["K_VRH"]
        assert served["total_magnetization"] == pytest.approx(row["total_magnetization"], abs=1e-7)
        assert [served[name] for name in ("n", "e_ij_max", "efermi", "band_gap")] == [
            row[name] for name in ("diel_n", "piezo_eij_max", "efermi", "band_gap")
        ]


def test_crystals_read_by_the_tokenizer_are_those_of_a_full_reading(real, real_folder):
    import polars as pl
    from pymatgen.core import Structure

    file = pl.read_parquet(real_folder / "mp2018_multi_property.parquet", columns=["mp_id", "cif"]).sample(20, seed=1)
    crystals = {telling.source_id: telling.crystal for telling in real if telling.source == "mp"}
    for row in file.iter_rows(named=True):
        whole, crystal = Structure.from_str(row["cif"], fmt="cif"), crystals[row["mp_id"]]
        assert crystal.volume == pytest.approx(whole.volume, rel=1e-6)
        assert crystal.to_pymatgen().composition == whole.composition
        assert crystal.to_pymatgen().distance_matrix.sum() == pytest.approx(whole.distance_matrix.sum(), rel=1e-5)


def test_recorded_rows_of_oqmd_come_back_as_they_were_recorded(real_folder, real_mirror):
    import json

    recorded = [
        row
        for page in json.loads((real_folder / "wire/oqmd/optimade_five_pages.json").read_text())
        for row in page["data"]
    ]
    fields = ",".join(recorded[0]["attributes"])
    query = {"page_limit": 1000, "response_fields": fields}
    found = requests.get(f"{real_mirror}/oqmd/optimade/structures", params=query).json()["data"]
    assert found == recorded


def test_cod_files_are_served_byte_for_byte(real, real_folder, real_mirror):
    for telling in real:
        if telling.source == "cod":
            name = telling.facts["file_name"]
            file = next((real_folder / "wire/cod").rglob(name))
            assert requests.get(f"{real_mirror}/cod/{telling.source_id}.cif").content == file.read_bytes(), name


def test_every_cod_file_has_a_row_broken_ones_too(real_mirror):
    rows = {row["file"]: row for row in requests.get(f"{real_mirror}/cod/result?format=json").json()}
    assert len(rows) == 99 and all(row["svnrevision"].isdigit() for row in rows.values())
    assert rows["9008393"]["formula"] == "- Co S2 -" and rows["9008393"]["svnrevision"] == "176725"


def test_the_plainest_file_keeps_the_id_and_variants_get_an_unused_one(tmp_path):
    for name in ("9011732.cif", "9011732-no-assembly.cif", "1000026-MgB2.cif", "unknown_tag.cif", "0000345.cif"):
        (tmp_path / name).write_text("data_x")
    ids = {telling.facts["file_name"]: telling.source_id for telling in cod(tmp_path.glob("*.cif"))}
    assert ids == {
        "9011732.cif": "9011732", "1000026-MgB2.cif": "1000026",
        "0000345.cif": "9900001", "9011732-no-assembly.cif": "9900002", "unknown_tag.cif": "9900003",
    }  # fmt: skip


def test_files_that_are_not_utf8_come_back_as_they_are(tmp_path):
    (tmp_path / "1000001.cif").write_bytes(b"data_x\n_journal_name_full 'Gr\xfc\xdfe'\r\n")
    with serving(cod(tmp_path.glob("*.cif"))) as url:
        assert requests.get(f"{url}/cod/1000001.cif").content == (tmp_path / "1000001.cif").read_bytes()


def test_an_id_that_repeats_keeps_its_first_structure(real_folder):
    import polars as pl

    samples = real_folder / "cross_source_samples.parquet"
    rows = pl.read_parquet(samples).filter(pl.col("source") == "oqmd")
    twice = rows.filter(pl.col("id").is_duplicated())["id"][0].removeprefix("oqmd-")
    kept = [t for t in oqmd(real_folder / "wire/oqmd/optimade_five_pages.json", samples) if t.source_id == twice]
    assert rows["id"].n_unique() == 1_259 and len(kept) == 1


def test_auids_are_stable(real_folder):
    file = real_folder / "aflow_ael_agl.parquet"
    first, second = ([telling.source_id for telling in aflow(file)] for _ in range(2))
    assert first == second and all(len(auid) == 22 for auid in first)


def test_relaxations_without_a_reference_have_no_number_beside_them(real_folder):
    import io
    import tarfile

    with serving(open_catalyst((real_folder / "wire/oc20").glob("*.extxyz"))) as url:
        content = requests.get(f"{url}/ocp/per_adsorbate_is2res/0.tar").content
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        lines = tar.extractfile("0/system.txt").read().decode().splitlines()
    assert len(lines) == 8 and all(line.startswith("random") and line.endswith(",") for line in lines)


def test_a_folder_that_lacks_files_says_which(tmp_path):
    (tmp_path / "wire/cod/cif").mkdir(parents=True)
    with pytest.raises(MissingData, match=r"lacks mp2018_multi_property\.parquet, .*wire/oc20.*CRYSTAL_LAKE_REAL_DATA"):
        real_tellings(tmp_path)
