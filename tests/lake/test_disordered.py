"""Disordered crystals: one site per position, one label per mixture, and no writer's choice matters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crystal import SYMBOLS, Crystal, CrystalError
from lake.disordered import DisorderedCrystal, species_label

CELL = np.eye(3) * 4.0
elements = st.sampled_from(SYMBOLS[1:104])


@st.composite
def mixtures(draw) -> dict[str, float]:
    """Elements of one site, in any order, with occupancies that sum to 1 or less."""
    symbols = draw(st.lists(elements, min_size=1, max_size=4, unique=True))
    shares = draw(st.lists(st.integers(1, 100 // len(symbols)), min_size=len(symbols), max_size=len(symbols)))
    return {symbol: share / 100 for symbol, share in zip(symbols, shares, strict=True)}


@given(mixtures(), st.randoms(use_true_random=False))
def test_a_label_does_not_depend_on_the_order_of_its_elements(mixture, choose):
    shuffled = sorted(mixture.items(), key=lambda _: choose.random())
    assert species_label(dict(shuffled)) == species_label(mixture)


@given(mixtures(), mixtures())
def test_two_labels_are_one_only_where_the_mixtures_are(one, other):
    assert (species_label(one) == species_label(other)) == (one == other)


@given(mixtures())
def test_a_label_tells_the_amounts_it_was_made_of(mixture):
    made = DisorderedCrystal(CELL, [[0, 0, 0]], [species_label(mixture)])
    assert made.counts == pytest.approx(mixture)
    assert mixture[SYMBOLS[made.numbers[0]]] == max(mixture.values())


def test_labels_round_as_print_does_and_lose_no_element():
    assert species_label({"Ni": 0.5, "Fe": 0.5}) == "Fe0.5Ni0.5"
    assert species_label({"Li": 1 / 3}) == species_label({"Li": 0.33}) == "Li0.33"
    assert species_label({"Li": 0.125}) == "Li0.13"
    assert species_label({"O": 0.9999}) == "O"
    assert species_label({"Fe": 0.001}) == "Fe0.01"
    assert species_label({"O": 3 * 0.34}) == "O"


@pytest.mark.parametrize(
    "mixture, fault",
    [({}, "found none"), ({"Fe": 0.0}, "found 0"), ({"Fe": -0.5}, "found -0.5"), ({"Fe": 1.5}, "found 1.5"),
     ({"Fe": float("nan")}, "found nan"), ({"Fe": 0.6, "Ni": 0.6}, "Fe 0.6 and Ni 0.6")],
)  # fmt: skip
def test_impossible_occupancies_are_refused_with_what_was_found(mixture, fault):
    with pytest.raises(CrystalError, match=fault):
        species_label(mixture)


@pytest.mark.parametrize(
    "label", ["", "X", "fe", "D", "Fe2", "Fe.5", "Fe0.50", "O1", "Ni0.5Fe0.5", "Fe0.6Ni0.6", "Fe0"]
)
def test_what_is_no_label_is_refused(label):
    with pytest.raises(CrystalError, match="species must be labels"):
        DisorderedCrystal(CELL, [[0, 0, 0], [0.5, 0.5, 0.5]], [label, "Li0.5"]).checked()


@pytest.mark.parametrize(
    "positions, species, fault",
    [
        ([], [], "every site needs one position, found 0"),
        ([[0, 0, 0]], ["Li0.5", "O"], "every site needs one position"),
        ([[0, 0, np.nan]], ["Li0.5"], "finite"),
        ([[0, 0, 0]], ["O"], "found an ordered one"),
        ([[0, 0, 0]], ["H0.01"], "volume per atom"),
        ([[0, 0, 0], [0.05, 0, 0]], ["Li0.5", "O"], "exclude each other"),
        ([[0, 0, 0], [0.95, 0, 0]], ["O", "Li0.5"], "exclude each other"),
    ],
)
def test_what_cannot_be_is_refused_by_its_rule(positions, species, fault):
    with pytest.raises(CrystalError, match=fault):
        DisorderedCrystal(CELL * (6 if species == ["H0.01"] else 1), positions, species).checked()


def test_sites_that_exclude_each_other_may_be_near():
    made = DisorderedCrystal(CELL, [[0, 0, 0], [0.05, 0, 0], [0.5, 0.5, 0.5]], ["Li0.5", "Li0.5", "O"])
    assert made.checked() is made


@given(st.lists(mixtures(), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_atoms_of_one_position_become_one_site_in_any_order(sites, choose):
    atoms = [
        ((np.array([0.07, 0.2, 0.19]) * n + choose.randint(-2, 2), symbol), share)
        for n, mixture in enumerate(sites)
        for symbol, share in mixture.items()
    ]
    choose.shuffle(atoms)
    (places, symbols), shares = zip(*(place for place, _ in atoms), strict=True), [share for _, share in atoms]
    made = DisorderedCrystal.of_atoms(CELL * 3, np.array(places), symbols, shares)
    assert sorted(made.species) == sorted(map(species_label, sites))
    for place, label in zip(made.positions % 1 % 1, made.species, strict=True):
        assert label in {
            species_label(sites[n])
            for n in range(len(sites))
            if np.allclose(place, np.array([0.07, 0.2, 0.19]) * n % 1, atol=1e-9)
        }


def test_atoms_that_were_refined_apart_by_their_errors_share_their_mean_position():
    made = DisorderedCrystal.of_atoms(CELL, [[0.999, 0, 0], [0.003, 0, 0]], ["Fe", "Ni"], [0.5, 0.5])
    assert made.species == ("Fe0.5Ni0.5",)
    assert made.positions[0, 0] % 1 == pytest.approx(0.001)


def test_too_many_atoms_on_one_position_are_refused():
    with pytest.raises(CrystalError, match=r"sum to 1 or less, found Fe 1 and Ni 0\.5"):
        DisorderedCrystal.of_atoms(CELL, [[0, 0, 0], [1, 0, 0]], ["Fe", "Ni"], [1, 0.5])


@given(st.integers(1, 4), st.integers(1, 4))
def test_the_formula_is_the_same_whatever_the_cell(copies, other):
    def perovskite(n: int) -> DisorderedCrystal:
        species = ["Sr0.3La0.7", "Mn", "O", "O", "O"] * n
        return DisorderedCrystal(CELL, np.linspace(0, 1, 15 * n).reshape(-1, 3), species)

    assert perovskite(copies).reduced_formula == perovskite(other).reduced_formula == "Sr0.3La0.7MnO3"


def test_whole_amounts_have_the_formula_of_the_ordered_crystal():
    spinel = ["Mg0.07Al0.93", "Mg0.86Al0.14", "Mg0.07Al0.93", "O", "O", "O", "O"]
    assert DisorderedCrystal(CELL, np.zeros((7, 3)), spinel).reduced_formula == "MgAl2O4"


def test_the_stand_in_tells_labels_apart_and_nothing_else():
    made = DisorderedCrystal(CELL, np.arange(9).reshape(3, 3) / 10, ["O", "Li0.5", "Fe0.5Ni0.5"])
    coded = made.coded()
    assert isinstance(coded, Crystal)
    assert coded.numbers.tolist() == [3, 2, 1]
    assert np.array_equal(coded.positions, made.positions)


@given(st.integers(0, 2))
def test_any_rewriting_changes_the_structures_hash(what):
    made = DisorderedCrystal(CELL, [[0, 0, 0], [0.5, 0.5, 0.5]], ["Fe0.5Ni0.5", "O"])
    lattice, positions = made.lattice + 1e-6 * (what == 0), made.positions + 1e-6 * (what == 1)
    species = ["Fe0.51Ni0.49" if what == 2 else "Fe0.5Ni0.5", "O"]
    assert DisorderedCrystal(lattice, positions, species).structure_hash != made.structure_hash
    assert made.structure_hash != Crystal(made.lattice, made.positions, made.numbers).structure_hash
