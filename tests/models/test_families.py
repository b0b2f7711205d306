"""Families: one quantity told again is one family, however it is told; what is only related stays apart."""

from __future__ import annotations

import numpy as np
import pytest

from lake.properties import PROPERTIES
from models.transfer_map.families import (
    BETWEEN,
    BY_DEFINITION,
    DEFINED,
    FEWEST,
    OF_INPUT,
    WITHIN,
    alike,
    derived,
    families,
    kinds,
    likeness,
    read_off,
    readings_of,
)
from tests.models._made import rock_salt

N = 1200


def made(seed: int = 0) -> dict[str, np.ndarray]:
    """One quantity in five tellings, a relative of correlation .9, a stranger, and a product of two."""
    draw = np.random.default_rng(seed).normal(size=(4, N))
    x = np.exp(draw[0])
    told = {
        "x": x,
        "squared": x**2,
        "scaled": 1e-9 * x + 3e-7,
        "inverse": -4.0 / x,
        "noisy": x * np.exp(0.05 * draw[2]),
        "relative": 0.9 * draw[0] + np.sqrt(1 - 0.9**2) * draw[1],
        "stranger": draw[3],
        "product": x**2 * np.abs(draw[3]),
    }
    lots = np.random.default_rng(seed + 1).random((len(told), N))
    return {name: np.where(lot < 0.8, values, np.nan) for (name, values), lot in zip(told.items(), lots, strict=True)}


def table(told: dict[str, np.ndarray]) -> tuple[list[str], np.ndarray]:
    return list(told), np.column_stack(list(told.values()))


def test_tellings_of_one_quantity_are_one_family_and_relatives_are_not():
    gathered = families(*table(made()))
    family = dict(gathered.select("name", "family").iter_rows())
    assert len({family[name] for name in ("x", "squared", "scaled", "inverse", "noisy")}) == 1
    assert [family[name] for name in ("relative", "stranger", "product")] == ["relative", "stranger", "product"]
    why = dict(gathered.select("name", "why").iter_rows())
    assert "as squared does" in why["x"] and why["stranger"] == ""


def test_a_square_of_both_signs_is_the_same_quantity():
    x = np.random.default_rng(3).normal(size=500)
    assert likeness(x, x**2)[1] == pytest.approx(1.0)


def test_neither_order_nor_scale_matter():
    told = made()
    shuffled = {name: told[name] * 10.0**power for power, name in enumerate(reversed(told), -4)}
    assert families(*table(told)).equals(families(*table(shuffled)))
    assert (
        derived(*table(told))
        .select("name", "of", "form", "n")
        .equals(derived(*table(shuffled)).select("name", "of", "form", "n"))
    )


def test_being_zero_together_is_not_being_alike():
    draw = np.random.default_rng(5).random((3, 4000))
    metal = draw[0] < 0.9
    gap, other = np.where(metal, 0.0, draw[1]), np.where(metal, 0.0, draw[2])
    assert likeness(gap, other)[1] < 0.3
    assert likeness(gap, 2 * gap)[1] == pytest.approx(1.0)


def test_too_few_shared_crystals_say_nothing():
    x = np.arange(100.0)
    part = np.where(x < FEWEST - 1, x, np.nan)
    assert likeness(x, part) == (FEWEST - 1, None)
    assert not len(alike(["a", "b"], np.column_stack([x, part])))
    assert families(["a", "b"], np.column_stack([x, part]))["family"].to_list() == ["a", "b"]


def test_a_product_of_two_is_found_and_is_no_family_of_theirs():
    names, targets = table({name: made()[name] for name in ("x", "stranger", "product", "relative")})
    found = derived(names, targets).row(0, named=True)  # by name, product comes first
    assert (found["name"], found["of"], found["form"]) == ("product", ["stranger", "x"], "product")
    told = kinds(families(names, targets), derived(names, targets))
    kind = {(target, source): kind for target, source, _, _, kind in told.iter_rows()}
    assert kind["x", "product"] == kind["product", "stranger"] == kind["stranger", "x"] == BY_DEFINITION
    assert kind["x", "relative"] == BETWEEN and len(kind) == 12


def test_what_cell_and_formula_tell_is_of_the_input():
    edges = np.linspace(4.0, 7.0, 40)
    crystals = [rock_salt((3, 11, 19, 37)[at % 4], (9, 17, 35)[at % 3], edge) for at, edge in enumerate(edges)]
    readings = readings_of(crystals)
    hard = np.random.default_rng(0).normal(size=len(crystals))
    targets = np.column_stack([3.5 / readings["volume per atom"], hard])
    assert read_off(["packing", "hard"], targets, readings) == {"packing": "volume per atom"}
    gathered = families(["packing", "hard"], targets, readings)
    assert gathered["family"].to_list() == ["hard", "input"]
    assert set(kinds(gathered, derived(["packing", "hard"], targets))["kind"]) == {OF_INPUT}


def test_the_catalog_joins_what_data_alone_do_not_and_may_be_left_out():
    names = ["electrical_conductivity_per_relaxation_time_n", "conductivity_effective_mass_n", "volume_per_atom"]
    assert {name for made, of in DEFINED.items() for name in (made, *of)} <= set(PROPERTIES)
    targets = np.random.default_rng(1).normal(size=(200, 3))
    assert families(names, targets)["family"].to_list() == [names[0], names[0], "input"]
    assert families(names, targets, catalog=False)["family"].n_unique() == 3
    told = kinds(families(names, targets), derived(names, targets))
    assert told["kind"].value_counts().sort("count")["count"].to_list() == [2, 4] and WITHIN in set(told["kind"])
