"""Groups: the exact method is never beaten, nothing depends on the order of tasks, and regret is what is missed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.transfer_map.groups import (
    NoOptimum,
    agreement,
    exact,
    greedy,
    matrix_of,
    partners,
    recommended,
    regret,
    regret_of_partners,
    total,
)
from models.transfer_map.statistics.discoveries import discovered
from models.transfer_map.statistics.intervals import estimated
from models.transfer_map.statistics.simulation import Spread, simulated

SIX = tuple("abcdef")


def _matrix(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(-0.02, 0.1, (count, count))


def _divisions(names):
    """Every way to divide the names."""
    if not names:
        yield ()
        return
    for rest in _divisions(names[1:]):
        yield ((names[0],), *rest)
        for at in range(len(rest)):
            yield (*rest[:at], (names[0], *rest[at]), *rest[at + 1 :])


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000))
def test_the_exact_groups_of_six_are_those_of_brute_force(seed):
    gains = _matrix(seed, 6)
    best = max(total(SIX, gains, groups) for groups in _divisions(SIX))
    assert total(SIX, gains, exact(SIX, gains)) == pytest.approx(best)
    pairs = max(total(SIX, gains, groups) for groups in _divisions(SIX) if max(map(len, groups)) <= 2)
    assert total(SIX, gains, exact(SIX, gains, largest=2)) == pytest.approx(pairs)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_the_exact_groups_are_never_worse_than_greedy_ones_and_neither_depends_on_order(seed, count):
    names, gains = [f"t{at}" for at in range(count)], _matrix(seed, count)
    best, quick = exact(names, gains), greedy(names, gains)
    assert total(names, gains, best) >= total(names, gains, quick) - 1e-9 >= -1e-9
    order = np.random.default_rng(seed).permutation(count)
    turned = [names[at] for at in order]
    assert exact(turned, gains[np.ix_(order, order)]) == best
    assert greedy(turned, gains[np.ix_(order, order)]) == quick
    assert sorted(name for group in best for name in group) == names
    assert greedy(names, gains, largest=1) == tuple((name,) for name in names)


def test_the_oracles_own_groups_have_no_regret_and_the_worst_have_more_than_all():
    gains = _matrix(1, 8)
    names = [f"t{at}" for at in range(8)]
    assert regret(names, gains, exact(names, gains)) == pytest.approx(0, abs=1e-9)
    alone = tuple((name,) for name in names)
    assert regret(names, gains, alone) == 1
    assert regret(names, -np.abs(gains), alone) == 0 and np.isinf(regret(names, -np.abs(gains), (tuple(names),)))
    own = {name: partners(names, gains, name) for name in names}
    assert regret_of_partners(names, gains, own) == pytest.approx(0, abs=1e-9)
    assert regret_of_partners(names, gains, dict.fromkeys(names, ())) == 1


def test_planted_groups_come_back_from_noisy_gains_of_five_seeds():
    planted = (("t00", "t01", "t02", "t03"), ("t04", "t05", "t06"), ("t07", "t08"), ("t09",), ("t10",), ("t11",))
    truth = np.full((12, 12), -0.04)
    for group in planted:
        at = [int(name[1:]) for name in group]
        truth[np.ix_(at, at)] = 0.1
    names, gains = matrix_of(estimated(simulated(truth, 5, 0, Spread(size=0.06))))
    for found in (exact(names, gains), greedy(names, gains)):
        assert agreement(found, planted) >= 0.9 and regret(names, truth, found) <= 0.1
    assert agreement(planted, planted) == 1


def test_partners_of_one_target_are_those_that_help_it_best_first():
    gains = np.array([[9.0, 0.1, -0.2, 0.3], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert partners("abcd", gains, "a") == ("d", "b") and partners("abcd", gains, "a", most=1) == ("d",)
    assert partners("abcd", gains, "b") == ()


def test_a_recommendation_sums_gains_and_is_surer_of_none_than_its_parts():
    pairs = discovered(estimated(simulated(np.full((4, 4), 0.1), 5, 0)))
    told = recommended(pairs, (("t00", "t01", "t02"), ("t03",)))
    assert told["partners"].to_list() == [["t01", "t02"], ["t00", "t02"], ["t00", "t01"], []]
    parts = pairs.filter(pl.col("target") == "t00", pl.col("source").is_in(["t01", "t02"]))
    first = told.row(0, named=True)
    assert first["gain"] == pytest.approx(parts["gain"].sum())
    assert first["high"] - first["low"] >= (parts["high"] - parts["low"]).max()
    assert told.row(3)[2:] == (0.0, 0.0, 0.0)


def test_a_matrix_of_another_size_and_too_little_time_are_refused():
    with pytest.raises(ValueError, match="6 names need"):
        greedy(SIX, np.zeros((5, 5)))
    with pytest.raises(NoOptimum, match="use greedy"):
        exact([f"t{at:02d}" for at in range(30)], _matrix(0, 30), seconds=1e-3)
