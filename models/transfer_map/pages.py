"""A page per property, as data: train it with these, not with those, and here is the evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import expm1

import polars as pl

PARTS = {"helps": "train_with", "hurts": "not_with", "no transfer": "no_effect", "unclear": "unknown"}
BETWEEN = "between families"


def page(
    gains: pl.DataFrame,
    target: str,
    versions: Mapping[str, str] | None = None,
    named: Callable[[str], str] = str,
    trusted: bool = True,
) -> dict:
    """What is known of one target: target, name, labels, family, advice, trusted, versions, and lists of evidence.

    gains: a row per ordered pair, with n, gain, gain_placebo, low_placebo, high_placebo, q, verdict, family_target,
    family_source, labels_target, labels_source; a column `kind`, if it is there, says what else is no finding, and
    `confirmed` (with confirmed_n, confirmed_gain, confirmed_low, confirmed_high) what fresh seeds said of a claim.
    versions: of lake, graphs and code, as name -> version; they stand in every line. named: how a task is called.
    trusted: whether the map is, which the advice says where it is not.
    train_with, not_with, no_effect, unknown: sources by verdict, the largest gain (or harm) first; `refuted`: claims
    that were not confirmed; `apart`: sources of the same family, or related by definition, whose gains are no findings.
    Each a dict of the row's columns with name and words. Raises KeyError for a target that no row is of.
    """
    rows = gains.filter(pl.col("target") == target)
    if not len(rows):
        known = ", ".join(sorted(set(gains["target"]))) or "none"
        raise KeyError(f"no pair was trained with target {target!r}; targets that were: {known}")
    told = dict(versions or {})
    parts: dict[str, list[dict]] = {name: [] for name in (*PARTS.values(), "refuted", "apart")}
    for row in rows.sort(pl.col("gain_placebo").abs(), "source", descending=[True, False], nulls_last=True).to_dicts():
        parts[_part(row)].append(row | {"name": named(row["source"]), "words": _words(row, named, told)})
    first = rows.row(0, named=True)
    return {
        "target": target,
        "name": named(target),
        "labels": first["labels_target"],
        "family": first["family_target"],
        "advice": advice(parts) if trusted else f"Not to be trusted, as the map is not: {advice(parts)}",
        "trusted": trusted,
        "versions": told,
        **parts,
    }


def advice(parts: Mapping[str, list[dict]]) -> str:
    """One sentence or two: what to do."""
    helps, hurts = ([found["name"] for found in parts[name]] for name in ("train_with", "not_with"))
    told = [f"Train it with {_listed(helps)}."] if helps else []
    told += [f"Do not train it with {_listed(hurts)}."] if hurts else []
    if told:
        return " ".join(told)
    unknown = len(parts["unknown"])
    return "Train it alone: no source was shown to help" + (f", {unknown} of them are unclear." if unknown else ".")


def change(gain: float | None) -> str:
    """A log ratio of errors as what becomes of the error: `5.8 % lower`, which is a gain of .06."""
    if gain is None:
        return "unknown"
    size = f"{abs(expm1(-gain)):.1%}".replace("%", "\u00a0%")  # a line must not break there
    return "unchanged" if size == "0.0\u00a0%" else f"{size} {'lower' if gain > 0 else 'higher'}"


def interval(low: float | None, high: float | None) -> str:
    """The interval of a gain likewise: `3.9 to 7.7 % lower`, or `1.0 % higher to 4.1 % lower`."""
    if low is None or high is None:
        return "unknown"
    near, far = (low, high) if abs(low) < abs(high) else (high, low)
    one, other = change(near), change(far)
    if one.split()[-1] == other.split()[-1] and low * high > 0:
        return f"{one.split()[0]} to {other}"
    return f"{change(low)} to {change(high)}"


def _part(row: dict) -> str:
    kind = row.get("kind") or (BETWEEN if row["family_target"] != row["family_source"] else "family")
    if kind != BETWEEN:
        return "apart"
    if row.get("confirmed") is False and row["verdict"] in ("helps", "hurts"):
        return "refuted"
    return PARTS.get(row["verdict"], "unknown")


def _words(row: dict, named: Callable[[str], str], versions: dict[str, str]) -> str:
    words = [f"{named(row['target'])} with {named(row['source'])}: error {change(row['gain_placebo'])} than by placebo"]
    if row["low_placebo"] is not None and row["high_placebo"] is not None:
        words.append(f"95 % interval {interval(row['low_placebo'], row['high_placebo'])}")
    words.append(f"n = {row['n']} seeds")
    if row["q"] is not None:
        words.append(f"q = {row['q']:.2g}")
    words.append(f"than alone {change(row['gain'])}")
    if row.get("confirmed") is not None:
        said = "confirmed" if row["confirmed"] else "not confirmed"
        found, ends = change(row["confirmed_gain"]), interval(row["confirmed_low"], row["confirmed_high"])
        words.append(f"{said} on {row['confirmed_n']} fresh seeds: {found}, {ends}")
    words += [f"{name} {version}" for name, version in versions.items()]
    return "; ".join(words)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{'; '.join(names[:-1])}; and {names[-1]}"
