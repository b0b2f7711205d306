"""Report: the tables of docs/multitask.md on published sets, from the committed files and the published figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.learning.chang2022.anchors import ANCHORS
from benchmarks.learning.multitask.lookup import RULES, SEED, found, share
from benchmarks.learning.multitask.regimes import LETTERS, REGIMES
from benchmarks.learning.multitask.study import Study, overlap_of
from benchmarks.learning.published.choices import COLUMNS
from benchmarks.learning.published.looks import Looks
from models.ledger import FOLDER
from models.published import PUBLISHED
from models.recipe import Recipe

BEGIN, END = "<!-- multitask: written by the report, not by hand -->", "<!-- /multitask -->"
HEADER = (
    "set | unit | CGCNN | MoE-18 | ours alone | (a) all labels | (b) none it follows from | (c) no label of it | "
    "wins of seeds, (c) | gain on alone in (c), 95 % | first try | look-up | it answers | MoMa | (c) / MoMa"
)
# a crude first try, which is to be beaten: one CGCNN jointly on eight dense properties, then fine-tuned; one seed, (a)
FIRST_TRY: Mapping[str, float] = {
    "chang2022.expt_eform": 0.118, "chang2022.jarvis_2d_dielectric_opt": 2.30, "chang2022.jarvis_2d_eform": 0.118,
    "chang2022.jarvis_2d_exfoliation": 48.8, "chang2022.jarvis_2d_gap_opt": 0.573, "chang2022.mp_eps_electronic": 0.126,
    "chang2022.mp_eps_total": 0.213, "chang2022.mp_phonons": 0.090, "chang2022.mp_poisson_ratio": 0.0305,
    "chang2022.mp_poly_electronic": 2.47, "chang2022.mp_poly_total": 5.58, "chang2022.piezoelectric_tensor": 0.214,
}  # fmt: skip


def report(study: Study, page: Path) -> str:
    """Write the tables between the page's markers; returns them."""
    looks = {regime: _current(study, regime) for regime in REGIMES}
    parts = [
        *(verdict(looks[regime], study, regime) for regime in REGIMES),
        f"Looks at test rows so far: {sum(len(study.looks(regime).rows()) for regime in REGIMES)}.",
        table(study, looks),
        choices(study),
        overlaps(study),
        source_labels(study),
    ]
    told = "\n\n".join(part for part in parts if part)
    text = page.read_text()
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    page.write_text(f"{before}{BEGIN}\n\n{told}\n\n{after}")
    return told


def of_seeds(looks: pl.DataFrame, name: str) -> list[float]:
    """Mean error over splits of each seed."""
    mine = looks.filter(pl.col("set") == name, pl.col("seed").str.contains(r"^\d+$"))
    return mine.group_by("seed").agg(pl.col("mae_test").mean()).sort("seed")["mae_test"].to_list()


def verdict(looks: pl.DataFrame, study: Study, regime: str) -> str:
    """On how many of the counted sets the mean is better than others', and every seed is."""
    mine = looks.filter(pl.col("seed").str.contains(r"^\d+$"))
    full = dict(mine.group_by("set").len().filter(pl.col("len") == study.splits * study.seeds).iter_rows())
    counted = [name for name, anchor in ANCHORS.items() if anchor.counted]
    done = {name: of_seeds(looks, name) for name in counted if name in full}
    said = []
    for whose, figures in (
        ("MoE-18", {name: ANCHORS[name].moe18 for name in counted}),
        ("MoMa", {name: ANCHORS[name].moma for name in counted}),
        ("the first try", FIRST_TRY),
    ):
        better = [name for name, errors in done.items() if np.mean(errors) < figures[name]]
        every = [name for name in better if max(done[name]) < figures[name]]
        said.append(f"than {whose} on **{len(better)} of {len(counted)}** sets ({len(every)} with every seed)")
    told = f"({LETTERS[regime]}) Better {', '.join(said)}"
    waiting = len(counted) - len(done)
    return told + (f"; {waiting} not yet looked at in full." if waiting else ".")


def table(study: Study, looks: Mapping[str, pl.DataFrame]) -> str:
    """A row per set: published columns, ours alone, ours in three regimes, and what a look-up gives."""
    single = _alone()
    lines = [f"| {HEADER} |", f"|{'|'.join('-' for _ in HEADER.split(' | '))}|"]
    for name in study.sets:
        anchor = ANCHORS.get(name)
        if not any(of_seeds(looks[regime], name) for regime in REGIMES):
            continue
        unseen = of_seeds(looks["unseen"], name)
        cells = [
            PUBLISHED[name].label + ("" if anchor and anchor.counted else " (not counted)"),
            PUBLISHED[name].unit,
            _short(anchor and anchor.cgcnn),
            _short(anchor and anchor.moe18),
            _short(_mean(of_seeds(single, name))),
            *(_told(of_seeds(looks[regime], name), anchor and anchor.moe18) for regime in REGIMES),
            f"{sum(error < anchor.moe18 for error in unseen)} of {len(unseen)}" if anchor and unseen else "",
            _interval(gains(single, looks["unseen"], name)),
            _short(FIRST_TRY.get(name)),
            *_looked_up(study, looks["all"], name),
            _short(anchor and anchor.moma),
            f"{np.mean(unseen) / anchor.moma:.2f}" if anchor and unseen else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def gains(single: pl.DataFrame, multi: pl.DataFrame, name: str) -> tuple[float, float, float] | None:
    """Mean and 95 % interval of (error alone - error here), split by split, seeds averaged; None without both.

    The splits draw from one set, so their training rows overlap: the variance is corrected after Nadeau and Bengio
    (Machine Learning 52, 239, 2003), by n_test / n_train.
    """
    from scipy.stats import t

    def per_split(looks: pl.DataFrame) -> pl.DataFrame:
        mine = looks.filter(pl.col("set") == name, pl.col("seed").str.contains(r"^\d+$"))
        return mine.group_by("split").agg(pl.col("mae_test").mean(), pl.col("n_test", "n_train").first())

    both = per_split(single).join(per_split(multi), on="split", suffix="_multi")
    if len(both) < 2:
        return None
    gained = (both["mae_test"] - both["mae_test_multi"]).to_numpy()
    shared = float((both["n_test"] / both["n_train"]).mean())
    half = t.ppf(0.975, len(gained) - 1) * gained.std(ddof=1) * np.sqrt(1 / len(gained) + shared)
    return float(gained.mean()), float(gained.mean() - half), float(gained.mean() + half)


def choices(study: Study) -> str:
    """What was chosen for each set, and what the choice gained on the validation rows of the first splits."""
    if not study.choices.path.exists():
        return ""
    lines = ["| set | tried | chosen | validation error | of the first candidate |", "|-|-|-|-|-|"]
    recipes = study.choices.recipes()
    for row in pl.read_csv(study.choices.path).rows(named=True):
        cells = [
            PUBLISHED[row["set"]].label, str(row["tried"]), _described(study, recipes[row["set"]]),
            _short(row["mae_validation"]), _short(row["mae_validation_first"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def overlaps(study: Study) -> str:
    """How many crystals of each set are in the lake, where the comparison is at hand."""
    if not (study.overlap_folder / "crystals.parquet").exists():
        return ""
    both = overlap_of(study.overlap_folder)
    lines = ["| set | rows | in the lake, by structure | by the told id only | in other sets |", "|-|-|-|-|-|"]
    for row in both.counts().rows(named=True):
        told = (f"{row[column]:,}" for column in ("entries", "in_lake", "by_id_only", "in_other_sets"))
        lines.append(f"| {PUBLISHED[row['set']].label} | {' | '.join(told)} |")
    return "\n".join([*lines, "", f"Entries of the lake that are meant: {both.twins['twin'].n_unique():,}."])


def source_labels(study: Study) -> str:
    """Training labels of each source property that a regime leaves."""
    rows = study.sources_ledger.rows()
    wide = rows.group_by("property", "regime").agg(pl.col("n_train").max())
    if not len(wide):
        return ""
    lines = ["| source property | (a) | (b) | (c) |", "|-|-|-|-|"]
    for name in rows["property"].unique(maintain_order=True):
        counts = dict(wide.filter(pl.col("property") == name).select("regime", "n_train").iter_rows())
        lines.append(f"| {name} | {' | '.join(f'{counts[r]:,}' if r in counts else '' for r in REGIMES)} |")
    return "\n".join(lines)


def _described(study: Study, recipe: Recipe) -> str:
    names = {source.slug: name for name, source in study.sources.items()}
    begins = " and ".join(names.get(slug, slug) for slug in recipe.starts)
    how = "probe" if not recipe.start_rate else f"rate of the encoder {recipe.start_rate:g}"
    company = f"with {len(recipe.tasks) - 1} other sets" if len(recipe.tasks) > 1 else "alone"
    mixed = "mixture of " if recipe.sharing == "experts" else "from "
    deep = f", decoder of {recipe.decoder_layers} layers" if recipe.decoder_layers > 1 else ""
    return f"{mixed}{begins}, {company}, {how}, {recipe.epochs} epochs{deep}"


def _looked_up(study: Study, looks: pl.DataFrame, name: str) -> tuple[str, str]:
    """The error of looking up, and the share of test rows that it answers, of the sets that can be looked up."""
    mine = looks.filter(pl.col("set") == name, pl.col("seed") == SEED)
    if name not in RULES or not len(mine):
        return "", ""
    told = share(study, name, found(study, name)) if (study.overlap_folder / "crystals.parquet").exists() else None
    return _short(mine["mae_test"].mean()), "" if told is None else f"{100 * told:.0f} %"


def _alone() -> pl.DataFrame:
    """The looks at our single-task networks on the same splits: the study that stood before."""
    path = FOLDER / "chang2022_chosen.csv"
    recipes = pl.read_csv(path, columns=list(COLUMNS[:2]), schema_overrides={"recipe": pl.String})
    return Looks(FOLDER / "chang2022_looks.csv").rows().join(recipes, on=["set", "recipe"])


def _current(study: Study, regime: str) -> pl.DataFrame:
    """The looks at the recipes that stand as chosen, and the look-up's; the log may hold others."""
    recipes = {name: recipe.digest for name, recipe in study.choices.recipes().items()}
    stands = pl.DataFrame(
        {"set": list(recipes), "recipe": list(recipes.values())}, {"set": pl.String, "recipe": pl.String}
    )
    rows = study.looks(regime).rows().filter(pl.col("set").is_in(study.sets))
    return pl.concat([rows.join(stands, on=["set", "recipe"]), rows.filter(pl.col("seed") == SEED)])


def _told(errors: list[float], moe18: float | None) -> str:
    if not errors:
        return ""
    mean = float(np.mean(errors))
    said = f"**{_short(mean)}**" if moe18 is not None and mean < moe18 else _short(mean)
    return said + (f" ± {_short(float(np.std(errors, ddof=1)))}" if len(errors) > 1 else "")


def _interval(gain: tuple[float, float, float] | None) -> str:
    return f"{_short(gain[0])} [{_short(gain[1])}, {_short(gain[2])}]" if gain else ""


def _mean(errors: list[float]) -> float | None:
    return float(np.mean(errors)) if errors else None


def _short(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.3g}"
