"""The catalog: every property has words, units that convert, a range, and a place it is read from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.properties import PROPERTIES, UnknownProperty, property_named
from lake.properties.units import UnknownUnit, convert, unit

SLUGS = {"mp", "aflow", "ocp", "cod", "pcod", "oqmd", "labels"}


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_every_property_has_words_a_range_and_readings_from_known_sources(prop):
    assert len(prop.about) > 30 and prop.label and prop.group
    assert prop.low < prop.high
    assert prop.readings and {r.source for r in prop.readings} <= SLUGS
    assert len({r.source for r in prop.readings}) == len(prop.readings), "two readings of one source would compete"


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_computed_is_never_called_measured(prop):
    measured = prop.name.endswith("_measured")
    assert (prop.origin == "measured") == measured
    assert f"({prop.origin}" in prop.label
    assert not any(r.source == "labels" for r in prop.readings) or measured


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_every_reading_has_a_unit_that_becomes_the_propertys(prop):
    for reading in prop.readings:
        per_atom = reading.unit.replace("/cell", "/atom")  # an extensive number is divided by atoms first
        assert unit(per_atom).is_compatible_with(unit(prop.unit))


def test_the_issue_asks_for_twelve_properties_and_there_are_more():
    assert len(PROPERTIES) >= 12


@given(st.floats(-1e6, 1e6))
def test_a_unit_converts_there_and_back(value):
    assert convert(convert(value, "eV/atom", "kJ/mol"), "kJ/mol", "eV/atom") == pytest.approx(value, abs=1e-6)


def test_known_conversions_hold():
    assert convert(1.0, "eV/atom", "kJ/mol") == pytest.approx(96.485, rel=1e-4)
    assert convert(10.0, "kbar", "GPa") == pytest.approx(1.0)


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
