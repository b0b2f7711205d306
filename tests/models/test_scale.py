"""The scaler goes there and back, and errors count labelled rows only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import mean_absolute_errors, mean_predictor_errors
from models.scale import Scaler

TASKS = ("band_gap", "bulk_modulus")
VALUES = st.lists(st.floats(0.5, 500.0), min_size=2, max_size=30, unique=True)


@given(VALUES)
def test_inverse_undoes_forward(values: list[float]) -> None:
    targets = np.array([values, values]).T
    scaler = Scaler.fit(TASKS, targets)
    floors = np.array([-np.inf, scaler.floor[1]])
    np.testing.assert_allclose(scaler.inverse(scaler.forward(targets)), np.maximum(targets, floors), rtol=2e-3)
    assert Scaler.from_json(scaler.to_json()) == scaler


@given(VALUES)
def test_training_targets_become_standard_and_missing_ones_stay_missing(values: list[float]) -> None:
    targets = np.array([[*values, np.nan], [np.nan, *values]]).T
    out = Scaler.fit(TASKS, targets).forward(targets)
    assert np.isnan(out[-1, 0])
    assert np.isnan(out[0, 1])
    np.testing.assert_allclose(np.nanmean(out, axis=0), 0, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "log"),
    [
        ("bulk_modulus", True), ("static_dielectric_constant", True), ("refractive_index", True),
        ("piezoelectric_modulus", True), ("conductivity_effective_mass_n", True), ("universal_anisotropy", True),
        ("electrical_conductivity_per_relaxation_time_p", True),
        ("magnetization_per_atom", False), ("band_gap", False), ("seebeck_coefficient_n", False),
        ("formation_energy_per_atom", False), ("poisson_ratio", False),
    ],
)  # fmt: skip
def test_logarithms_are_learnt_of_what_spreads_over_decades_and_of_nothing_signed_or_often_zero(
    name: str, log: bool
) -> None:
    values = np.array([[1.0], [10.0], [100.0]])
    assert (Scaler.fit((name,), values).floor[0] is not None) == log
    assert Scaler.fit((name,), values, "none").floor == (None,)
    assert Scaler.fit((name,), values, "log").floor == (0.1,)


def test_zero_under_a_logarithm_is_learnt_as_the_floor() -> None:
    scaler = Scaler.fit(("bulk_modulus",), np.array([[0.0], [100.0], [100.0]]))
    np.testing.assert_allclose(scaler.inverse(scaler.forward(np.array([[0.0]]))), [[1.0]], rtol=1e-5)


def test_errors_count_labelled_rows_only() -> None:
    targets = np.array([[1.0, np.nan], [3.0, np.nan]])
    assert mean_absolute_errors(np.zeros((2, 2)), targets) == [2.0, None]
    assert mean_predictor_errors(np.array([[1.0, 5.0], [2.0, np.nan]]), targets) == [1.0, None]
