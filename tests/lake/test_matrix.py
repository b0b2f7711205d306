"""The matrix: each cell is one observation, chosen by a policy, and its provenance names it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.extract import write_observations
from lake.matrix import Written, matrix_of, write_matrix
from lake.policies import FOLDER, default, policies
from lake.store import Lake
from lake.structures.materials import write_materials
from lake.tables import MATERIALS, MATRIX_PROVENANCE, OBSERVATIONS, PROPERTY_MATRIX
from tests.lake.small_lake import fields_of, fill, rock_salt, zincblende
from tests.observed import observation

MGO, GAAS = rock_salt("Mg", "O", 4.2), zincblende("Ga", "As", 5.65)
ROW = ["policy", "material_id", "reduced_formula", "n_sources"]


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {
        "mp:2": (MGO, {"band_gap": 4.6}), "mp:10": (MGO, {"band_gap": 4.5, "bulk_modulus": {"vrh": 152}}),
        "mp:3": (GAAS, {}),
    })  # fmt: skip
    fill(lake, {"aflow:1": (MGO, {"Egap": 3.4, "ael_bulk_modulus_vrh": 150.0})}, level="LDA")
    fill(lake, {"oqmd:1": (GAAS, {"_oqmd_band_gap": 0.2})}, level="LDA")
    write_materials(lake)
    return lake


def material(name: str, members: list[str], kind: str = "bulk") -> dict[str, object]:
    sources = sorted({member.split(":")[0] for member in members})
    return {
        "material_id": name, "reduced_formula": "MgO", "shard": "00", "kind": kind, "representative": members[0],
        "members": members, "sources": sources, "n_sources": len(sources), "space_group": None,
        "space_group_number": None, "n_atoms": 2, "bucket": "",
    }  # fmt: skip


def made(root: Path, rows: list[dict], materials: list[dict]) -> Lake:
    lake = Lake(root)
    lake.replace(MATERIALS, MATERIALS.frame(materials))
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame(rows))
    return lake


def provenance(lake: Lake, policy: str = "default") -> dict[tuple[str, str], dict]:
    rows = lake.read(MATRIX_PROVENANCE).filter(pl.col("policy") == policy).rows(named=True)
    return {(row["material_id"], row["column"]): row for row in rows}


def test_the_better_level_wins_then_the_preferred_source_then_the_smaller_id(lake):
    write_observations(lake, "band_gap", fields_of)
    assert write_matrix(lake) == {"default": Written(1, 2, 0), "agreed": Written(1, 1, 1)}
    chosen = {row["entry_id"]: row for row in provenance(lake).values()}
    assert set(chosen) == {"mp:10", "oqmd:1"}
    assert (chosen["mp:10"]["n_observations"], chosen["mp:10"]["level_of_theory"]) == (3, "PBE")
    assert (chosen["mp:10"]["lowest"], chosen["mp:10"]["highest"], chosen["mp:10"]["chosen"]) == (3.4, 4.6, "preferred")
    assert chosen["oqmd:1"]["chosen"] == "only"


def test_a_refused_cell_is_empty_and_stands_in_the_provenance(lake):
    write_observations(lake, "band_gap", fields_of)
    write_matrix(lake)
    refused = [row for row in provenance(lake, "agreed").values() if row["chosen"] == "refused"]
    assert [(row["entry_id"], row["value"]) for row in refused] == [("mp:10", 4.5)]
    cells = {row["material_id"]: row["band_gap"] for row in matrix_of(lake, "agreed").rows(named=True)}
    assert cells[refused[0]["material_id"]] is None and list(cells.values()).count(None) == 1


SAID = st.tuples(
    st.integers(0, 4), st.sampled_from(["mp", "aflow", "oqmd", "labels"]), st.sampled_from(["PBE", "PBE+U", "r2SCAN"]),
    st.sampled_from(["band_gap", "formation_energy_per_atom"]), st.floats(0.5, 2.0),
    st.sampled_from([None, None, "sentinel"]),
)  # fmt: skip


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(SAID, min_size=1, max_size=20), chance=st.randoms(use_true_random=False))
def test_every_cell_equals_the_observation_that_its_provenance_names_in_any_order(tmp_path_factory, said, chance):
    rows = {}
    for number, source, level, name, value, flag in said:
        entry_id, correction = f"{source}:{number}", {"mp": "MP2020", "oqmd": "OQMD fitted references"}.get(source)
        told = {"level_of_theory": level, "flag": flag, "correction": correction or "none"}
        rows[entry_id, name] = observation(entry_id, name, value, **told)
    entries = sorted({entry_id for entry_id, _ in rows})
    ends = sorted({entry_id.split(":")[1] for entry_id in entries})
    materials = [material(f"m{end}", [e for e in entries if e.endswith(f":{end}")]) for end in ends]
    found = []
    for order in (list(rows.values()), chance.sample([*rows.values()], len(rows))):
        lake = made(tmp_path_factory.mktemp("lake"), order, chance.sample(materials, len(materials)))
        counts = write_matrix(lake)
        found.append([lake.read(PROPERTY_MATRIX), lake.read(MATRIX_PROVENANCE)])
    assert found[0][0].equals(found[1][0]) and found[0][1].equals(found[1][1])
    matrix, named = found[0]
    columns = [name for name in matrix.columns if name not in PROPERTY_MATRIX.schema]
    cells = matrix.unpivot(columns, index=["policy", "material_id"], variable_name="column").drop_nulls()
    told = named.filter(pl.col("chosen") != "refused")
    assert len(cells) == len(told) == sum(one.cells for one in counts.values())
    same = cells.join(told, on=["policy", "material_id", "column"], suffix="_named").join(
        lake.read(OBSERVATIONS), on=["entry_id", "property", "reading"], suffix="_told"
    )
    assert len(same) == len(cells)
    assert (same["value"] == same["value_told"]).all() and (same["value"] == same["value_named"]).all()
    assert same["flag"].is_null().all() and same["flag_told"].is_null().all()
    assert matrix["material_id"].to_list() == sorted(m["material_id"] for m in materials) * 2


def test_a_flagged_value_fills_a_cell_only_where_the_policy_admits_it(tmp_path):
    lake = made(tmp_path, [observation("mp:1", "band_gap", 99.0, flag="out_of_range")], [material("m1", ["mp:1"])])
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "all.toml").write_text("defaults = {flagged = true}")
    write_matrix(lake)
    assert matrix_of(lake)["band_gap"].to_list() == [None] and not provenance(lake)
    assert matrix_of(lake, "all")["band_gap"].to_list() == [99.0]
    assert provenance(lake, "all")["m1", "band_gap"]["flag"] == "out_of_range"


def test_energies_of_two_databases_stand_in_two_columns(tmp_path):
    name = "formation_energy_per_atom"
    rows = [
        observation("mp:1", name, -1.0, level_of_theory="GGA_GGA+U_R2SCAN", correction="MP2020, mixed with r2SCAN"),
        observation("oqmd:1", name, -1.2, correction="OQMD fitted references"),
        observation("aflow:2", name, -1.4),
    ]
    lake = made(tmp_path, rows, [material("m1", ["mp:1", "oqmd:1"]), material("m2", ["aflow:2"])])
    write_matrix(lake)
    found = matrix_of(lake)
    assert found.columns[4:] == [name, f"{name}_oqmd", f"{name}_aflow"]
    assert found.rows()[0][4:] == (-1.0, -1.2, None) and found.rows()[1][4:] == (None, None, -1.4)


def test_two_policies_stand_side_by_side_and_are_compared_in_sql(tmp_path):
    rows = [
        observation(entry, "band_gap", value)
        for entry, value in (("mp:1", 1.0), ("aflow:1", 2.0), ("oqmd:1", 1.9), ("mp:2", 3.0))
    ]
    lake = made(tmp_path, rows, [material("m1", ["mp:1", "aflow:1", "oqmd:1"]), material("m2", ["mp:2"])])
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "middle.toml").write_text("defaults = {when_several = 'median'}")
    write_matrix(lake)
    context = pl.SQLContext(matrices=lake.scan(PROPERTY_MATRIX))
    apart = context.execute(
        "select a.material_id, a.band_gap as preferred, b.band_gap as middle from matrices a join matrices b "
        "on a.material_id = b.material_id where a.policy = 'default' and b.policy = 'middle' "
        "and a.band_gap <> b.band_gap", eager=True,
    )  # fmt: skip
    assert apart.rows() == [("m1", 1.0, 1.9)]
    assert provenance(lake, "middle")["m1", "band_gap"]["chosen"] == "median"


def test_a_disordered_material_has_no_row(tmp_path):
    rows = [observation(entry, "density_measured", 3.0, origin="measured") for entry in ("cod:1", "cod:2")]
    lake = made(tmp_path, rows, [material("m1", ["cod:1"]), material("m2", ["cod:2"], "disordered")])
    write_matrix(lake)
    assert set(lake.read(PROPERTY_MATRIX)["material_id"]) == {"m1"} == set(lake.read(MATRIX_PROVENANCE)["material_id"])


def test_materialising_one_property_adds_that_column_and_every_material_has_a_row(lake):
    write_matrix(lake)
    assert lake.read(PROPERTY_MATRIX).columns == ROW
    write_observations(lake, "bulk_modulus", fields_of)
    write_matrix(lake)
    matrix = matrix_of(lake)
    assert matrix.columns == [*ROW, "bulk_modulus"]
    assert matrix.sort("reduced_formula")["bulk_modulus"].to_list() == [None, 152.0]


def test_a_property_taken_back_takes_its_column_along(lake):
    write_observations(lake, "band_gap", fields_of)
    write_matrix(lake)
    lake.replace(OBSERVATIONS, OBSERVATIONS.empty(), "band_gap")
    write_matrix(lake)
    assert "band_gap" not in lake.read(PROPERTY_MATRIX).columns


def test_both_tables_say_what_they_were_made_from(lake):
    write_observations(lake, "band_gap", fields_of)
    write_matrix(lake)
    for table in (PROPERTY_MATRIX, MATRIX_PROVENANCE):
        marks = lake.marks(table)
        assert [marks(f"read:{t.name}") for t in (OBSERVATIONS, MATERIALS)] == [
            lake.version(OBSERVATIONS), lake.version(MATERIALS)
        ]  # fmt: skip


def test_what_is_written_meanwhile_is_for_the_next_time(lake, monkeypatch):
    write_observations(lake, "band_gap", fields_of)
    version = lake.version(OBSERVATIONS)

    def meanwhile(root):
        lake.replace(OBSERVATIONS, OBSERVATIONS.empty(), "band_gap")
        return {"default": default()}

    asked = {table: lake.version(table) for table in (OBSERVATIONS, MATERIALS)}
    monkeypatch.setattr(Lake, "version", lambda self, table: asked[table])
    write_matrix(lake, meanwhile(lake.root))
    monkeypatch.undo()
    assert matrix_of(lake)["band_gap"].count() == 2
    assert lake.marks(PROPERTY_MATRIX)("read:observations") == version < lake.version(OBSERVATIONS)


def test_a_policy_alone_can_be_written(lake):
    write_observations(lake, "band_gap", fields_of)
    assert list(write_matrix(lake, {"agreed": policies(lake.root)["agreed"]})) == ["agreed"]
    assert set(lake.read(PROPERTY_MATRIX)["policy"]) == {"agreed"}


def test_an_empty_lake_has_an_empty_matrix(tmp_path):
    assert set(write_matrix(Lake(tmp_path)).values()) == {Written(0, 0, 0)}
    assert Lake(tmp_path).read(PROPERTY_MATRIX).is_empty()


def test_who_waits_for_the_matrix_reads_what_was_written_meanwhile(tmp_path):
    lake = made(tmp_path, [observation("mp:1", "band_gap", 1.0)], [material("m1", ["mp:1"])])
    with ThreadPoolExecutor() as pool:
        with lake.lock("matrix"):
            waiting = pool.submit(write_matrix, lake)
            late = observation("mp:1", "bulk_modulus", 80.0, unit="GPa")
            lake.replace(OBSERVATIONS, OBSERVATIONS.frame([late]), "bulk_modulus")
            assert not waiting.done()
        waiting.result()
    assert matrix_of(lake)["bulk_modulus"].to_list() == [80.0]
