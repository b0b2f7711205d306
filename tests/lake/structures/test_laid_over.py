"""The pictures of pairs: what is laid over what, and the judgement by principal stretches that stands beside them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.identity.disagreements import tolerated
from benchmarks.identity.laid_over import Panel, laid, sheet
from benchmarks.identity.made import anyhow, scaled
from lake.crystal import Crystal
from lake.structures.compare import Candidate, superposition

RUTILE = Crystal(
    np.diag([4.6, 4.6, 2.96]),
    [[0, 0, 0], [0.5, 0.5, 0.5], [0.305, 0.305, 0], [0.695, 0.695, 0], [0.195, 0.805, 0.5], [0.805, 0.195, 0.5]],
    [22, 22, 8, 8, 8, 8],
)


def candidate(crystal: Crystal) -> Candidate:
    return Candidate("it", "folder", crystal.reduced_formula, crystal)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(-0.02, 0.02), st.booleans())
def test_however_told_a_crystal_lies_on_itself_stretched_as_it_was(seed, stretch, swapped):
    longer = Crystal(RUTILE.lattice * [1, 1, math.exp(stretch)], RUTILE.positions, RUTILE.numbers)
    pair = candidate(RUTILE), candidate(anyhow(longer, np.random.default_rng(seed)))
    both = laid(*(reversed(pair) if swapped else pair))
    found = both.stretches
    assert found[2] - found[0] == pytest.approx(abs(stretch), abs=1e-7)
    steps = both.places[1] - both.places[0]
    assert np.abs(steps - steps.mean(0)).max() < 1e-6


def test_the_strain_drawn_is_the_strain_measured():
    sheared = Crystal(RUTILE.lattice @ [[1, 0.03, 0], [0, 1, 0.01], [0, 0, 1]], RUTILE.positions, RUTILE.numbers)
    one, other = candidate(RUTILE), candidate(sheared)
    found = laid(one, other).stretches
    assert math.expm1((found[2] - found[0]) / 2) == pytest.approx(superposition(one, other).strain)


@pytest.mark.parametrize(
    ("stretches", "same"),
    [
        ((0, 0, 0), True),
        ((0.029, 0.029, 0.029), True),
        ((0.031, 0.031, 0.031), False),  # scaled alone
        ((-0.019, 0, 0.019), True),
        ((0.03, 0.03, 0.049), True),
        ((0.025, 0.039, 0.054), False),  # no scaling of 3 % leaves 2 %
        ((0, 0, 0.041), False),
    ],
)
def test_stretches_are_tolerated_where_a_uniform_scaling_leaves_little_of_them(stretches, same):
    assert tolerated(np.array(stretches)) is same
    assert tolerated(-np.array(stretches)[::-1]) is same


def test_a_sheet_shows_pairs_that_can_be_laid_over_each_other_and_pairs_that_cannot():
    other = Crystal(np.diag([5.0, 4.0, 3.2]), RUTILE.positions, RUTILE.numbers)
    panels = [
        Panel(candidate(RUTILE), candidate(crystal), "TiO2", ("one", "two"))
        for crystal in (scaled(RUTILE, 0.02), RUTILE, other)
    ]
    figure = sheet("Three", panels)
    assert len(figure.axes) == 4 * 2 + 5  # words, key, curves, and one picture or two
