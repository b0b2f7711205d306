"""What must not be mixed shares no property: SOURCES of the numbers, schemes of correction, models and experiment."""

from __future__ import annotations

import pytest

from lake.properties import PROPERTIES
from lake.properties.catalog.theory import GGA_AND_U, MIXED, R2SCAN
from lake.properties.definition import Reading

BULK = {"mp", "aflow", "oqmd"}


def readings() -> list[tuple[str, Reading]]:
    return [(prop.name, reading) for prop in PROPERTIES.values() for reading in prop.readings]


def named(*words: str, source: str = "") -> set[str]:
    """Properties with a reading whose path holds one of these words."""
    told = ((name, r.path) for name, r in readings() if not source or r.source == source)
    return {name for name, path in told if any(word in path for word in words)}


def test_slabs_share_no_property_with_crystals():
    of_slabs = {name for name, reading in readings() if reading.source == "ocp"}
    of_crystals = {name for name, reading in readings() if reading.source in BULK}
    assert of_slabs == {"adsorption_energy"} and not of_slabs & of_crystals


def test_adsorption_takes_no_total_energy():
    """OC22's are total energies by PBE+U, OC20's adsorption energies by RPBE."""
    (reading,) = PROPERTIES["adsorption_energy"].readings
    assert (reading.path, reading.level_of_theory) == ("adsorption_energy", "RPBE")
    assert not any(reading.path == "energy" for _, reading in readings() if reading.source == "ocp")


def test_agl_shares_no_property_with_least_conductivities_elasticity_or_experiment():
    agl = named("agl_", source="aflow")
    others = named("thermal_conductivity.", "debye_temperature", "ael_") | {n for n in PROPERTIES if "_measured" in n}
    assert len(agl) == 9 and not agl & others


def test_clarke_s_and_cahill_s_least_conductivities_are_two_properties():
    assert named("clarke") == {"minimum_thermal_conductivity_clarke"}
    assert named("cahill") == {"minimum_thermal_conductivity_cahill"}


def test_corrected_energies_share_no_property_with_raw_ones():
    raw = named("uncorrected_energy_per_atom") | {name for name, r in readings() if r.path == "energy_atom"}
    assert raw == {"total_energy_per_atom_uncorrected"}
    assert all(r.correction == "none" for r in PROPERTIES["total_energy_per_atom_uncorrected"].readings)
    corrected = {(r.level_of_theory, r.correction) for r in PROPERTIES["total_energy_per_atom"].readings}
    assert corrected == {(MIXED, "MP2020, mixed with r2SCAN"), (GGA_AND_U, "MP2020"), (R2SCAN, "none")}


@pytest.mark.parametrize("name", ["formation_energy_per_atom", "energy_above_hull"])
def test_each_scheme_of_energies_is_a_label_of_its_own(name):
    """Materials Project's three hulls, AFLOW and OQMD: told apart by level and correction, so that none is averaged."""
    told = [(r.source, r.level_of_theory, r.correction) for r in PROPERTIES[name].readings]
    assert len(set(told)) == len(told)
    levels = {level for source, level, _ in told if source == "mp"}
    assert levels == {MIXED, GGA_AND_U, R2SCAN}
    assert PROPERTIES[name].levels[:2] == (MIXED, GGA_AND_U)
    assert R2SCAN not in PROPERTIES[name].levels, "learning takes one family of functionals"


def test_experiment_is_a_level_of_its_own():
    for prop in PROPERTIES.values():
        levels = {reading.level_of_theory == "experiment" for reading in prop.readings}
        assert levels <= {prop.origin == "measured"}


def test_a_fitted_gap_is_no_gap():
    assert named("Egap_fit") == {"band_gap_fitted"}
    assert "Egap" in {reading.path for reading in PROPERTIES["band_gap"].readings}


def test_the_main_average_of_moduli_shares_no_property_with_its_bounds():
    assert not named(".vrh", "_vrh") & named("voigt", "reuss")
    assert named(".vrh", "_vrh") == {"bulk_modulus", "shear_modulus"}
