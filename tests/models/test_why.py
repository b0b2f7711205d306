"""Why: features are what they say, in any order; a planted cause is found, and noise teaches nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.transfer_map.why import FEATURES, explained, features

NAN = np.nan
ELEMENTS = [["Na", "Cl"], ["Na", "Cl"], ["Mg", "O"], ["Si", "O"], ["O", "Si"], ["Al", "O"]] * 4
NAMES = ("gap", "modulus", "heat")


def labels() -> np.ndarray:
    """24 crystals: gap on all, modulus (a line of the gap, falling) on the first 12, heat on the second 18."""
    gap = np.arange(24.0)
    modulus = np.where(gap < 12, 5 - 2 * gap, NAN)
    return np.column_stack([gap, modulus, np.where(gap >= 6, (gap % 5) ** 2, NAN)])


def told(target: str, source: str, **more) -> dict:
    found = features(NAMES, labels(), ELEMENTS, **more)
    return found.row(by_predicate=(pl.col("target") == target) & (pl.col("source") == source), named=True)


def test_features_of_a_made_pair_are_exact():
    pair = told("gap", "modulus", hardness={"gap": 0.5}, family={"gap": "one", "modulus": "one"})
    assert (pair["shared"], pair["jaccard"], pair["coverage"]) == (12, 0.5, 0.5)
    assert pair["pearson"] == pytest.approx(-1) and pair["spearman"] == pytest.approx(-1)
    assert pair["correlation"] == pytest.approx(1)
    assert (pair["labels_target"], pair["labels_source"]) == (24, 12)
    assert pair["more_labels"] == pytest.approx(-np.log10(2)) and pair["log_labels_target"] == pytest.approx(
        np.log10(24)
    )
    assert pair["element_cosine"] == pytest.approx(1)  # both label whole repeats of the same six crystals
    assert pair["systems"] == 1.0
    assert (pair["hardness_target"], pair["hardness_source"]) == (0.5, None)
    assert pair["same_family"] and not told("gap", "heat")["same_family"]


def test_too_few_shared_crystals_have_no_correlation():
    pair = told("modulus", "heat")
    assert pair["shared"] == 6 and pair["pearson"] is None and pair["spearman"] is None and pair["correlation"] == 0


def test_chemistry_overlap_is_directional_in_systems_and_a_cosine_in_elements():
    targets = np.array([[1.0, NAN], [2.0, NAN], [NAN, 3.0], [4.0, 4.0]])
    elements = [["Na", "Cl"], ["Mg", "O"], ["Na", "F"], ["Na", "Cl"]]
    found = features(("a", "b"), targets, elements)
    assert found["systems"].to_list() == [0.5, 0.5]
    # shares in Cl, F, Mg, Na, O: (2, 0, 1, 2, 1) / 3 and (1, 1, 0, 2, 0) / 2
    assert found["element_cosine"].to_list() == pytest.approx([6 / np.sqrt(10 * 6)] * 2)


def test_the_order_of_tasks_and_crystals_does_not_matter():
    turned, rows = (2, 0, 1), np.random.default_rng(0).permutation(24)
    other = features([NAMES[at] for at in turned], labels()[rows][:, turned], [ELEMENTS[at] for at in rows])
    exact = features(NAMES, labels(), ELEMENTS)
    assert other.drop("pearson", "correlation").equals(exact.drop("pearson", "correlation"))
    assert other["pearson"].to_list() == pytest.approx(exact["pearson"].to_list())


def made(tasks: int, seed: int) -> pl.DataFrame:
    """Features of a pair and of a task, drawn; no labels behind them."""
    draw = np.random.default_rng(seed)
    hard, size = draw.random(tasks), draw.integers(100, 2000, tasks)
    alike = draw.random((tasks, tasks))
    rows = [
        {
            "target": f"t{t}",
            "source": f"t{s}",
            "correlation": alike[t, s] + alike[s, t],
            "more_labels": float(np.log10(size[s] / size[t])),
            "hardness_source": hard[s],
        }
        for t in range(tasks)
        for s in range(tasks)
        if t != s
    ]
    return pl.DataFrame(rows)


def test_a_planted_cause_is_found_and_tells_gains_of_targets_never_seen():
    known = made(8, 0)
    noise = pl.Series(np.random.default_rng(1).normal(size=len(known)) * 0.003)
    gains = known.select("target", "source", gain_placebo=0.05 * pl.col("correlation") + noise)
    gains = gains.with_columns(verdict=pl.when(pl.col("gain_placebo") > 0.06).then(pl.lit("helps")))
    why = explained(known, gains)
    effect = {row["feature"]: row for row in why.effects.iter_rows(named=True)}
    assert effect["correlation"]["low"] > 0.01 and effect["correlation"]["p_alone"] < 0.01
    assert effect["more_labels"]["low"] < 0 < effect["more_labels"]["high"]
    skill = dict(why.skill.select("measure", "value").iter_rows())
    assert skill["R2"] > 0.8 and skill["Spearman"] > 0.8 and skill["AUROC helps"] > 0.9
    assert skill["AUROC hurts"] is None
    assert len(why.predicted) == len(known) and why.predicted["predicted"].is_finite().all()


def test_noise_has_no_skill():
    skills = []
    for seed in range(4):
        known = made(7, seed)
        noise = pl.Series(np.random.default_rng(100 + seed).normal(size=len(known)) * 0.02)
        why = explained(known, known.select("target", "source", gain_placebo=noise))
        skills.append(why.skill["value"][0])
        assert why.skill["low"][0] < why.skill["value"][0] < why.skill["high"][0]
    assert abs(np.mean(skills)) < 0.1


def test_what_goes_with_gains_does_not_depend_on_the_order_of_pairs():
    known = made(6, 3)
    gains = known.select("target", "source", gain_placebo=0.1 * pl.col("correlation") - pl.col("hardness_source"))
    one, other = explained(known, gains), explained(known.reverse(), gains.sample(fraction=1, shuffle=True, seed=1))
    assert one.effects.equals(other.effects) and one.skill.equals(other.skill)


def test_features_that_do_not_vary_or_are_known_before_are_left_out():
    known = made(6, 4).with_columns(jaccard=pl.lit(0.3), element_cosine=2 * pl.col("correlation") + 1)
    why = explained(known, known.select("target", "source", gain_placebo=pl.col("correlation")))
    assert why.effects["feature"].to_list() == ["correlation", "more_labels", "hardness_source"]
    assert set(why.effects["feature"]) <= set(FEATURES)


def test_two_tasks_are_too_few_and_say_so():
    known = features(("a", "b"), labels()[:, :2], ELEMENTS)
    why = explained(known, known.select("target", "source", gain_placebo=pl.Series([0.1, 0.2])))
    assert why.effects["effect"].null_count() == len(why.effects)
    assert why.skill["value"].null_count() == len(why.skill)
