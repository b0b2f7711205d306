"""The catalog: every property has words, units that convert, a range, and a place it is read from."""

import numpy as np
import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.properties import PROPERTIES, UnknownProperty, property_named
from lake.properties.catalog import CATALOG
from lake.properties.definition import INPUT
from lake.properties.served import conversion
from lake.properties.units import UnknownUnit, convert, unit

SLUGS = {"mp", "aflow", "ocp", "cod", "pcod", "oqmd", "labels"}
GROUPS = {
    "thermodynamic", "electronic", "magnetic", "elastic", "dielectric", "piezoelectric", "thermal", "transport",
    "structural", "surface", "adsorption",
}  # fmt: skip
# of the first catalog: recipes, checkpoints and labels of users name them
NAMES = {
    "band_gap", "band_gap_measured", "formation_energy_per_atom", "formation_enthalpy_measured", "energy_above_hull",
    "bulk_modulus", "bulk_modulus_measured", "shear_modulus", "shear_modulus_measured", "magnetization_per_atom",
    "magnetization_measured", "static_dielectric_constant", "static_dielectric_constant_measured",
    "optical_dielectric_constant", "optical_dielectric_constant_measured", "refractive_index",
    "refractive_index_measured", "piezoelectric_modulus", "debye_temperature_agl", "debye_temperature_measured",
    "thermal_conductivity_agl", "thermal_conductivity_measured", "thermal_expansion_agl", "density_measured",
    "adsorption_energy",
}  # fmt: skip


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_every_property_has_words_a_range_and_readings_from_known_sources(prop):
    assert len(prop.about) > 30 and prop.about.endswith(".") and prop.label and prop.group in GROUPS
    assert prop.low < prop.high and np.isfinite([prop.low, prop.high]).all()
    assert {r.source for r in prop.readings} <= SLUGS
    assert all(r.method and r.correction for r in prop.readings)
    assert prop.levels and len(set(prop.levels)) == len(prop.levels)


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_no_two_readings_of_a_property_are_the_same_place(prop):
    places = [(r.source, r.route, r.path) for r in prop.readings]
    assert len(set(places)) == len(places)
    assert len({r.name for r in prop.readings}) == len(places), "observations are told apart by this name"


def test_no_place_is_read_by_two_properties():
    places = [(r.source, r.route, r.path) for p in PROPERTIES.values() for r in p.readings]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_computed_is_never_called_measured(prop):
    measured = prop.name.endswith("_measured")
    assert (prop.origin == "measured") == measured
    assert f"({prop.origin}" in prop.label
    assert not any(r.source == "labels" for r in prop.readings) or measured
    assert {r.level_of_theory for r in prop.readings} <= {"experiment"} or not measured


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_a_name_says_what_must_not_be_mixed(prop):
    """Of AGL, of least conductivities and of uncorrected energies: what is read says so, and so do name and label."""
    agl = {r.path.startswith("agl_") for r in prop.readings if r.source == "aflow"}
    assert agl in (set(), {prop.name.endswith("_agl")})
    assert prop.name.endswith("_agl") == ("AGL)" in prop.label)
    told = " ".join(r.path for r in prop.readings)
    assert ("thermal_conductivity." in told) == prop.name.startswith("minimum_") == prop.label.startswith("Minimum")
    assert ("uncorrected" in told) == prop.name.endswith("_uncorrected") == ("uncorrected" in prop.label)


def test_what_boltzmann_s_equation_gives_per_relaxation_time_says_so():
    transport = [p for p in PROPERTIES.values() if p.group == "transport"]
    per_time = [p for p in transport if p.unit.endswith("/s")]
    assert len(per_time) == 6 and all("_per_relaxation_time_" in p.name for p in per_time)
    assert not any("relaxation_time" in p.name for p in transport if p not in per_time)
    assert all(p.name.startswith("electronic_") for p in transport if "thermal" in p.name)


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_every_reading_has_a_unit_that_becomes_the_propertys(prop):
    for reading in prop.readings:
        per_atom = reading.unit.replace("/cell", "/atom")  # an extensive number is divided by atoms first
        assert unit(per_atom).is_compatible_with(unit(prop.unit))
        assert conversion(reading.unit, prop.unit).scale > 0


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_what_is_extensive_is_kept_per_atom(prop):
    assert (prop.kind == "extensive") == prop.unit.endswith("/atom")
    assert not any(r.unit.endswith("/cell") for r in prop.readings if prop.kind == "intensive")


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_a_family_is_named_after_a_member_or_the_input_and_every_other_says_how_it_is_the_same(prop):
    if prop.family in ("", prop.name):
        assert not prop.family_words
        return
    assert len(prop.family_words) > 10
    if prop.family != INPUT:
        assert PROPERTIES[prop.family].family == prop.family
        assert PROPERTIES[prop.family].origin == prop.origin, "a measurement is a witness of its own"


def test_one_quantity_told_twice_is_one_family():
    def family(name):
        return PROPERTIES[name].family

    assert family("refractive_index") == family("optical_dielectric_constant")
    assert family("bulk_modulus_voigt") == family("bulk_modulus_reuss") == family("bulk_modulus")
    assert family("density") == family("volume_per_atom") == INPUT
    for letter in "np":
        mass = family(f"conductivity_effective_mass_{letter}")
        assert mass == family(f"electronic_thermal_conductivity_per_relaxation_time_{letter}")
        assert mass == family(f"electrical_conductivity_per_relaxation_time_{letter}")
    assert family("conductivity_effective_mass_n") != family("conductivity_effective_mass_p")


def test_there_are_sixty_properties_and_more_in_every_group():
    assert len(PROPERTIES) == len(CATALOG) >= 60
    assert {p.group for p in CATALOG} == GROUPS
    groups = [p.group for p in CATALOG]
    assert groups == sorted(groups, key=groups.index), "a group stands together"


def test_names_that_others_rely_on_are_there():
    assert PROPERTIES.keys() >= NAMES


@given(st.floats(-1e6, 1e6))
def test_a_unit_converts_there_and_back(value):
    assert convert(convert(value, "eV/atom", "kJ/mol"), "kJ/mol", "eV/atom") == pytest.approx(value, abs=1e-6)


def test_known_conversions_hold():
    assert convert(1.0, "eV/atom", "kJ/mol") == pytest.approx(96.485, rel=1e-4)
    assert convert(10.0, "kbar", "GPa") == pytest.approx(1.0)


def test_units_of_solids_are_told_apart():
    assert convert(400e9, "Pa", "GPa") == pytest.approx(400.0)
    assert convert(1.0, "1/ohm/m/fs", "1/ohm/m/s") == pytest.approx(1e15)
    assert convert(1.0, "GW/m/K^2/s", "W/m/K^2/s") == pytest.approx(1e9)
    assert conversion("kB/cell", "kB/atom")(12.0, 4) == pytest.approx(3.0)
    assert conversion("A^3/cell", "A^3/atom")(40.0, 2) == pytest.approx(20.0)
    with pytest.raises(pint.DimensionalityError):
        conversion("W/m/K/s", "W/m/K")  # per relaxation time is no conductivity


def test_a_reading_can_be_told_in_words():
    (stability,) = (r for r in PROPERTIES["energy_above_hull"].readings if r.source == "oqmd")
    assert stability.words == (
        "oqmd `_oqmd_stability` [eV/atom]: convex hull of OQMD; level of the row; correction OQMD fitted references"
    )


def test_a_unit_nobody_knows_is_refused_with_its_spelling():
    with pytest.raises(UnknownUnit, match="florps"):
        unit("florps")


def test_an_unknown_property_is_answered_with_the_nearest_names():
    with pytest.raises(UnknownProperty, match="band_gap"):
        property_named("bandgap")


def test_a_code_version_changes_with_the_property_and_only_with_it():
    from dataclasses import replace

    gap = PROPERTIES["band_gap"]
    assert replace(gap).code_version == gap.code_version
    assert replace(gap, high=gap.high + 1).code_version != gap.code_version
    assert len({p.code_version for p in PROPERTIES.values()}) == len(PROPERTIES)
