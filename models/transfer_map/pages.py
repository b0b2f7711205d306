"""A page per property, as data: train it with these, not with those, and here is the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from math import expm1

import polars as pl

PARTS = {"helps": "train_with", "hurts": "not_with", "no transfer": "no_effect", "unclear": "unknown"}


def page(gains: pl.DataFrame, target: str, versions: Mapping[str, str] | None = None) -> dict:
    """What is known of one target: target, labels, family, advice, versions, and lists of evidence.

    gains: a row per ordered pair, with n, gain, gain_placebo, low_placebo, high_placebo, q, verdict, family_target,
    family_source, labels_target, labels_source; a column `kind`, if it is there, says what else is no finding.
    versions: of lake, graphs and code, as name -> version; they stand in every line.
    train_with, not_with, no_effect, unknown: sources by verdict, the largest gain (or harm) first; `apart`: sources of
    the same family, or related by definition, whose gains are no findings. Each a dict of source, n, gain (over
    placebo), low, high, raw_gain, q, labels, words. Raises KeyError for a target that no row is of.
    """
    rows = gains.filter(pl.col("target") == target)
    if not len(rows):
        known = ", ".join(sorted(set(gains["target"]))) or "none"
        raise KeyError(f"no pair was trained with target {target!r}; targets that were: {known}")
    told = dict(versions or {})
    parts: dict[str, list[dict]] = {name: [] for name in (*PARTS.values(), "apart")}
    for row in rows.sort(pl.col("gain_placebo").abs(), "source", descending=[True, False], nulls_last=True).to_dicts():
        found = row.get("kind") or ("between families" if row["family_target"] != row["family_source"] else "family")
        part = PARTS.get(row["verdict"], "unknown") if found == "between families" else "apart"
        parts[part].append(_evidence(row, told))
    first = rows.row(0, named=True)
    return {
        "target": target,
        "labels": first["labels_target"],
        "family": first["family_target"],
        "advice": _advice(parts),
        "versions": told,
        **parts,
    }


def _evidence(row: dict, versions: dict[str, str]) -> dict:
    words = [f"{row['source']}: {_change(row['gain_placebo'])} over placebo"]
    if row["low_placebo"] is not None and row["high_placebo"] is not None:
        words.append(f"95 % interval {_change(row['low_placebo'])} to {_change(row['high_placebo'])}")
    words.append(f"{row['n']} seeds")
    if row["q"] is not None:
        words.append(f"q {row['q']:.2g}")
    words.append(f"raw {_change(row['gain'])}")
    words += [f"{name} {version}" for name, version in versions.items()]
    return {
        "source": row["source"],
        "n": row["n"],
        "gain": row["gain_placebo"],
        "low": row["low_placebo"],
        "high": row["high_placebo"],
        "raw_gain": row["gain"],
        "q": row["q"],
        "labels": row["labels_source"],
        "words": "; ".join(words),
    }


def _change(gain: float | None) -> str:
    """A log ratio of errors as what becomes of the error: `error −5.8 %`, which is a gain of .06."""
    return "unknown" if gain is None else f"error {expm1(-gain):+.1%}".replace("-", "−").replace("%", " %")


def _advice(parts: dict[str, list[dict]]) -> str:
    """One sentence or two: what to do."""
    helps, hurts = ([found["source"] for found in parts[name]] for name in ("train_with", "not_with"))
    told = [f"Train it with {_listed(helps)}."] if helps else []
    told += [f"Do not train it with {_listed(hurts)}."] if hurts else []
    if told:
        return " ".join(told)
    unknown = len(parts["unknown"])
    return "Train it alone: no source was shown to help" + (f", {unknown} of them are unclear." if unknown else ".")


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
