"""Compositions: formulas are read as pymatgen reads them, and told of as pymatgen's own models tell."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.compositions.abundance import abundance
from lake.compositions.composition import FormulaError, amounts, compositions
from lake.compositions.hazard import hazards
from lake.compositions.prices import prices
from lake.compositions.supply import supply
from lake.crystal import NUMBER, SYMBOLS, Crystal
from lake.disordered import DisorderedCrystal
from lake.tables import COMPOSITIONS

ELEMENTS = SYMBOLS[1:95]
LATTICE = [[4.0, 0, 0], [0, 4, 0], [0, 0, 4]]


def row(formula: str) -> dict:
    return compositions([formula]).row(0, named=True)


def priced() -> st.SearchStrategy[dict[str, int]]:
    known = sorted(prices().keys() & supply().keys())
    return st.dictionaries(st.sampled_from(known), st.integers(1, 30), min_size=1, max_size=6)


def written(counts: dict[str, int]) -> str:
    return "".join(f"{symbol}{n}" for symbol, n in counts.items())


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(ELEMENTS), st.integers(1, 30), min_size=1, max_size=6))
def test_a_formula_that_a_crystal_writes_is_read_back_in_the_same_proportions(counts):
    from pymatgen.core import Composition

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        formula = Composition(counts).reduced_formula
        expected = {symbol.symbol: n for symbol, n in Composition(formula).items()}
    assert amounts(formula) == pytest.approx(expected)


def test_a_disordered_crystals_formula_is_read_to_its_shares():
    positions = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    crystal = DisorderedCrystal(LATTICE, positions, ("Sr0.3La0.7", "Mn", "O", "O", "O"))
    assert amounts(crystal.reduced_formula) == {"Sr": 0.3, "La": 0.7, "Mn": 1.0, "O": 3.0}


def test_an_ordered_crystals_formula_is_read_to_its_counts():
    crystal = Crystal(LATTICE, [[0, 0, 0], [0.5, 0.5, 0.5]], [NUMBER["Cs"], NUMBER["Cl"]])
    assert amounts(crystal.reduced_formula) == {"Cs": 1.0, "Cl": 1.0}


@pytest.mark.parametrize("formula", ["", "sio2", "Xx2", "Ca(OH", "Fe-O", "Ca)OH(2", "SiO2 ", "Fe1.2.3", "()", "2O"])
def test_what_is_no_formula_is_an_error_that_names_it(formula):
    with pytest.raises(FormulaError, match="found"):
        amounts(formula)


@settings(max_examples=40, deadline=None)
@given(st.deferred(priced))
def test_cost_and_supply_are_those_of_pymatgens_own_models(counts):
    from pymatgen.analysis.cost import CostAnalyzer, CostDBElements
    from pymatgen.analysis.hhi import HHIModel

    formula = written(counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        analyzer = CostAnalyzer(CostDBElements())
        per_kg, per_mole = analyzer.get_cost_per_kg(formula), analyzer.get_cost_per_mol(formula)
        supplied = HHIModel().get_hhi(formula)
    told = row(formula)
    assert told["cost_per_kg"] == pytest.approx(per_kg)
    assert told["cost_per_formula_unit"] == pytest.approx(per_mole)
    assert (told["hhi_production"], told["hhi_reserve"]) == pytest.approx(supplied)


@settings(max_examples=40, deadline=None)
@given(st.deferred(priced))
def test_a_compound_lies_between_its_elements(counts):
    told = row(written(counts))
    for column, known in (("cost_per_kg", prices()), ("hhi_production", {s: v[0] for s, v in supply().items()})):
        values = [known[symbol] for symbol in counts]
        assert min(values) * (1 - 1e-9) <= told[column] <= max(values) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(st.deferred(priced), st.integers(2, 5))
def test_per_mass_a_formula_and_its_multiple_are_one_and_per_formula_unit_they_are_not(counts, times):
    one, many = row(written(counts)), row(written({symbol: n * times for symbol, n in counts.items()}))
    assert many["cost_per_kg"] == pytest.approx(one["cost_per_kg"])
    assert many["cost_per_formula_unit"] == pytest.approx(times * one["cost_per_formula_unit"])
    assert (many["abundance"], many["scarcest_element"]) == (one["abundance"], one["scarcest_element"])


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(SYMBOLS[1:]), min_size=1, max_size=6))
def test_what_is_unknown_of_one_element_is_unknown_of_the_compound(symbols):
    told = row("".join(sorted(symbols)))
    assert (told["cost_per_kg"] is None) == bool(symbols - prices().keys())
    assert (told["hhi_production"] is None) == bool(symbols - supply().keys())
    assert (told["abundance"] is None) == bool(symbols - abundance().keys())
    if told["abundance"] is not None:
        assert told["abundance"] == abundance()[told["scarcest_element"]] == min(abundance()[s] for s in symbols)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=6, unique=True))
def test_every_hazard_of_an_element_is_noted_once_and_in_the_formulas_order(symbols):
    notes = [hazards()[symbol] for symbol in symbols if symbol in hazards()]
    assert row("".join(symbols))["hazard"] == ("; ".join(notes) or None)


def test_every_formula_has_one_row_in_the_tables_own_columns():
    formulas = ["SiO2", "Ca(OH)2", "UO2", "Fe0.5Ni0.5", "PuO2", "Xe"]
    rows = compositions(formulas)
    assert rows["reduced_formula"].to_list() == sorted(formulas)
    assert rows.schema == COMPOSITIONS.schema
    assert compositions([]).equals(COMPOSITIONS.empty())


def test_the_crust_adds_up_to_nearly_a_million_parts():
    assert 0.97e6 < sum(abundance().values()) < 1.02e6
    assert abundance().keys() <= set(SYMBOLS)
