"""A value as served, made the lake's: coerced, converted, divided by atoms by the written rule, and flagged."""

import math
from dataclasses import replace

import pint
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lake.properties import PROPERTIES
from lake.properties.served import (
    OUT_OF_RANGE,
    SENTINEL,
    BadValue,
    contradiction,
    conversion,
    flag_of,
    is_sentinel,
    number,
    sized,
)
from lake.properties.units import UnknownUnit, convert

FINITE = st.floats(-1e6, 1e6)
MODULUS, GAP, MEASURED = (PROPERTIES[name] for name in ("bulk_modulus", "band_gap", "band_gap_measured"))
PER_CELL = {"eV/cell": "eV/atom", "muB/cell": "muB/atom", "kB/cell": "kB/atom", "A^3/cell": "A^3/atom"}


@pytest.mark.parametrize(
    ("served", "value"),
    [(2, 2.0), ("2.5", 2.5), (" -1e-3 ", -1e-3), ("2.33(4)", 2.33), (None, None), ("", None), ("?", None), (".", None)],
)
def test_numbers_are_read_however_they_are_written_and_nothing_is_nothing(served, value):
    assert number(served) == value


@pytest.mark.parametrize("served", ["much", "1_000", "inf", math.inf, -math.inf, math.nan, True, {"vrh": 3}, [1.0]])
def test_what_is_no_finite_number_is_refused_with_what_was_found(served):
    with pytest.raises(BadValue, match="finite number, found"):
        number(served)


@pytest.mark.parametrize(("served", "kept"), PER_CELL.items())
@given(value=FINITE, atoms=st.integers(1, 400), times=st.integers(1, 50))
def test_a_cell_told_n_times_as_large_has_the_same_value(served, kept, value, atoms, times):
    once = conversion(served, kept)
    larger = once(times * value, cell_atoms=times * atoms)
    assert larger == pytest.approx(once(value, cell_atoms=atoms), rel=1e-12, abs=1e-12)
    assert once(value, cell_atoms=atoms) == pytest.approx(value / atoms)


@given(value=FINITE, atoms=st.integers(1, 40), formulas=st.integers(1, 12))
def test_a_moment_per_formula_unit_and_one_per_cell_are_one_moment(value, atoms, formulas):
    by_formula = conversion("muB/f.u.", "muB/atom")(value, formula_atoms=atoms)
    by_cell = conversion("muB/cell", "muB/atom")(formulas * value, cell_atoms=formulas * atoms)
    assert by_formula == pytest.approx(by_cell, rel=1e-12, abs=1e-12)
    assert conversion("muB/formula_unit", "muB/atom") == conversion("muB/f.u.", "muB/atom")


def test_what_does_not_say_per_cell_is_never_divided():
    assert conversion("eV/atom", "eV/atom")(-3.0, cell_atoms=8, formula_atoms=2) == -3.0
    assert conversion("GPa", "GPa").per == conversion("muB/cell", "muB/cell").per == ""


@given(value=FINITE, pair=st.sampled_from([("eV/cell", "kJ/mol"), ("GPa", "kbar"), ("degC", "kelvin"), ("A", "nm")]))
def test_there_and_back_is_where_it_began(value, pair):
    found, wanted = (unit.replace("/cell", "/atom") for unit in pair)
    there = conversion(found, wanted)(value)
    assert conversion(wanted, found)(there) == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert there == pytest.approx(convert(value, found, wanted), rel=1e-9, abs=1e-9)


def test_the_fields_spellings_are_not_what_pint_would_take_them_for():
    assert convert(1.0, "kB/cell", "eV/cell/K") == pytest.approx(8.617e-5, rel=1e-3)
    assert convert(1.0, "A^3", "nm^3") == pytest.approx(1e-3)
    assert convert(1.0, "eV/A^2", "J/m^2") == pytest.approx(16.02, rel=1e-3)


@pytest.mark.parametrize("found", ["parsnip", "eV/", "dB", "degC*eV"])
def test_a_unit_nobody_knows_or_that_is_no_straight_line_is_refused(found):
    with pytest.raises((UnknownUnit, pint.DimensionalityError), match=r"parsnip|eV|decibel|degree"):
        conversion(found, "")


@pytest.mark.parametrize(("found", "wanted"), [("eV", "eV/atom"), ("eV/cell", "eV"), ("muB/f.u.", "muB/cell")])
def test_a_cell_is_not_guessed_where_the_unit_names_none(found, wanted):
    with pytest.raises(pint.DimensionalityError):
        conversion(found, wanted)


@pytest.mark.parametrize("served", [1e12, -1e10, 1e30, 9999, -9999.0, 99999, 99999.99, -9999999])
def test_numbers_that_databases_write_for_nothing_are_known_where_they_are_out_of_range(served):
    assert is_sentinel(served)
    assert flag_of(float(served), float(served), MODULUS) == SENTINEL
    assert flag_of(float(served), float(served), replace(MODULUS, low=-math.inf, high=math.inf)) is None


@pytest.mark.parametrize("served", [-665.0, 999, 701, 1234567, 9.9e9, 9998])
def test_other_impossible_numbers_are_out_of_range(served):
    assert not is_sentinel(served) and flag_of(float(served), float(served), MODULUS) == OUT_OF_RANGE


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_flag_is_raised_outside_of_the_range_and_nowhere_else(value):
    assert (flag_of(value, value, GAP) is None) == (GAP.low <= value <= GAP.high)


@given(value=FINITE)
def test_a_size_has_no_sign_and_a_value_keeps_its_own(value):
    assume(value)
    assert sized(value, replace(GAP, unsigned=True)) == abs(value) and sized(value, GAP) == value


@pytest.mark.parametrize(
    ("level", "kind", "fine"),
    [("experiment", MEASURED, True), ("PBE", GAP, True), ("experiment", GAP, False), ("PBE", MEASURED, False)],
)
def test_computed_is_never_called_known_and_known_never_computed(level, kind, fine):
    assert (contradiction(level, kind) == "") is fine
    assert fine or level in contradiction(level, kind)
