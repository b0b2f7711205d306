"""Why: what may predict that one task helps or harms another, and how well it does. No network is trained here.

`features` tells of every ordered pair what is known before any training: shared labels, their correlation, sizes,
chemistry, learnability, family. `explained` asks which of it goes with the gains, and whether all of it together tells
gains of a target that it never saw. Pairs of one task depend on each other, so intervals are clustered both by target
and by source, no narrower than a jackknife over tasks says, and the test of a feature alone permutes tasks. Made to
fail honestly: skill is asked without the pairs of the task that is predicted, against the mean of the other pairs, and
may be below zero.

Sources: two-way clusters: Cameron, Gelbach, Miller, J. Bus. Econ. Stat. 29, 238 (2011), of statsmodels; permutation of
nodes: Krackhardt, Soc. Netw. 10, 359 (1988).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import polars as pl
from scipy.stats import rankdata
from scipy.stats import t as student

from models.streams import seed_of

FEWEST = 10  # shared crystals below which a correlation is not told
# what the model is asked about -> in words; a column that a frame lacks, or that does not vary, is left out
FEATURES: Mapping[str, str] = {
    "correlation": "size of the correlation on shared crystals",
    "jaccard": "shared crystals, of all of both",
    "more_labels": "labels of the source over the target's (log10)",
    "log_labels_target": "labels of the target (log10)",
    "element_cosine": "same elements",
    "systems": "share of the target's chemical systems that the source has",
    "hardness_target": "error of the target alone over the mean predictor's",
    "hardness_source": "error of the source alone over the mean predictor's",
    "same_family": "same family",
}
RIDGES = tuple(10.0**power for power in range(-1, 6))  # times the pairs; the last tells hardly more than the mean
PERMUTATIONS = 499
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Explained:
    """What went with gains.

    effects: feature, words, effect, low, high, p (change of gain per standard deviation of the feature, all others
    held, with its 95 % interval), alone, p_alone (rank correlation with the gain, by permuted tasks), pairs,
    tasks. Without effect, low, high, p where there are too few tasks for a model of all features.
    skill: measure (R2, Spearman, AUROC helps, AUROC hurts), value, low, high (jackknife over targets), pairs, tasks:
    of gains told without any pair of their target. R2 is against the mean of the other pairs; zero is no skill.
    predicted: target, source, gain, predicted.
    """

    effects: pl.DataFrame
    skill: pl.DataFrame
    predicted: pl.DataFrame


def features(
    names: Sequence[str],
    learnt: np.ndarray,
    elements: Sequence[Sequence[str]],
    hardness: Mapping[str, float] | None = None,
    family: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """A row per ordered pair: target, source, and what is known of them before training, in the order of their names.

    learnt: (n, T) labels of the training rows on the scale that is learnt, NaN where missing. elements: of every
    crystal, n. hardness: error alone over that of the mean predictor. family: name -> family, a task's own if left out.
    Columns: shared, jaccard, coverage (share of the target's crystals that the source knows, too), pearson, spearman
    (null below FEWEST shared or without spread), correlation (size of pearson, 0 where null), labels_target,
    labels_source, more_labels, log_labels_target, element_cosine, systems, hardness_target, hardness_source (null
    where unknown), same_family.
    """
    at = {name: place for place, name in enumerate(names)}
    told = np.asarray(learnt, dtype=float)
    known = np.isfinite(told)
    shares = _frequencies(known, elements)
    systems = np.array(["-".join(sorted(set(of))) for of in elements], dtype=object)
    has = {name: set(systems[known[:, place]]) for name, place in at.items()}
    hardness, family = hardness or {}, family or {}
    rows = []
    for target, source in permutations(sorted(names), 2):
        t, s = at[target], at[source]
        both = known[:, t] & known[:, s]
        shared, of_t, of_s = int(both.sum()), int(known[:, t].sum()), int(known[:, s].sum())
        pearson, spearman = _correlations(told[both, t], told[both, s])
        rows.append(
            {
                "target": target,
                "source": source,
                "shared": shared,
                "jaccard": shared / max(of_t + of_s - shared, 1),
                "coverage": shared / max(of_t, 1),
                "pearson": pearson,
                "spearman": spearman,
                "correlation": abs(pearson or 0.0),
                "labels_target": of_t,
                "labels_source": of_s,
                "more_labels": float(np.log10(max(of_s, 1) / max(of_t, 1))),
                "log_labels_target": float(np.log10(max(of_t, 1))),
                "element_cosine": _cosine(shares[:, t], shares[:, s]),
                "systems": len(has[target] & has[source]) / max(len(has[target]), 1),
                "hardness_target": hardness.get(target),
                "hardness_source": hardness.get(source),
                "same_family": family.get(target, target) == family.get(source, source),
            }
        )
    floats = dict.fromkeys(("pearson", "spearman", "hardness_target", "hardness_source"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=floats, infer_schema_length=None)


def explained(known: pl.DataFrame, gains: pl.DataFrame, gain: str = "gain_placebo", seed: int = 0) -> Explained:
    """What of `features` goes with gains, and how well all of it tells them.

    gains: target, source, one row per pair, a column named as `gain`, and a verdict where AUROC is asked.
    """
    extra = ["verdict"] if "verdict" in gains.columns else []
    pairs = known.join(gains.select("target", "source", pl.col(gain).alias("gain"), *extra), on=["target", "source"])
    pairs = pairs.drop_nulls("gain").sort("target", "source")
    used, design = _design(pairs)
    told, target, source = (pairs[name].to_numpy() for name in ("gain", "target", "source"))
    predicted, mean = _unseen(design, told, target, source)
    skill = _skill(told, predicted, mean, target, pairs["verdict"].to_numpy() if extra else None)
    return Explained(
        _effects(used, design, told, target, source, seed),
        skill,
        pairs.select("target", "source", "gain").with_columns(predicted=pl.Series(predicted, dtype=pl.Float64)),
    )


def _frequencies(known: np.ndarray, elements: Sequence[Sequence[str]]) -> np.ndarray:
    """Share of each task's crystals that have an element, (elements, T)."""
    rows = [sorted(set(of)) for of in elements]
    place = {symbol: at for at, symbol in enumerate(sorted({symbol for of in rows for symbol in of}))}
    has = np.zeros((len(rows), len(place)))
    for at, of in enumerate(rows):
        has[at, [place[symbol] for symbol in of]] = 1.0
    return has.T @ known / np.maximum(known.sum(axis=0), 1)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else 0.0


def _correlations(a: np.ndarray, b: np.ndarray) -> tuple[float | None, float | None]:
    """Pearson's and Spearman's; None where too few or all the same."""
    if len(a) < FEWEST or not (np.ptp(a) and np.ptp(b)):
        return None, None
    return _pearson(a, b), _pearson(rankdata(a), rankdata(b))


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's, 0 where one has no spread."""
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length else 0.0


def _design(pairs: pl.DataFrame) -> tuple[list[str], np.ndarray]:
    """Names and standardised columns (pairs, features) of what varies and is not a sum of those before it."""
    used, columns = [], [np.ones(len(pairs))]
    for name in FEATURES:
        if name not in pairs.columns or pairs[name].null_count() == len(pairs):
            continue
        values = pairs[name].cast(pl.Float64)
        column = values.fill_null(values.mean()).to_numpy()
        spread = column.std() if len(column) else 0.0
        if spread <= 1e-9 * max(1.0, float(np.abs(column).max(initial=0.0))):
            continue
        column = (column - column.mean()) / spread
        before = np.column_stack(columns)
        rest = column - before @ np.linalg.lstsq(before, column, rcond=None)[0]
        if rest.std() > 1e-6:
            used.append(name)
            columns.append(column)
    return used, np.column_stack(columns)[:, 1:]


def _unseen(
    design: np.ndarray, told: np.ndarray, target: np.ndarray, source: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gains told by ridge regression on the pairs that their target is no part of, and the mean of those pairs.

    The ridge is chosen in the same way among those pairs. NaN where no such pairs are.
    """
    predicted, mean = np.full(len(told), np.nan), np.full(len(told), np.nan)
    for one in np.unique(target):
        asked, others = target == one, (target != one) & (source != one)
        if others.sum() < 2:
            continue
        losses = np.zeros(len(RIDGES))
        for inner in np.unique(target[others]):
            held, kept = others & (target == inner), others & (target != inner) & (source != inner)
            if kept.sum() > 1:
                errors = _ridge(design[kept], told[kept], design[held]) - told[held]
                losses += (errors**2).sum(axis=1)
        best = int(len(RIDGES) - 1 - losses[::-1].argmin())  # of equals the one that tells least
        predicted[asked] = _ridge(design[others], told[others], design[asked])[best]
        mean[asked] = told[others].mean()
    return predicted, mean


def _ridge(design: np.ndarray, told: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """What every ridge of RIDGES tells of the rows asked, (ridges, asked)."""
    middle = design.mean(axis=0)
    u, size, v = np.linalg.svd(design - middle, full_matrices=False)
    shrunk = size / (size**2 + len(told) * np.array(RIDGES)[:, None])
    return told.mean() + (shrunk * (u.T @ (told - told.mean()))) @ v @ (asked - middle).T


def _skill(
    told: np.ndarray, predicted: np.ndarray, mean: np.ndarray, target: np.ndarray, verdict: np.ndarray | None
) -> pl.DataFrame:
    schema = {"measure": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    counts = {"pairs": pl.Int64, "tasks": pl.Int64}
    asked = np.isfinite(predicted)
    measures = {
        "R2": lambda some: _share(told[some], predicted[some], mean[some]),
        "Spearman": lambda some: _rank_correlation(told[some], predicted[some] - mean[some]),
    }
    if verdict is not None:
        measures["AUROC helps"] = lambda some: _auroc(verdict[some] == "helps", predicted[some])
        measures["AUROC hurts"] = lambda some: _auroc(verdict[some] == "hurts", -predicted[some])
    tasks = np.unique(target[asked])
    rows = []
    for name, measure in measures.items():
        value = measure(asked)
        without = [measure(asked & (target != one)) for one in tasks]
        reach = None
        if value is not None and len(tasks) > 2 and None not in without:
            spread = np.array(without) - np.mean(without)
            error = float(np.sqrt((len(tasks) - 1) / len(tasks) * (spread**2).sum()))
            reach = error * student.ppf((1 + CONFIDENCE) / 2, len(tasks) - 1)
        ends = (None, None) if reach is None else (value - reach, value + reach)
        rows.append((name, value, *ends, int(asked.sum()), len(tasks)))
    return pl.DataFrame(rows, schema | counts, orient="row")


def _share(told: np.ndarray, predicted: np.ndarray, mean: np.ndarray) -> float | None:
    total = float(((told - mean) ** 2).sum())
    return 1 - float(((told - predicted) ** 2).sum()) / total if total else None


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Spearman's; 0 where one says nothing, None where there is nothing."""
    if len(a) < 3:
        return None
    return _pearson(rankdata(a), rankdata(b))


def _auroc(true: np.ndarray, score: np.ndarray) -> float | None:
    """Chance that one that is true scores higher than one that is not; None where one kind lacks."""
    n, m = int(true.sum()), int((~true).sum())
    return float((rankdata(score)[true].sum() - n * (n + 1) / 2) / (n * m)) if n and m else None


def _effects(
    used: list[str], design: np.ndarray, told: np.ndarray, target: np.ndarray, source: np.ndarray, seed: int
) -> pl.DataFrame:
    tasks = np.unique(np.concatenate([target, source]))
    schema = dict.fromkeys(("feature", "words"), pl.String)
    schema |= dict.fromkeys(("effect", "low", "high", "p", "alone", "p_alone"), pl.Float64)
    schema |= {"pairs": pl.Int64, "tasks": pl.Int64}
    model = _clustered(design, told, target, source) if len(tasks) > len(used) + 1 else None
    rows = []
    for at, name in enumerate(used):
        held = (None,) * 4 if model is None else tuple(float(column[at]) for column in model)
        alone = _alone(design[:, at], told, target, source, tasks, seed_of(seed, name))
        rows.append((name, FEATURES[name], *held, *alone, len(told), len(tasks)))
    return pl.DataFrame(rows, schema, orient="row")


def _clustered(
    design: np.ndarray, told: np.ndarray, target: np.ndarray, source: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """Effect, low, high, p of every feature: the larger variance of two-way clusters and of a jackknife over tasks.

    With a dozen tasks clusters alone are too narrow for what belongs to a task and not to a pair.
    """
    from statsmodels.regression.linear_model import OLS

    tasks = np.unique(np.concatenate([target, source]))
    freedom = min(len(np.unique(target)), len(np.unique(source))) - 1
    if freedom < 2 or len(told) < design.shape[1] + 3:
        return None
    both = np.column_stack([np.searchsorted(tasks, target), np.searchsorted(tasks, source)])
    full = np.column_stack([np.ones(len(told)), design])
    with np.errstate(invalid="ignore"):
        fit = OLS(told, full).fit(cov_type="cluster", cov_kwds={"groups": both})
        clustered = np.nan_to_num(np.diag(fit.cov_params())[1:])
    kept = [(target != one) & (source != one) for one in tasks]
    without = np.array([np.linalg.lstsq(full[some], told[some], rcond=None)[0][1:] for some in kept])
    jackknife = (len(tasks) - 1) * without.var(axis=0)
    effect, error = fit.params[1:], np.sqrt(np.maximum(clustered, jackknife))
    reach = error * student.ppf((1 + CONFIDENCE) / 2, freedom)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * student.sf(np.abs(effect) / error, freedom)
    return effect, effect - reach, effect + reach, p


def _alone(
    feature: np.ndarray, told: np.ndarray, target: np.ndarray, source: np.ndarray, tasks: np.ndarray, seed: int
) -> tuple[float | None, float | None]:
    """Rank correlation of one feature with the gain, and its p by permuted tasks, two-sided."""
    if len(told) < 3 or not np.ptp(told):
        return None, None
    t, s = np.searchsorted(tasks, target), np.searchsorted(tasks, source)
    table = np.full((len(tasks), len(tasks)), np.nan)
    table[t, s] = rankdata(feature)
    gain = rankdata(told)
    here = abs(_pearson(table[t, s], gain))
    draw = np.random.default_rng(seed)
    as_far = 0
    for _ in range(PERMUTATIONS):
        order = draw.permutation(len(tasks))
        moved = table[order[t], order[s]]
        some = np.isfinite(moved)  # of pairs that were measured
        if some.sum() > 2:
            as_far += abs(_pearson(moved[some], gain[some])) >= here - 1e-12
    return _pearson(rankdata(feature), gain), (1 + as_far) / (1 + PERMUTATIONS)
