"""A crystal comes back as it was told, to the digits its format carries; values come in the database's own units."""

import io
import lzma
import tarfile
import warnings

import numpy as np
import pytest
import requests

from lake.crystal import NUMBER, Crystal
from tests.lake.sample.mirror.conftest import KEY


def assert_same(found: Crystal, told: Crystal, digits: float):
    """The same elements at the same places: cells compared by their metric, sites one to one, in any order."""
    assert np.allclose(found.lattice @ found.lattice.T, told.lattice @ told.lattice.T, atol=20 * digits)
    assert len(found) == len(told)
    apart = found.positions[:, None] - told.positions[None]
    distance = np.linalg.norm((apart - np.round(apart)) @ told.lattice, axis=2)
    partner = distance.argmin(axis=1)
    assert sorted(partner) == list(range(len(told)))
    assert distance.min(axis=1).max() < 20 * digits
    assert (found.numbers == told.numbers[partner]).all()


def summary(mirror, **query):
    return requests.get(f"{mirror}/mp/materials/summary/", params=query, headers=KEY).json()["data"]


def test_materials_project_tells_the_crystal_to_the_last_digit(mirror, told):
    from pymatgen.core import Structure

    found = summary(mirror, _fields="structure", material_ids="mp-149")[0]["structure"]
    crystal = Crystal.from_pymatgen(Structure.from_dict(found))
    assert crystal.structure_hash == told["mp", "mp-149"].crystal.structure_hash


@pytest.mark.parametrize("paging", ["paging(0)", "$paging(0)"])
def test_aflow_tells_the_crystal_to_six_decimals(mirror, told, paging):
    from pymatgen.core import Lattice

    answer = requests.get(f"{mirror}/aflow/API/aflux/?auid,geometry,species,composition,positions_fractional,{paging}")
    rows = answer.json() if paging[0] == "$" else [_unworded(row) for row in answer.json().values()]
    for row in rows:
        symbols = [s for s, n in zip(row["species"], row["composition"], strict=True) for _ in range(n)]
        lattice = Lattice.from_parameters(*row["geometry"]).matrix
        crystal = Crystal(lattice, row["positions_fractional"], [NUMBER[s] for s in symbols])
        assert_same(crystal, told["aflow", row["auid"]].crystal, 1e-6)


def test_oqmd_tells_the_crystal_to_six_decimals(mirror, told):
    fields = "lattice_vectors,cartesian_site_positions,species_at_sites"
    answer = requests.get(f"{mirror}/oqmd/optimade/structures?response_fields={fields}").json()
    for row in answer["data"]:
        attributes = row["attributes"]
        lattice = np.array(attributes["lattice_vectors"])
        positions = np.array(attributes["cartesian_site_positions"]) @ np.linalg.inv(lattice)
        crystal = Crystal(lattice, positions, [NUMBER[s] for s in attributes["species_at_sites"]])
        assert_same(crystal, told["oqmd", str(row["id"])].crystal, 1e-6)


def test_oqmd_rest_tells_sites_to_three_digits(mirror, told):
    for row in requests.get(f"{mirror}/oqmd/oqmdapi/formationenergy").json()["data"]:
        words = [site.split() for site in row["sites"]]
        positions = np.array([word[2:] for word in words], dtype=float)
        crystal = Crystal(np.array(row["unit_cell"]), positions, [NUMBER[word[0]] for word in words])
        assert_same(crystal, told["oqmd", str(row["formationenergy_id"])].crystal, 1e-3)


@pytest.mark.parametrize("number", ["1000041", "9000041", "9000042", "9000043"])
def test_cod_tells_the_crystal_through_symmetry(mirror, told, number):
    from pymatgen.io.cif import CifParser

    text = requests.get(f"{mirror}/cod/{number}.cif").text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen warns of rounding in every CIF
        structure = CifParser.from_str(text, occupancy_tolerance=1.0).parse_structures(primitive=False)[0]
    assert_same(Crystal.from_pymatgen(structure), told["cod", number].crystal, 1e-5)


def test_a_cif_gives_the_asymmetric_unit_unless_the_origin_is_free(mirror):
    def sites_and_operations(number):
        lines = requests.get(f"{mirror}/cod/{number}.cif").text.splitlines()
        first = lines.index("_symmetry_equiv_pos_as_xyz") + 1
        return len(lines) - lines.index("_atom_site_occupancy") - 1, lines.index("loop_", first) - first

    assert sites_and_operations("1000041") == (2, 192)
    assert sites_and_operations("9000041") == (2, 6)  # quartz: one silicon, one oxygen
    assert sites_and_operations("9000042") == (
        2,
        128,
    )  # a supercell along a keeps its own translations, and no cubic axes
    assert sites_and_operations("9000043") == (8, 1)


def test_open_catalyst_tells_the_relaxed_slab_in_the_last_frame(mirror, told):
    from ase.io import read

    content = requests.get(f"{mirror}/ocp/per_adsorbate_is2res/0.tar").content
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        references = dict(line.split(",") for line in tar.extractfile("0/system.txt").read().decode().splitlines())
        text = lzma.decompress(tar.extractfile("0/0/random1.extxyz.xz").read()).decode()
    first, last = read(io.StringIO(text), index=":", format="extxyz")
    crystal = Crystal(last.cell.array, last.get_scaled_positions(wrap=False), last.numbers)
    assert_same(crystal, told["ocp", "random1"].crystal, 1e-8)
    assert last.get_potential_energy() - float(references["random1"]) == pytest.approx(-1.234)
    assert first.get_potential_energy() > last.get_potential_energy()
    assert references["random2"] == ""


def test_materials_project_gives_the_moment_per_cell(mirror):
    row = summary(mirror, _fields="total_magnetization,nsites,total_magnetization_normalized_formula_units",
                  material_ids="mp-22862")[0]  # fmt: skip
    assert row["nsites"] == 8
    assert row["total_magnetization"] == pytest.approx(8 * 0.25)
    assert row["total_magnetization_normalized_formula_units"] == pytest.approx(2 * 0.25)


def test_aflow_gives_the_moment_per_atom_and_per_cell(mirror):
    answer = requests.get(f"{mirror}/aflow/API/aflux/?spin_atom(*),spin_cell,$paging(0)").json()
    assert [(row["spin_atom"], row["spin_cell"]) for row in answer] == [(0.5, 4.0)]


def test_materials_project_uses_its_own_names(mirror):
    names = "bulk_modulus,shear_modulus,e_total,e_ionic,e_electronic,n,e_ij_max,builder_meta"
    row = summary(mirror, _fields=names, material_ids="mp-22862")[0]
    assert row["bulk_modulus"]["vrh"] == 24.0 and row["shear_modulus"]["vrh"] == 14.0
    assert (row["e_total"], row["e_electronic"], row["n"], row["e_ij_max"]) == (5.9, 2.3, 1.5165, 0.17)
    assert row["e_ionic"] == pytest.approx(3.6)
    assert row["builder_meta"]["license"] == "BY-C"


def test_every_database_states_its_level_of_theory(mirror):
    tasks = requests.get(f"{mirror}/mp/materials/tasks/?_fields=task_id,run_type", headers=KEY).json()["data"]
    assert {row["task_id"]: row["run_type"] for row in tasks} == {
        "mp-149": "GGA+U",
        "mp-7000": "GGA",
        "mp-22862": "GGA",
    }
    rows = requests.get(f"{mirror}/aflow/API/aflux/?auid,dft_type,ldau_TLUJ,$paging(0)").json()
    assert {(row["dft_type"][0], bool(row["ldau_TLUJ"])) for row in rows} == {
        ("PAW_LDA", False), ("PAW_PBE", False), ("PAW_PBE", True),
    }  # fmt: skip


def test_origins_name_the_task_whose_run_type_holds(mirror):
    row = summary(mirror, _fields="origins,task_ids", material_ids="mp-149")[0]
    assert {origin["task_id"] for origin in row["origins"]} == set(row["task_ids"])
    core = requests.get(f"{mirror}/mp/materials/core/?_fields=run_types&material_ids=mp-149", headers=KEY).json()
    assert core["data"] == [{"run_types": {"mp-149": "GGA+U"}}]


def test_oqmd_rounds_as_oqmd_does_and_keeps_negative_distances(mirror):
    fields = "_oqmd_delta_e,_oqmd_stability,_oqmd_band_gap"
    answer = requests.get(f"{mirror}/oqmd/optimade/structures?response_fields={fields}&page_limit=1").json()
    assert answer["data"][0]["attributes"] == {
        "_oqmd_delta_e": -1.95,
        "_oqmd_stability": -0.012,
        "_oqmd_band_gap": 5.03,
    }


def test_cod_gives_the_density_told_or_that_of_the_cell(mirror):
    def density(number):
        lines = requests.get(f"{mirror}/cod/{number}.cif").text.splitlines()
        return [float(line.split()[1]) for line in lines if line.startswith("_exptl_crystal_density_diffrn")]

    assert density("1000041") == [2.163]
    assert density("9000041") == [pytest.approx(2.65, abs=0.01)]


def test_predicted_crystals_carry_no_measured_density(mirror):
    assert "_exptl_crystal_density" not in requests.get(f"{mirror}/pcod/3102887.cif").text


def _unworded(row: dict) -> dict:
    return {
        "auid": row["auid"],
        "species": row["species"].split(","),
        "composition": [int(n) for n in row["composition"].split(",")],
        "geometry": [float(x) for x in row["geometry"].split(",")],
        "positions_fractional": [
            [float(x) for x in site.split(",")] for site in row["positions_fractional"].split(";")
        ],
    }
