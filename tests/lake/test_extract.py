"""Observations of one property: each number is its record's own, converted once, or stands in rejects with a reason."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.extract import at_path, write_observations
from lake.labels import import_labels
from lake.properties import UnknownProperty
from lake.properties.definition import Reading
from lake.store import Lake
from lake.tables import OBSERVATIONS, RECORDS, REJECTS
from tests.lake.small_lake import fields_of, fill, record, rock_salt, zincblende

MGO, GAAS = rock_salt("Mg", "O", 4.2), zincblende("Ga", "As", 5.65)  # 8 atoms each


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {
        "mp:1": (MGO, {"band_gap": 4.5, "bulk_modulus": {"vrh": 152}, "total_magnetization": 16.0}),
        "mp:2": (GAAS, {"band_gap": -3, "bulk_modulus": {"vrh": -665.0}, "total_magnetization": None}),
        "aflow:3": (GAAS, {"Egap": "0.1865", "ael_bulk_modulus_vrh": "", "spin_atom": "inf"}),
    })  # fmt: skip
    return lake


def observed(lake: Lake, name: str) -> dict[str, float]:
    rows = lake.read(OBSERVATIONS).filter(pl.col("property") == name)
    return dict(rows.select("entry_id", "value").rows())


def refused(lake: Lake, name: str) -> dict[str, str]:
    rows = lake.read(REJECTS).filter(pl.col("stage") == f"observations.{name}")
    return dict(rows.select("entry_id", "reason").rows())


def test_a_value_is_read_at_its_path_as_number_or_as_text(lake):
    assert write_observations(lake, "band_gap", fields_of) == {"observations": 2, "rejects": 1}
    assert observed(lake, "band_gap") == {"mp:1": 4.5, "aflow:3": 0.1865}
    write_observations(lake, "bulk_modulus", fields_of)
    assert observed(lake, "bulk_modulus") == {"mp:1": 152.0}


def test_what_is_out_of_range_goes_to_rejects_with_entry_property_value_and_range(lake):
    write_observations(lake, "bulk_modulus", fields_of)
    assert refused(lake, "bulk_modulus") == {
        "mp:2": "bulk_modulus of mp:2 must lie in 0..700 GPa, found -665 (served as -665.0 GPa)"
    }


def test_a_moment_per_cell_is_divided_by_the_atoms_of_the_entry(lake):
    write_observations(lake, "magnetization_per_atom", fields_of)
    assert observed(lake, "magnetization_per_atom") == {"mp:1": 2.0}
    row = lake.read(OBSERVATIONS).row(0, named=True)
    assert (row["original_value"], row["original_unit"], row["unit"]) == (16.0, "muB/cell", "muB/atom")
    assert "finite number, found 'inf'" in refused(lake, "magnetization_per_atom")["aflow:3"]


def test_a_moment_is_a_size_whichever_way_the_spins_were_set_up(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {"mp:1": (MGO, {"total_magnetization": -16.0}), "aflow:2": (GAAS, {"spin_atom": "-2.5"})})
    write_observations(lake, "magnetization_per_atom", fields_of)
    assert observed(lake, "magnetization_per_atom") == {"mp:1": 2.0, "aflow:2": 2.5}
    assert sorted(lake.read(OBSERVATIONS)["original_value"]) == [-16.0, -2.5], "as served, the sign is kept"


def test_an_observation_says_where_it_is_from(lake):
    write_observations(lake, "formation_energy_per_atom", fields_of)
    fill(lake, {"mp:4": (MGO, {"formation_energy_per_atom": -3.0})}, level="PBE+U")
    write_observations(lake, "formation_energy_per_atom", fields_of)
    row = lake.read(OBSERVATIONS).row(0, named=True)
    assert (row["source"], row["level_of_theory"], row["origin"], row["correction"]) == (
        "mp", "GGA_GGA+U_R2SCAN", "computed", "MP2020, mixed with r2SCAN",
    )  # fmt: skip
    assert row["payload_sha256"] in lake.read(RECORDS)["payload_sha256"]


def test_what_a_column_crawl_brought_later_speaks_where_the_record_says_nothing(lake):
    late = [record("mp:2", '{"band_gap": 1.5}', route="band_gap"), record("mp:1", '{"band_gap": 7}', route="band_gap")]
    lake.append(RECORDS, RECORDS.frame(late))
    fill(lake, {"mp:1": (MGO, {"band_gap": 4.5}), "mp:2": (GAAS, {})})
    assert write_observations(lake, "band_gap", fields_of)["observations"] == 3
    assert observed(lake, "band_gap") == {"mp:1": 4.5, "mp:2": 1.5, "aflow:3": 0.1865}


def test_a_reading_of_another_route_is_read_there_and_keeps_its_own_record(lake, monkeypatch):
    from lake.properties import PROPERTIES

    reading = Reading("mp", "elasticity.debye_temperature", "K", "elastic tensor", route="elasticity")
    kind = replace(PROPERTIES["debye_temperature_agl"], readings=(reading,))
    monkeypatch.setattr("lake.extract.property_named", lambda name: kind)
    served = record("mp:1", '{"elasticity": {"debye_temperature": 940}}', route="elasticity")
    lake.append(RECORDS, RECORDS.frame([served, record("mp:9", "{}", route="elasticity")]))
    write_observations(lake, "debye_temperature_agl", fields_of)
    assert observed(lake, "debye_temperature_agl") == {"mp:1": 940}
    assert lake.read(OBSERVATIONS)["payload_sha256"].to_list() == [served["payload_sha256"]]


def test_backfilling_one_property_touches_only_its_partition(lake):
    write_observations(lake, "band_gap", fields_of)
    write_observations(lake, "bulk_modulus", fields_of)
    others = {file for file in lake.files(OBSERVATIONS) if "property=bulk_modulus" not in file}
    refused_others = {file for file in lake.files(REJECTS) if "bulk_modulus" not in file}
    write_observations(lake, "bulk_modulus", fields_of)
    assert {file for file in lake.files(OBSERVATIONS) if "property=bulk_modulus" not in file} == others
    assert {file for file in lake.files(REJECTS) if "bulk_modulus" not in file} == refused_others
    assert observed(lake, "band_gap") == {"mp:1": 4.5, "aflow:3": 0.1865}


def test_the_same_property_twice_is_the_same_property_once(lake):
    write_observations(lake, "band_gap", fields_of)
    first = lake.read(OBSERVATIONS)
    write_observations(lake, "band_gap", fields_of)
    assert lake.read(OBSERVATIONS).equals(first)


def test_only_the_record_an_entry_was_read_from_speaks(lake):
    older = json.dumps({"band_gap": 9.0})
    stranger = json.dumps({"band_gap": 1.0})
    lake.append(RECORDS, RECORDS.frame([record("mp:1", older, "c0"), record("mp:rejected", stranger)]))
    again = lake.scan(RECORDS).filter(pl.col("source_id") == "1").head(1).collect().with_columns(crawl=pl.lit("c2"))
    lake.append(RECORDS, again)
    write_observations(lake, "band_gap", fields_of)
    assert observed(lake, "band_gap") == {"mp:1": 4.5, "aflow:3": 0.1865}


def test_a_record_that_cannot_be_read_costs_the_others_nothing(lake):
    def breaking(source, payload):
        if "4.5" in payload:
            raise ValueError("broken page")
        return fields_of(source, payload)

    write_observations(lake, "band_gap", breaking)
    assert observed(lake, "band_gap") == {"aflow:3": 0.1865}
    assert "broken page" in refused(lake, "band_gap")["mp:1"]


def test_own_labels_become_observations_in_the_catalogs_unit(lake):
    (lake.root / "labels").mkdir()
    (lake.root / "labels" / "mine.csv").write_text(
        "entry_id,property,value,unit,reference,licence\n"
        "mp:1,band_gap_measured,7800,meV,Roessler 1967,CC0\n"
        "mp:1,band_gap_measured,7.9,eV,Whited 1969,CC0\n"
        "mp:none,band_gap_measured,1,eV,me,CC0\n"
        "mp:2,band_gap_measured,99,eV,me,CC0\n"
    )
    assert import_labels(lake) == 4
    write_observations(lake, "band_gap_measured", fields_of)
    row = lake.read(OBSERVATIONS).row(0, named=True)
    assert row["value"] == pytest.approx(7.8)
    assert (row["source"], row["origin"], row["reference"], row["level_of_theory"]) == (
        "labels", "measured", "Roessler 1967", "experiment",
    )  # fmt: skip
    reasons = refused(lake, "band_gap_measured")
    assert "Roessler 1967 already speaks" in reasons["mp:1"]
    assert "there is none" in reasons["mp:none"]
    assert "0..30 eV" in reasons["mp:2"]


def test_an_unknown_property_is_an_error_with_its_neighbours(lake):
    with pytest.raises(UnknownProperty, match="band_gap"):
        write_observations(lake, "bandgap", fields_of)


def test_an_empty_lake_has_no_observations(tmp_path):
    assert write_observations(Lake(tmp_path), "band_gap", fields_of) == {"observations": 0, "rejects": 0}


@settings(max_examples=15, deadline=None)
@given(served=st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.lists(st.floats())))
def test_whatever_is_served_it_is_an_observation_a_reject_or_nothing(tmp_path_factory, served):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    fill(lake, {"mp:1": (MGO, {"band_gap": served})})
    counts = write_observations(lake, "band_gap", fields_of)
    assert counts["observations"] + counts["rejects"] <= 1
    assert all(0 <= value <= 30 for value in observed(lake, "band_gap").values())


def test_a_name_with_dots_in_it_comes_before_a_path():
    assert at_path({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert at_path({"a": {"b": 2}}, "a.b") == 2
    assert at_path({"a": 3}, "a.b") is None
