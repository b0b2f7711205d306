"""Report: the tables of docs/published.md, from the committed files and the published splits."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.learning.chang2022.anchors import ANCHORS
from benchmarks.learning.chang2022.grouped import shared
from benchmarks.learning.chang2022.study import Study, of
from models.published import PUBLISHED
from models.recipe import Recipe

BEGIN, END = "<!-- chang2022: written by the report, not by hand -->", "<!-- /chang2022 -->"
HEADER = (
    "set | unit | CGCNN | ours | ours / CGCNN | seeds' spread | mean of seeds | median predictor | gain on it, 95 % | "
    "formula in training | grouped splits | MoE-18 | MoMa"
)


def report(study: Study, page: Path) -> str:
    """Write the tables between the page's markers; returns them."""
    looks = _current(study, "published")
    parts = [
        verdict(looks, study.splits, study.seeds),
        f"Looks at published test rows so far: {len(study.looks('published').rows())}.",
        table(study, looks, _current(study, "grouped")),
        medians(looks),
        choices(study),
    ]
    told = "\n\n".join(part for part in parts if part)
    text = page.read_text()
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    page.write_text(f"{before}{BEGIN}\n\n{told}\n\n{after}")
    return told


def means(looks: pl.DataFrame, ensemble: bool = False) -> pl.DataFrame:
    """set, looks, error, spread, floor: the error is the mean over splits of the mean over seeds.

    spread: standard deviation over seeds, mean over splits.  floor: of the median predictor.  ensemble: of the seeds'
    mean prediction instead of each seed's own.
    """
    kept = looks.filter(pl.col("seed").str.contains("+", literal=True) == ensemble)
    per_split = kept.group_by("set", "split").agg(
        pl.len(), pl.col("mae_test").mean(), pl.col("mae_test").std().alias("spread"),
        pl.col("mae_median_predictor").first(),
    )  # fmt: skip
    return per_split.group_by("set").agg(
        pl.col("len").sum().alias("looks"),
        pl.col("mae_test").mean().alias("error"),
        pl.col("spread").mean(),
        pl.col("mae_median_predictor").mean().alias("floor"),
    )


def paired(looks: pl.DataFrame, name: str) -> tuple[float, float, float] | None:
    """Mean and 95 % interval of (median predictor's error - ours), split by split; None with one split only.

    The splits draw from one set, so their training rows overlap: the variance is corrected after Nadeau and Bengio
    (Machine Learning 52, 239, 2003), by n_test / n_train.
    """
    from scipy.stats import t

    mine = looks.filter(pl.col("set") == name, ~pl.col("seed").str.contains("+", literal=True))
    gain = pl.col("mae_median_predictor") - pl.col("mae_test")
    per_split = mine.group_by("split").agg(gain.mean().alias("gain"), pl.col("n_test", "n_train").first())
    gains = per_split["gain"].to_numpy()
    if len(gains) < 2:
        return None
    share = float((per_split["n_test"] / per_split["n_train"]).mean())
    half = t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) * np.sqrt(1 / len(gains) + share)
    return float(gains.mean()), float(gains.mean() - half), float(gains.mean() + half)


def verdict(looks: pl.DataFrame, splits: int, seeds: int) -> str:
    """How many of the counted sets are no worse than published, among those that are looked at in full."""
    ours = means(looks)
    full = {row["set"]: row["error"] for row in ours.rows(named=True) if row["looks"] == splits * seeds}
    counted = [name for name, anchor in ANCHORS.items() if anchor.counted]
    done = [name for name in counted if name in full]
    good = [name for name in done if full[name] <= ANCHORS[name].cgcnn]
    worse = [PUBLISHED[name].label for name in done if name not in good]
    said = f"Mean error no worse than the published CGCNN's on **{len(good)} of {len(counted)}** sets"
    said += f"; worse on {', '.join(worse)}" if worse else ""
    return said + (f"; {len(counted) - len(done)} not yet looked at in full." if len(done) < len(counted) else ".")


def table(study: Study, looks: pl.DataFrame, grouped: pl.DataFrame) -> str:
    """A row per set: published columns and ours."""
    ours, together, own = (
        {row["set"]: row for row in found.rows(named=True)}
        for found in (means(looks), means(looks, ensemble=True), means(grouped))
    )
    lines = [f"| {HEADER} |", f"|{'|'.join('-' for _ in HEADER.split(' | '))}|"]
    for name in (*ANCHORS, *(name for name in PUBLISHED if name not in ANCHORS)):
        if name not in ours or name not in study.sets:
            continue
        row, anchor, gain = ours[name], ANCHORS.get(name), paired(looks, name)
        read = of(study.data, name)
        share = np.mean([shared(rows, read.formulas) for rows in read.splits])
        cells = [
            PUBLISHED[name].label + ("" if anchor and anchor.counted else " (not counted)"),
            PUBLISHED[name].unit,
            _short(anchor and anchor.cgcnn),
            f"**{_short(row['error'])}**",
            f"{row['error'] / anchor.cgcnn:.2f}" if anchor else "",
            _short(row["spread"]),
            _short(together[name]["error"] if name in together else None),
            _short(row["floor"]),
            f"{_short(gain[0])} [{_short(gain[1])}, {_short(gain[2])}]" if gain else "",
            f"{100 * share:.0f} %",
            f"{_short(own[name]['error'])} (median {_short(own[name]['floor'])})" if name in own else "",
            _short(anchor and anchor.moe18),
            _short(anchor and anchor.moma),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def medians(looks: pl.DataFrame) -> str:
    """The median |error| on elastic anisotropy, where means are luck."""
    name = "chang2022.mp_elastic_anisotropy"
    mine = looks.filter(pl.col("set") == name, ~pl.col("seed").str.contains("+", literal=True))
    if not len(mine):
        return ""
    ours, floor = mine["median_error"].mean(), mine["median_error_median_predictor"].mean()
    return f"Elastic anisotropy: median error {_short(ours)}, of the median predictor {_short(floor)}."


def choices(study: Study) -> str:
    """What was chosen for each set, and what the choice gained on the validation rows of the first splits."""
    if not study.choices.path.exists():
        return ""
    lines = ["| set | tried | chosen | validation error | of the first candidate |", "|-|-|-|-|-|"]
    for row in pl.read_csv(study.choices.path).rows(named=True):
        recipe = Recipe(**{**json.loads(row["fields"]), "tasks": (row["set"],)})
        cells = [
            PUBLISHED[row["set"]].label, str(row["tried"]), _told(recipe),
            _short(row["mae_validation"]), _short(row["mae_validation_first"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _told(recipe: Recipe) -> str:
    """What of a recipe differs from the defaults, and its size."""
    size = f"width {recipe.width}, {recipe.gnn_layers} layers, {recipe.epochs} epochs, batches of {recipe.batch_size}"
    default = Recipe(recipe.tasks)
    named = ("tasks", "seed", "width", "gnn_layers", "epochs", "batch_size")
    others = [f.name for f in fields(Recipe) if f.name not in named]
    changed = [n for n in others if getattr(recipe, n) != getattr(default, n)]
    return ", ".join([size, *(f"{name.replace('_', ' ')} {getattr(recipe, name)}" for name in changed)])


def _current(study: Study, kind: str) -> pl.DataFrame:
    """The looks at the recipes that stand as chosen; the log may hold others."""
    recipes = {recipe.digest for recipe in study.choices.recipes().values()}
    return study.looks(kind).rows().filter(pl.col("recipe").is_in(list(recipes)), pl.col("set").is_in(study.sets))


def _short(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.3g}"
