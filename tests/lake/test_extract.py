"""Observations of one property: each number is its record's own, converted once; what is odd is flagged, never lost."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pint
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crystal import Crystal
from lake.disordered import DisorderedCrystal
from lake.extract import at_path, write_observations
from lake.labels import import_labels
from lake.properties import PROPERTIES, UnknownProperty
from lake.properties.definition import Property, Reading
from lake.properties.units import UnknownUnit
from lake.store import Lake
from lake.tables import LABELS, OBSERVATIONS, RECORDS, REJECTS
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


def flags(lake: Lake) -> dict[str, str | None]:
    return dict(lake.read(OBSERVATIONS).select("entry_id", "flag").rows())


def given_as(monkeypatch, kind: Property) -> None:
    """The catalog with this property instead of any other."""
    monkeypatch.setattr("lake.extract.property_named", lambda name: kind)


def refused(lake: Lake, name: str) -> dict[str, str]:
    rows = lake.read(REJECTS).filter(pl.col("stage") == f"observations.{name}")
    return dict(rows.select("entry_id", "reason").rows())


def test_a_value_is_read_at_its_path_as_number_or_as_text(lake):
    assert write_observations(lake, "band_gap", fields_of) == {"observations": 3, "flagged": 1, "rejects": 0}
    assert observed(lake, "band_gap") == {"mp:1": 4.5, "mp:2": -3, "aflow:3": 0.1865}
    write_observations(lake, "bulk_modulus", fields_of)
    assert observed(lake, "bulk_modulus") == {"mp:1": 152.0, "mp:2": -665.0}


def test_a_negative_modulus_is_kept_and_flagged(lake):
    assert write_observations(lake, "bulk_modulus", fields_of) == {"observations": 2, "flagged": 1, "rejects": 0}
    assert flags(lake) == {"mp:1": None, "mp:2": "out_of_range"}


def test_a_number_that_means_nothing_is_kept_and_called_a_sentinel(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {"mp:1": (MGO, {"band_gap": 1e12}), "aflow:2": (GAAS, {"Egap": "-9999"})})
    write_observations(lake, "band_gap", fields_of)
    assert flags(lake) == {"mp:1": "sentinel", "aflow:2": "sentinel"}


def test_a_record_without_the_path_is_no_observation_and_no_reject(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {"mp:1": (MGO, {}), "aflow:2": (GAAS, {"Egap": None}), "aflow:3": (GAAS, {"Egap": ""})})
    assert write_observations(lake, "band_gap", fields_of) == {"observations": 0, "flagged": 0, "rejects": 0}


@pytest.mark.parametrize("served", ["four", "Infinity", 1e400, True, {"value": 4.0}])
def test_what_is_no_number_is_a_reject_that_names_entry_property_reading_and_record(tmp_path, served):
    lake = Lake(tmp_path)
    fill(lake, {"mp:1": (MGO, {"band_gap": served}), "aflow:2": (GAAS, {"Egap": "1.5"})})
    assert write_observations(lake, "band_gap", fields_of) == {"observations": 1, "flagged": 0, "rejects": 1}
    row = lake.read(REJECTS).row(0, named=True)
    assert row["reason"].startswith("band_gap of mp:1 by mp:band_gap must be a finite number, found ")
    assert row["payload_sha256"] in lake.read(RECORDS)["payload_sha256"]
    assert (row["entry_id"], row["payload_sha256"][:16]) == ("mp:1", row["reason"][-16:])


@pytest.mark.parametrize(("unit", "fault"), [("parsnip", UnknownUnit), ("GPa", pint.DimensionalityError)])
def test_a_reading_whose_unit_does_not_fit_fails_by_name_before_anything_is_written(lake, monkeypatch, unit, fault):
    first, *others = PROPERTIES["band_gap"].readings
    given_as(monkeypatch, replace(PROPERTIES["band_gap"], readings=(*others, replace(first, unit=unit))))
    with pytest.raises(fault, match=f"band_gap.*mp:band_gap|mp:band_gap.*{unit}"):
        write_observations(lake, "band_gap", fields_of)
    assert lake.version(OBSERVATIONS) is None and lake.version(REJECTS) is None


def test_a_property_name_with_a_quote_is_a_partition_like_any_other(lake, monkeypatch):
    write_observations(lake, "band_gap", fields_of)
    odd = replace(PROPERTIES["bulk_modulus"], name='Young\'s "modulus"; drop table')
    given_as(monkeypatch, odd)
    fill(lake, {"mp:9": (MGO, {"bulk_modulus": {"vrh": "soft"}}), "mp:1": (MGO, {"bulk_modulus": {"vrh": 152}})})
    for _ in range(2):
        write_observations(lake, odd.name, fields_of)
        assert observed(lake, odd.name) == {"mp:1": 152.0}
        assert odd.name in refused(lake, odd.name)["mp:9"]
    assert len(observed(lake, "band_gap")) == 3


def test_two_readings_of_one_source_are_two_rows(lake, monkeypatch):
    other = Reading("mp", "total_magnetization", "muB/f.u.", "another code", "PBE+U")
    kind = PROPERTIES["magnetization_per_atom"]
    given_as(monkeypatch, replace(kind, readings=(replace(kind.readings[0], path="bulk_modulus.vrh"), other)))
    write_observations(lake, "magnetization_per_atom", fields_of)
    rows = lake.read(OBSERVATIONS).select("entry_id", "reading", "value", "level_of_theory").rows()
    assert sorted(rows) == [
        ("mp:1", "mp:bulk_modulus.vrh", 19.0, "PBE"),
        ("mp:1", "mp:total_magnetization", 8.0, "PBE+U"),
        ("mp:2", "mp:bulk_modulus.vrh", 665 / 8, "PBE"),
    ]


def test_the_fields_of_a_record_are_read_once_for_all_readings(lake, monkeypatch):
    kind = PROPERTIES["magnetization_per_atom"]
    paths = ("band_gap", "total_magnetization", "bulk_modulus.vrh")
    given_as(monkeypatch, replace(kind, readings=tuple(replace(kind.readings[0], path=path) for path in paths)))
    read = []
    write_observations(lake, kind.name, lambda source, payload: read.append(payload) or fields_of(source, payload))
    assert len(read) == len(set(read)) == 2


@given(atoms=st.sampled_from([2, 3]), times=st.integers(1, 6), moment=st.floats(0.0, 20.0))
@settings(max_examples=10, deadline=None)
def test_the_cell_a_database_chose_changes_no_value_of_the_lake(tmp_path_factory, atoms, times, moment):
    cell = Crystal(5.0 * np.eye(3), np.linspace(0, 0.9, atoms)[:, None] * [1, 1, 1], [12, 8, 8][:atoms])
    copies = np.arange(times).repeat(atoms)[:, None] * [1, 0, 0]
    larger = Crystal(
        cell.lattice * [[times], [1], [1]],
        (np.tile(cell.positions, (times, 1)) + copies) / [times, 1, 1],
        np.tile(cell.numbers, times),
    )
    lake = Lake(tmp_path_factory.mktemp("lake"))
    told = {"mp:1": (cell, {"total_magnetization": moment}), "mp:2": (larger, {"total_magnetization": times * moment})}
    fill(lake, told)
    write_observations(lake, "magnetization_per_atom", fields_of)
    one, other = observed(lake, "magnetization_per_atom").values()
    assert one == pytest.approx(other, rel=1e-12) and one == pytest.approx(moment / atoms, rel=1e-12)


def test_a_site_that_is_empty_in_some_cells_counts_as_the_share_that_is_there(tmp_path):
    lake = Lake(tmp_path)
    half = DisorderedCrystal(4 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], ("Li0.5", "O"))
    fill(lake, {"mp:1": (half, {"total_magnetization": 3.0})})
    write_observations(lake, "magnetization_per_atom", fields_of)
    assert observed(lake, "magnetization_per_atom") == {"mp:1": 2.0}


def test_temperature_and_pressure_are_the_readings_or_the_records(lake, monkeypatch):
    kind, first = PROPERTIES["density_measured"], PROPERTIES["density_measured"].readings[0]
    here = replace(first, temperature_path="_t", pressure_path="_p", pressure_unit="kPa")
    given_as(monkeypatch, replace(kind, readings=(here,)))
    told = {"_t": "293(2)", "_p": 101.325, first.path: 3.5}
    fill(lake, {"cod:1": (MGO, told), "cod:2": (MGO, told | {"_t": "cold", "_p": "?"})}, level="experiment")
    assert write_observations(lake, kind.name, fields_of) == {"observations": 2, "flagged": 0, "rejects": 0}
    rows = lake.read(OBSERVATIONS).sort("entry_id").select("temperature", "pressure").rows()
    assert rows == [(293.0, pytest.approx(101.325e-6)), (None, None)]
    given_as(monkeypatch, replace(kind, readings=(replace(here, temperature=4.2, pressure=0.0),)))
    write_observations(lake, kind.name, fields_of)
    assert set(lake.read(OBSERVATIONS).select("temperature", "pressure").rows()) == {(4.2, 0.0)}


def test_what_was_computed_is_never_an_observation_of_a_measured_property(tmp_path, monkeypatch):
    lake, kind = Lake(tmp_path), PROPERTIES["density_measured"]
    given_as(monkeypatch, replace(kind, readings=(replace(kind.readings[0], level_of_theory=None),)))
    fill(lake, {"cod:1": (MGO, {"_exptl_crystal_density_diffrn": 3.5})}, level="PBE")
    assert write_observations(lake, "density_measured", fields_of)["rejects"] == 1
    assert "level of theory must be 'experiment', found 'PBE'" in refused(lake, "density_measured")["cod:1"]


def test_an_observation_carries_the_run_and_its_entrys_licence(lake):
    write_observations(lake, "band_gap", fields_of, run="r-1")
    assert set(lake.read(OBSERVATIONS).select("run", "licence", "reading").rows()) == {
        ("r-1", "CC0", "mp:band_gap"), ("r-1", "CC0", "aflow:Egap"),
    }  # fmt: skip


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
    reading = Reading("mp", "elasticity.debye_temperature", "K", "elastic tensor", route="elasticity")
    given_as(monkeypatch, replace(PROPERTIES["debye_temperature_agl"], readings=(reading,)))
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
    assert observed(lake, "band_gap") == {"mp:1": 4.5, "mp:2": -3, "aflow:3": 0.1865}
    assert all(len(lake.read(OBSERVATIONS, at=version)) for version in range(lake.version(OBSERVATIONS) + 1))


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
    assert observed(lake, "band_gap") == {"mp:1": 4.5, "mp:2": -3, "aflow:3": 0.1865}


def test_a_record_that_cannot_be_read_costs_the_others_nothing(lake):
    def breaking(source, payload):
        if "4.5" in payload:
            raise ValueError("broken page")
        return fields_of(source, payload)

    write_observations(lake, "band_gap", breaking)
    assert observed(lake, "band_gap") == {"mp:2": -3, "aflow:3": 0.1865}
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
    rows = {row["reading"]: row for row in lake.read(OBSERVATIONS).rows(named=True)}
    assert list(rows) == ["labels:Roessler 1967", "labels:Whited 1969", "labels:me"], "every value that is told"
    row = rows["labels:Roessler 1967"]
    assert row["value"] == pytest.approx(7.8)
    assert (row["source"], row["origin"], row["reference"], row["level_of_theory"], row["licence"]) == (
        "labels", "measured", "Roessler 1967", "experiment", "CC0",
    )  # fmt: skip
    assert rows["labels:me"]["flag"] == "out_of_range"
    assert list(refused(lake, "band_gap_measured")) == ["mp:none"]
    assert "there is none" in refused(lake, "band_gap_measured")["mp:none"]


def test_own_labels_of_a_property_that_names_no_such_reading_are_read_too(lake):
    label = {
        "entry_id": "mp:1", "property": "band_gap", "value": 7.7, "unit": "eV", "level_of_theory": "HSE06",
        "method": "VASP", "correction": "none", "temperature": None, "pressure": None, "reference": "mine",
        "licence": "private", "dataset": "a.csv", "joined_by": "id",
    }  # fmt: skip
    lake.replace(LABELS, LABELS.frame([label, label | {"level_of_theory": "experiment", "reference": "a dream"}]))
    assert write_observations(lake, "band_gap", fields_of) == {"observations": 4, "flagged": 1, "rejects": 1}
    rows = lake.read(OBSERVATIONS).filter(pl.col("entry_id") == "mp:1").select("reading", "value", "level_of_theory")
    assert sorted(rows.rows()) == [("labels:mine", 7.7, "HSE06"), ("mp:band_gap", 4.5, "PBE")]
    assert "a computed property" in refused(lake, "band_gap")["mp:1"]


def test_own_values_per_cell_and_per_formula_unit_are_divided_by_the_entrys_atoms(lake):
    (lake.root / "labels").mkdir()
    (lake.root / "labels" / "mine.csv").write_text(
        "entry_id,property,value,unit,reference\n"
        "mp:1,magnetization_measured,16,muB/cell,a\nmp:1,magnetization_measured,4,muB/f.u.,b\n"
    )
    import_labels(lake)
    write_observations(lake, "magnetization_measured", fields_of)
    assert lake.read(OBSERVATIONS)["value"].to_list() == [2.0, 2.0]


def test_an_unknown_property_is_an_error_with_its_neighbours(lake):
    with pytest.raises(UnknownProperty, match="band_gap"):
        write_observations(lake, "bandgap", fields_of)


def test_an_empty_lake_has_no_observations(tmp_path):
    assert write_observations(Lake(tmp_path), "band_gap", fields_of) == {
        "observations": 0, "flagged": 0, "rejects": 0,
    }  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(served=st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.lists(st.floats())))
def test_whatever_is_served_it_is_an_observation_a_reject_or_nothing(tmp_path_factory, served):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    fill(lake, {"mp:1": (MGO, {"band_gap": served})})
    counts = write_observations(lake, "band_gap", fields_of)
    assert counts["observations"] + counts["rejects"] <= 1
    rows = lake.read(OBSERVATIONS)
    assert all(math.isfinite(value) for value in rows["value"])
    assert (rows["flag"].is_null() == rows["value"].is_between(0, 30)).all()


def test_a_name_with_dots_in_it_comes_before_a_path():
    assert at_path({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert at_path({"a": {"b": 2}}, "a.b") == 2
    assert at_path({"a": 3}, "a.b") is None
