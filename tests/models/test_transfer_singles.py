"""More single runs: they sharpen raw gains where pairing does not, and move nothing where there are none."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.transfer_map.scores import coverage
from models.transfer_map.statistics.gains import OVER_PLACEBO, RAW, gains_of, subset_gains
from models.transfer_map.statistics.intervals import estimated
from models.transfer_map.statistics.singles import steadied

NAMES = tuple("abcdef")
TRUTH = pl.DataFrame(
    [(a, b, 0.05 * (at - 2)) for at, a in enumerate(NAMES) for b in NAMES if a != b],
    schema=["target", "source", "truth"], orient="row",
)  # fmt: skip


def runs_of(seed: int, paired: int = 5, further: int = 10, together: float = 0.0, scale: float = 1.0) -> pl.DataFrame:
    """RUNS of all pairs, of singles by further seeds, and of placebos; together: how far a seed moves both alike."""
    rng = np.random.default_rng(seed)
    gains = {(a, b): gain for a, b, gain in TRUTH.iter_rows()}
    rows = []
    for one in range(paired + further):
        moved = dict(zip(NAMES, rng.normal(0, 0.1, len(NAMES)), strict=True))
        rows += [((task,), (), one, task, scale * np.exp(moved[task])) for task in NAMES]
        if one >= paired:
            continue
        for at, a in enumerate(NAMES):
            for b in NAMES[at + 1 :]:
                for task, other in ((a, b), (b, a)):
                    error = np.exp(together * moved[task] - gains[task, other] + rng.normal(0, 0.02))
                    rows.append(((a, b), (), one, task, scale * error))
                    rows.append(((a, b), (other,), one, task, scale * np.exp(together * moved[task])))
    schema = {"tasks": pl.List(pl.String), "placebo": pl.List(pl.String), "seed": pl.Int64, "task": pl.String,
              "error": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(target=pl.lit(""))


def error_of(gains: pl.DataFrame) -> float:
    """Root mean square error of the mean raw gains."""
    mean = gains.group_by("target", "source").agg(pl.col(RAW).mean()).join(TRUTH, on=["target", "source"])
    return float(((mean[RAW] - mean["truth"]) ** 2).mean() ** 0.5)


def test_where_pairing_gains_nothing_three_times_the_singles_bring_the_error_down():
    before, after = [], []
    for seed in range(10):
        runs = runs_of(seed)
        gains = gains_of(runs)
        before.append(error_of(gains))
        after.append(error_of(steadied(gains, runs).gains))
    assert np.mean(after) < 0.7 * np.mean(before)


def test_where_a_seed_moves_both_alike_nothing_is_lost():
    for seed in range(5):
        runs = runs_of(seed, together=1.0)
        gains = gains_of(runs)
        told = steadied(gains, runs)
        assert told.slope > 0.9
        assert error_of(told.gains) < 1.3 * error_of(gains)


def test_steadied_intervals_hold_the_truth_as_often_as_they_say():
    for together in (0.0, 0.5, 1.0):
        held = []
        for seed in range(40):
            runs = runs_of(seed, together=together)
            told = steadied(gains_of(runs), runs)
            held.append(coverage(estimated(told.gains, RAW, parts=told.parts), TRUTH))
        assert 0.91 <= np.mean(held) <= 0.985, (together, np.mean(held))


def test_without_further_singles_nothing_moves():
    runs = runs_of(1, further=0)
    told = steadied(gains_of(runs), runs)
    assert told.slope is None and told.gains.equals(gains_of(runs)) and told.parts.is_empty()
    few = runs_of(1, further=2)
    assert steadied(gains_of(few), few).gains.equals(gains_of(few))


def test_gains_over_placebo_hold_no_single_run_and_stay():
    runs = runs_of(2)
    assert steadied(gains_of(runs), runs).gains[OVER_PLACEBO].equals(gains_of(runs)[OVER_PLACEBO])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-6, 1e6), order=st.permutations(NAMES))
def test_neither_the_scale_nor_the_order_nor_the_names_of_tasks_matter(seed, scale, order):
    runs, named = runs_of(seed), dict(zip(NAMES, order, strict=True))
    told = steadied(gains_of(runs), runs)
    other = runs_of(seed, scale=scale).sample(fraction=1.0, shuffle=True, seed=seed).with_columns(
        pl.col("task").replace(named), pl.col("tasks", "placebo").list.eval(pl.element().replace(named))
    )  # fmt: skip
    turned = steadied(gains_of(other), other)
    back = {new: old for old, new in named.items()}
    renamed = turned.gains.with_columns(pl.col("target", "source").replace(back)).sort("target", "source", "seed")
    assert np.allclose(renamed[RAW], told.gains[RAW], atol=1e-9)
    assert np.isclose(turned.slope, told.slope)


def test_sets_are_steadied_as_pairs_are():
    runs = runs_of(3)
    sets = subset_gains(runs)
    told = steadied(sets, runs)
    pairs = steadied(gains_of(runs), runs)
    assert 0 <= told.slope <= 1 and len(told.gains) == len(sets)
    assert set(told.parts["target"]) == set(pairs.parts["target"]) == set(NAMES)
