"""The transfer map's statistics, on simulated gains whose truth is known: what they claim is as sure as they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from models.transfer_map import surrogate
from models.transfer_map.scores import classes, coverage, null, scored
from models.transfer_map.statistics.confirmation import StaleSeeds, chosen, confirmed, rate
from models.transfer_map.statistics.discoveries import discovered, threshold
from models.transfer_map.statistics.equivalence import judged
from models.transfer_map.statistics.gains import RAW, UnpairedErrors, crystals_of, gains_of, subset_gains
from models.transfer_map.statistics.intervals import crystal_part, estimated
from models.transfer_map.statistics.moderation import alike, prior_of
from models.transfer_map.statistics.power import power, smallest_effect, statement
from models.transfer_map.statistics.rotations import rotated
from models.transfer_map.statistics.simulation import Spread, simulated, some, truth_of
from models.transfer_map.subsets import subsets

TASKS, SEEDS = 8, 5
NONE = np.zeros((TASKS, TASKS))


def test_a_gain_is_the_log_ratio_of_errors_of_one_seed_and_forgets_the_scale_of_tasks():
    runs = _runs({"a": 1.0, "b": 2.0}, seeds=3)
    told = gains_of(runs).row(by_predicate=(pl.col("target") == "a") & (pl.col("seed") == 1), named=True)
    of = {(len(row["tasks"]), len(row["placebo"])): row["error"] for row in
          runs.filter((pl.col("task") == "a") & (pl.col("seed") == 1), ~pl.col("placebo").list.contains("a"))
          .iter_rows(named=True)}  # fmt: skip
    assert told["gain"] == pytest.approx(np.log(of[1, 0] / of[2, 0]))
    assert told["gain_placebo"] == pytest.approx(np.log(of[2, 1] / of[2, 0]))
    larger = runs.with_columns(error=pl.when(pl.col("task") == "a").then(pl.col("error") * 1e4).otherwise("error"))
    mixed = larger.sample(fraction=1.0, shuffle=True, seed=1).with_columns(pl.col("tasks").list.reverse())
    assert np.allclose(gains_of(mixed)["gain_placebo"], gains_of(runs)["gain_placebo"])


def test_a_run_that_stands_twice_or_has_no_logarithm_is_refused():
    runs = _runs({"a": 1.0, "b": 2.0}, seeds=2)
    with pytest.raises(UnpairedErrors, match="two of"):
        gains_of(pl.concat([runs, runs.head(1)]))
    for bad in (0.0, float("nan"), float("inf"), None):
        with pytest.raises(UnpairedErrors, match="positive"):
            gains_of(runs.with_columns(error=pl.lit(bad, pl.Float64)))


@pytest.mark.parametrize("spread", [Spread(), Spread(row=0.5, freedom=4)], ids=["typical", "rows go together"])
def test_intervals_cover_and_p_values_are_uniform_where_nothing_transfers(spread):
    told = [discovered(estimated(simulated(NONE, SEEDS, seed, spread))) for seed in range(1000, 1050)]
    assert 0.92 <= np.mean([coverage(one, truth_of(NONE)) for one in told]) <= 0.98
    found = null(told)
    assert found.uniform > 0.01 and found.discovered <= 7, found


def test_the_moderated_test_has_the_size_of_the_plain_one_and_more_power():
    truth = some(TASKS, 0.25, 0.06, seed=3)
    real = (truth_of(truth)["truth"] != 0).to_numpy()
    power_of, size_of = {}, {}
    for moderated in (False, True):
        told = [discovered(estimated(simulated(truth, SEEDS, at), moderated=moderated)) for at in range(20)]
        power_of[moderated] = np.mean([one["discovery"].to_numpy()[real].mean() for one in told])
        size_of[moderated] = np.mean([(one["p"].to_numpy()[~real] < 0.05).mean() for one in told])
    assert power_of[True] > 2 * power_of[False]
    assert 0.03 < size_of[True] < 0.07 and 0.03 < size_of[False] < 0.07


def test_false_discoveries_stay_below_q_and_the_stricter_checks_find_fewer():
    truth = some(TASKS, 0.3, 0.08, seed=5)
    real = (truth_of(truth)["truth"] != 0).to_numpy()
    share, by = [], 0
    for at in range(40):
        told = discovered(estimated(simulated(truth, SEEDS, at)))
        hit = told["discovery"].to_numpy()
        share.append((hit & ~real).sum() / max(hit.sum(), 1))
        by += ((told["p_by"] <= 0.05).to_numpy() & ~hit).sum()
    assert np.mean(share) <= 0.06 and by == 0


def test_the_prior_is_found_and_grows_weaker_where_pairs_go_together():
    rng = np.random.default_rng(0)
    scale = 8 / rng.chisquare(8, 400)
    values = rng.normal(0, 0.04, (400, 5)) * scale[:, None] ** 0.5
    prior = prior_of(values - values.mean(1, keepdims=True))
    assert prior.variance == pytest.approx(0.04**2, rel=0.2) and 3 < prior.freedom < 20
    assert prior.pooled > 500
    same = np.repeat(rng.normal(0, 0.04, (20, 5)), 20, axis=0) + rng.normal(0, 0.01, (400, 5))
    left = same - same.mean(1, keepdims=True)
    assert 0.03 < alike(left) < 0.09 and prior_of(left).pooled < 200
    freedom = np.full(400, 4.0)
    assert (prior.moderated(np.var(values, axis=1), freedom)[1] <= freedom + prior.freedom).all()


def test_two_pairs_or_two_seeds_are_not_moderated():
    gains = simulated(NONE, SEEDS, 0).filter(pl.col("target") == "t00", pl.col("source").is_in(["t01", "t02"]))
    assert estimated(gains)["freedom"].to_list() == [4, 4]
    assert set(estimated(simulated(NONE, 2, 0))["freedom"]) == {1.0}
    alone = estimated(simulated(NONE, 1, 0))
    assert alone["p"].null_count() == len(alone) and not discovered(alone)["discovery"].any()


def test_scale_of_seeds_order_of_rows_and_names_of_tasks_change_no_estimate():
    gains = simulated(some(TASKS, 0.3, 0.1, 1), SEEDS, 1)
    first = estimated(gains)
    mixed = gains.sample(fraction=1.0, shuffle=True, seed=3).with_columns(seed=99 - pl.col("seed"))
    assert np.allclose(first["p"], estimated(mixed)["p"], rtol=1e-9)
    turned = {f"t{at:02d}": f"u{TASKS - at:02d}" for at in range(TASKS)}
    named = estimated(gains.with_columns(pl.col("target", "source").replace(turned)))
    back = named.with_columns(pl.col("target", "source").replace({new: old for old, new in turned.items()}))
    assert np.allclose(back.sort("target", "source")["p"], first["p"], rtol=1e-9)


def test_overlapping_splits_widen_the_interval_as_nadeau_and_bengio_say():
    gains = simulated(NONE, SEEDS, 2)
    wide, narrow = estimated(gains, overlap=0.25), estimated(gains)
    assert np.allclose(wide["error"] / narrow["error"], (1 + SEEDS * 0.25) ** 0.5)


def test_with_crystals_the_interval_covers_what_seeds_alone_and_a_bootstrap_of_seeds_miss():
    rng = np.random.default_rng(1)
    pairs = 300
    crystal = rng.normal(0, 0.25, (pairs, 1, 40))  # of each pair's own draw of test crystals
    noise = rng.normal(0, 0.2, (2, pairs, SEEDS, 40)) + rng.normal(0, 0.03, (2, pairs, SEEDS, 1))
    before, after = np.exp(noise[0] + crystal), np.exp(noise[1])
    gain = np.log(before.mean(2) / after.mean(2))
    keys = {"target": "a", "source": np.repeat([f"{at:03d}" for at in range(pairs)], SEEDS),
            "seed": np.tile(np.arange(SEEDS), pairs)}  # fmt: skip
    part = crystal_part(pl.DataFrame(keys | {"before": before.reshape(-1, 40), "after": after.reshape(-1, 40)}))
    gains = pl.DataFrame(keys | {"gain_placebo": gain.ravel()})
    truth = pl.DataFrame({"target": "a", "source": keys["source"][::SEEDS], "truth": 0.25**2 / 2})  # of a lognormal
    drawn = gain[:, rng.integers(SEEDS, size=(400, SEEDS))].mean(2)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    share = {
        "both": coverage(estimated(gains, parts=part, moderated=False), truth),
        "seeds": coverage(estimated(gains, moderated=False), truth),
        "bootstrap": float(((low <= 0.25**2 / 2) & (high >= 0.25**2 / 2)).mean()),
    }
    assert 0.92 <= share["both"] <= 0.98 and share["seeds"] < 0.85 and share["bootstrap"] < 0.7, share


def test_crystals_of_runs_are_those_of_the_estimand():
    runs = _runs({"a": 1.0, "b": 2.0}, seeds=2).with_columns(errors=pl.concat_list("error", 2 * pl.col("error")))
    told = crystals_of(runs, RAW).join(gains_of(runs), on=["target", "source", "seed"])
    ratio = told.select((pl.col("before").list.mean() / pl.col("after").list.mean()).log()).to_series()
    assert len(told) == 4 and np.allclose(ratio, told["gain"])
    short = crystals_of(runs).with_columns(before=pl.col("before").list.head(1))
    with pytest.raises(ValueError, match="same test crystals"):
        crystal_part(short)


def test_rotated_gains_make_few_discoveries_where_nothing_transfers_and_spare_true_ones():
    truth = NONE.copy()
    truth[0, 1:] = 0.4
    rotations = [rotated(simulated(truth, SEEDS, at), draws=200) for at in range(20)]
    assert np.mean([(found > 0).mean() for _, found in rotations]) <= 0.1
    first = pl.concat([pairs for pairs, _ in rotations])
    assert (first.filter(target="t00")["p_family"] < 0.05).mean() > 0.9
    false = [(pairs.filter(pl.col("target") != "t00")["p_family"] < 0.05).any() for pairs, _ in rotations]
    assert np.mean(false) <= 0.1
    assert len(rotated(simulated(NONE, 1, 0))[0]) == 0


def test_no_transfer_is_found_where_gains_are_surely_small_and_never_of_wide_intervals():
    small, wide = (simulated(NONE, SEEDS, 6, Spread(size=size)) for size in (0.005, 0.08))
    sure, unsure = (judged(discovered(estimated(gains)))["verdict"] for gains in (small, wide))
    assert (sure == "no transfer").mean() > 0.9
    assert (unsure == "no transfer").sum() == 0 and (unsure == "unclear").mean() > 0.9
    both = NONE.copy()
    both[0, 1], both[1, 0] = 0.3, -0.3
    told = judged(discovered(estimated(simulated(both, SEEDS, 7))))
    said = {(row["target"], row["source"]): row["verdict"] for row in told.iter_rows(named=True)}
    assert said["t00", "t01"] == "helps" and said["t01", "t00"] == "hurts"


def test_effects_at_the_edge_of_the_margin_are_seldom_called_equal():
    edge = np.full((TASKS, TASKS), 0.02)
    told = [judged(discovered(estimated(simulated(edge, SEEDS, at, Spread(size=0.01)))))["p_equal"] for at in range(20)]
    assert np.mean([(p < 0.05).mean() for p in told]) < 0.08


def test_power_is_the_share_of_simulated_effects_that_are_seen():
    rng = np.random.default_rng(0)
    gains = rng.normal(0.05, 0.05, (20000, 5))
    seen = ttest_1samp(gains, 0, axis=1)
    assert power(0.05, 5, 0.05) == pytest.approx(((seen.pvalue < 0.05) & (seen.statistic > 0)).mean(), abs=0.01)
    least = smallest_effect(5, 0.05, 0.001, freedom=12)
    assert power(least, 5, 0.05, 0.001, freedom=12) == pytest.approx(0.8, abs=1e-6)
    assert smallest_effect(20, 0.05) < smallest_effect(5, 0.05)


def test_the_power_of_a_map_is_told_in_words_at_the_line_of_its_discoveries():
    pairs = estimated(simulated(some(TASKS, 0.3, 0.1, 1), SEEDS, 1))
    assert threshold(pairs) == 0.05 * discovered(pairs)["discovery"].sum() / len(pairs)
    assert "5 seeds" in statement(pairs) and "is seen with probability 0." in statement(pairs)
    assert "one seed" in statement(estimated(simulated(NONE, 1, 0)))


def test_claims_are_chosen_between_families_surest_first():
    told = discovered(estimated(simulated(some(TASKS, 0.9, 0.3, 1), SEEDS, 1)))
    families = {"t00": "x", "t01": "x", "t02": "y", "t03": "y"}
    claims = chosen(told, 50, families)
    ends = [tuple(families.get(name, name) for name in pair) for pair in claims.select("target", "source").rows()]
    assert all(a != b for a, b in ends) and len(set(ends)) == len(ends) > 10
    assert claims["sure"].is_sorted(descending=True) and claims["discovery"].all()
    assert len(chosen(told, 3)) == 3


def test_winners_of_pure_noise_are_not_confirmed_and_true_effects_are():
    noise = estimated(simulated(np.zeros((20, 20)), SEEDS, 0)).sort("p").head(150)
    tried = confirmed(noise, simulated(np.zeros((20, 20)), 10, 1).with_columns(pl.col("seed") + 100), range(SEEDS))
    found = rate(tried)
    assert found.low < 0.05 < found.high and not found.trusted
    assert abs(found.kept) < 0.3 and "not to be trusted" in found.words
    truth = some(TASKS, 0.5, 0.12, 2)
    claims = chosen(discovered(estimated(simulated(truth, SEEDS, 2))))
    good = rate(confirmed(claims, simulated(truth, 10, 3).with_columns(pl.col("seed") + 100), range(SEEDS)))
    assert good.rate > 0.9 and good.trusted and good.tried >= 10 and "not" not in good.words


def test_seeds_that_chose_a_claim_and_too_few_seeds_confirm_nothing():
    claims = estimated(simulated(NONE, SEEDS, 0)).head(3)
    with pytest.raises(StaleSeeds, match="used before"):
        confirmed(claims, simulated(NONE, 10, 1), [9])
    with pytest.raises(StaleSeeds, match="10 fresh"):
        confirmed(claims, simulated(NONE, 9, 1), [99])
    assert "yet" in rate(confirmed(claims.head(0), simulated(NONE, 10, 1), [99])).words


@settings(max_examples=8, deadline=None)
@given(st.integers(4, 12), st.integers(2, 4), st.integers(0, 5), st.randoms())
def test_subsets_are_different_even_and_the_same_for_any_order_of_names(count, size, seed, random):
    names = [f"task {at}" for at in range(count)]
    asked = min(20, len(list(combinations(names, size))))
    told = subsets(names, size, asked, seed)
    random.shuffle(names)
    assert told == subsets(names, size, asked, seed)
    assert len(set(told)) == asked and all(len(set(one)) == size for one in told)


def test_every_pair_stands_together_about_as_often():
    names = [f"t{at}" for at in range(12)]
    together = np.zeros((12, 12))
    for one in subsets(names, 4, 66):
        at = [names.index(name) for name in one]
        together[np.ix_(at, at)] += 1
    pairs = together[np.triu_indices(12, 1)]
    assert pairs.mean() == 66 * 4 * 3 / (12 * 11) and pairs.min() >= 4 and pairs.max() <= 8
    with pytest.raises(ValueError, match="there are 66 such"):
        subsets(names, 2, 67)


def test_the_surrogate_recovers_a_planted_additive_matrix_and_knows_its_errors():
    rng = np.random.default_rng(2)
    truth = rng.normal(0.02, 0.1, (10, 10))
    exact = surrogate.estimated(_subset_rows(truth, noise=1e-6, shift=0.0), RAW).join(_named(truth), on=_PAIR)
    assert np.allclose(exact["gain"], exact["truth"], atol=1e-3)
    noisy = [surrogate.estimated(_subset_rows(truth, 0.05, 0.03, at), RAW).join(_named(truth), on=_PAIR)
             for at in range(2)]  # fmt: skip
    assert np.mean([np.corrcoef(one["gain"], one["truth"])[0, 1] for one in noisy]) > 0.9
    assert 0.9 <= np.mean([coverage(one.drop("truth"), _named(truth)) for one in noisy]) <= 0.99


def test_what_a_permuted_partner_brings_is_taken_from_the_gain_over_placebo():
    truth = np.random.default_rng(3).normal(0.0, 0.1, (10, 10))
    rows = _subset_rows(truth + 0.05, 0.01, 0.0, placebo=0.05)
    told = surrogate.estimated(rows).join(_named(truth), on=_PAIR)
    raw = surrogate.estimated(rows, RAW).join(_named(truth), on=_PAIR)
    assert abs((told["gain"] - told["truth"]).mean()) < 0.01 < 0.03 < (raw["gain"] - raw["truth"]).mean()
    assert np.corrcoef(told["gain"], told["truth"])[0, 1] > 0.95


def test_the_surrogate_predicts_sets_and_refuses_partners_it_never_saw():
    truth = np.random.default_rng(4).normal(0, 0.1, (10, 10))
    one = surrogate.fitted(_subset_rows(truth, 1e-4, 0.0).filter(target="t00"))
    assert one.gain(("t01", "t02"))[0] == pytest.approx(truth[0, 1] + truth[0, 2], abs=5e-3)
    with pytest.raises(KeyError, match="never trained with"):
        one.gain(("t77",))
    few = surrogate.estimated(_subset_rows(truth, 0.1, 0.0).filter(target="t00").head(6), RAW)
    assert len(few) and few["p"].null_count() == len(few) and few["gain"].null_count() == 0
    with pytest.raises(ValueError, match="needs three"):
        surrogate.fitted(_subset_rows(truth, 0.1, 0.0).filter(target="t00").head(2))


def test_runs_of_sets_give_a_row_for_each_task_with_its_own_labels():
    runs = pl.DataFrame(
        {"tasks": [["a"], ["b"], *[["c", "a", "b"]] * 3], "placebo": [[], [], *[["c"]] * 3], "seed": 0,
         "task": ["a", "b", "a", "b", "c"], "error": [2.0, 3.0, 1.0, 3.0, 9.0]},
        schema_overrides={"placebo": pl.List(pl.String)},
    )  # fmt: skip
    assert subset_gains(runs).rows() == [("a", ["b"], ["c"], 0, np.log(2.0)), ("b", ["a"], ["c"], 0, 0.0)]


def test_the_oracle_judges_itself_perfect_and_noise_as_chance():
    truth = some(TASKS, 0.5, 0.1, 1)
    oracle = estimated(simulated(truth, 50, 1), moderated=False)
    told = scored(discovered(oracle), oracle)
    assert (told.auroc_help, told.auroc_harm, told.sign_errors) == (1, 1, 0) and told.spearman == pytest.approx(1)
    assert told.help + told.harm + told.neutral + told.unscored == TASKS * (TASKS - 1)
    five = scored(discovered(estimated(simulated(truth, SEEDS, 9))), oracle)
    assert 0.9 < five.auroc_help <= 1 and five.sign_errors <= 0.05 * max(five.discoveries, 1)
    blind = scored(discovered(estimated(simulated(NONE, SEEDS, 3))), oracle)
    assert 0.2 < blind.auroc_help < 0.8
    none = scored(discovered(oracle), estimated(simulated(NONE, 50, 1, Spread(size=0.01))))
    assert none.auroc_help is None and none.help == 0


def test_classes_follow_the_intervals_and_unsure_pairs_are_not_scored():
    ends = [(0.02, 0.05), (-0.05, -0.02), (-0.02, 0.02), (-0.1, 0.1), (0.0, 0.05)]
    rows = [("a", str(at), (low + high) / 2, low, high) for at, (low, high) in enumerate(ends)]
    oracle = pl.DataFrame(rows, schema=["target", "source", "gain", "low", "high"], orient="row")
    assert classes(oracle)["class"].to_list() == ["help", "harm", "neutral", "unscored", "unscored"]


_PAIR = ["target", "source"]


def _named(truth: np.ndarray) -> pl.DataFrame:
    return truth_of(truth)


def _runs(scales: dict[str, float], seeds: int) -> pl.DataFrame:
    """All runs of a pair of tasks: each alone, both, and each with the other permuted."""
    rng = np.random.default_rng(0)
    ways = [([a], []) for a in scales] + [(list(scales), placebo) for placebo in ([], *([a] for a in scales))]
    rows = [
        (tasks, placebo, seed, task, scales[task] * float(rng.lognormal()))
        for tasks, placebo in ways
        for seed in range(seeds)
        for task in tasks
    ]
    schema = {"tasks": pl.List(pl.String), "placebo": pl.List(pl.String), "seed": pl.Int64, "task": pl.String,
              "error": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _subset_rows(truth: np.ndarray, noise: float, shift: float, seed: int = 0, placebo: float | None = None):
    """Gains of sets of four: what the partners add, the seed's own single run, and noise; some partners permuted."""
    rng = np.random.default_rng(seed)
    names = [f"t{at:02d}" for at in range(len(truth))]
    single = rng.normal(0, shift, (len(truth), 2))
    rows = []
    for at, one in enumerate(subsets(names, 4, 60, seed)):
        fake = one[at % 4 : at % 4 + 1] if placebo is not None and at % 2 else ()
        for target in set(one) - set(fake):
            row = names.index(target)
            own = [name for name in one if name not in (target, *fake)]
            mean = sum(truth[row, names.index(name)] for name in own) + (placebo or 0) * len(fake)
            rows += [(target, own, list(fake), run, mean + single[row, run] + rng.normal(0, noise)) for run in (0, 1)]
    schema = {"target": pl.String, "partners": pl.List(pl.String), "permuted": pl.List(pl.String), "seed": pl.Int64,
              "gain": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")
