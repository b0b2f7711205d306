"""Scores of choices and of costs: what the oracle itself would choose has no regret, and fewer runs are fewer."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.transfer.bars import BARS, PAIRS, verdicts
from benchmarks.transfer.study import groups_of
from benchmarks.transfer.subset_runs import sampled
from models.planted.dials import Dials
from models.planted.menu import tasks
from models.planted.planted import _tasks
from models.transfer_map.scores import auroc_of_design, choice, fewest_runs, scored
from models.transfer_map.statistics.discoveries import discovered
from models.transfer_map.statistics.intervals import estimated
from models.transfer_map.statistics.simulation import simulated

NAMES = tuple(f"t{at:02d}" for at in range(12))
PLANTED = (NAMES[:4], NAMES[4:7], *((name,) for name in NAMES[7:]))


def _truth(harm: float = -0.05) -> np.ndarray:
    truth = np.full((12, 12), harm)
    for group in PLANTED:
        at = [NAMES.index(name) for name in group]
        truth[np.ix_(at, at)] = 0.1
    return truth


def _judged(truth: np.ndarray, seeds: int, seed: int) -> pl.DataFrame:
    return discovered(estimated(simulated(truth, seeds, seed)))


def test_what_the_oracle_would_choose_has_no_regret_and_finds_the_groups():
    oracle = _judged(_truth(), 50, 0)
    told = choice(oracle, oracle, PLANTED)
    assert told.ari_exact == told.ari_greedy == 1
    assert [told.regret_groups, told.regret_partners, told.regret_best] == pytest.approx([0, 0, 0], abs=1e-9)


def test_choosing_nothing_misses_all_and_choosing_the_opposite_does_harm():
    oracle = _judged(_truth(), 50, 0)
    nothing = choice(oracle.with_columns(gain=-pl.col("gain").abs()), oracle, PLANTED)
    assert nothing.regret_groups == nothing.regret_partners == nothing.regret_best == 1
    turned = choice(oracle.with_columns(gain=-pl.col("gain")), oracle, PLANTED)
    assert min(turned.regret_groups, turned.regret_partners, turned.regret_best) > 1


def test_few_seeds_of_clear_groups_choose_nearly_as_well():
    told = [choice(_judged(_truth(), 5, seed), _judged(_truth(), 50, seed + 5000), PLANTED) for seed in range(3)]
    assert np.mean([one.ari_exact for one in told]) >= 0.9
    regrets = [(one.regret_groups, one.regret_partners, one.regret_best) for one in told]
    assert np.min(regrets) >= -1e-9 and np.max(regrets) <= 0.1


def test_a_gain_that_counts_as_neutral_makes_no_group_and_yet_may_be_trained_with():
    truth = np.where(_truth() > 0, 0.1, 0.015)  # all help, most of them hardly
    oracle = _judged(truth, 50, 1)
    told = choice(oracle, oracle, PLANTED)
    assert told.ari_exact == 1 and told.regret_groups == 0
    assert choice(oracle, oracle, PLANTED, related=0.0).ari_exact < 1


def test_estimates_of_other_tasks_are_refused():
    oracle = _judged(_truth(), 5, 0)
    with pytest.raises(ValueError, match="same tasks"):
        choice(oracle.filter(pl.col("target") != "t11", pl.col("source") != "t11"), oracle, PLANTED)


def test_sign_errors_are_a_share_of_discoveries():
    oracle, found = _judged(_truth(), 50, 0), _judged(_truth(), 5, 1)
    told, turned = scored(found, oracle), scored(found.with_columns(sign=-pl.col("sign")), oracle)
    assert told.discoveries and told.sign_error_share + turned.sign_error_share == pytest.approx(1)
    assert scored(found.with_columns(sign=pl.lit(0)), oracle).sign_error_share is None


def test_the_design_judges_by_what_it_expects():
    truth = pl.DataFrame(
        [(a, b, "help" if _truth()[NAMES.index(a), NAMES.index(b)] > 0 else "none") for a, b in permutations(NAMES, 2)],
        schema=["target", "source", "expected"], orient="row",
    )  # fmt: skip
    pairs = _judged(_truth(), 5, 0)
    assert auroc_of_design(pairs, truth) > 0.99
    assert auroc_of_design(pairs.with_columns(gain=-pl.col("gain")), truth) < 0.01
    assert auroc_of_design(pairs, truth.with_columns(expected=pl.lit("none"))) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10_000), st.floats(0.5, 1)), min_size=1, unique_by=lambda point: point[0]))
def test_a_higher_auroc_never_needs_fewer_runs_and_what_a_point_has_needs_no_more_than_it(curve):
    needed = [fewest_runs(curve, auroc) for auroc in np.linspace(0.5, 1, 21)]
    known = [runs for runs in needed if runs is not None]
    assert known == sorted(known) and needed[: len(known)] == known
    for runs, auroc in curve:
        assert fewest_runs(curve, auroc) <= runs * (1 + 1e-9)
    assert fewest_runs(curve, 1.01) is None


def test_half_way_up_is_the_geometric_mean_of_runs():
    assert fewest_runs([(400, 0.9), (100, 0.8)], 0.85) == pytest.approx(200)


def test_sampled_sets_show_every_pair_both_ways_and_know_no_order():
    asked = sampled(NAMES, range(2))
    sets = [one for one in asked if len(one.tasks) > 1]
    assert len(asked) == 2 * (12 + 48) and {len(one.placebo) for one in sets} == {2}
    assert sampled(NAMES[::-1], range(2)) == asked
    own = {(t, s) for one in sets for t, s in permutations(set(one.tasks) - set(one.placebo), 2)}
    fake = {(t, s) for one in sets for t in set(one.tasks) - set(one.placebo) for s in one.placebo}
    assert own == fake == set(permutations(NAMES, 2))


def test_tasks_that_belong_to_nobody_are_groups_of_their_own():
    groups = groups_of(_tasks(tasks(Dials(), 0), Dials()))
    assert sorted(map(len, groups)) == [1] * 5 + [3, 4] and sorted(sum(groups, ())) == sorted(Dials().names)


def test_a_bar_is_judged_where_it_belongs_and_what_is_not_known_holds_no_bar():
    row = {"seed": 0, "width": 4, "seeds": 5, "method": PAIRS, "estimand": "gain", "auroc_help": 0.97,
           "auroc_harm": None, "spearman": 0.9}  # fmt: skip
    told = dict(verdicts([row]).select("bar", "verdict").iter_rows())
    words = {bar.figure: bar.words for bar in BARS if bar.concerns(row)}
    assert told[words["auroc_help"]] == "MISSED" and told[words["auroc_harm"]] == "not scored"
    assert told[words["spearman"]] == "holds" and not any("20 seeds" in bar for bar in told)
