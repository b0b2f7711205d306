"""Leaderboard: networks beside baselines on the same rows, by property, and their learning curves.

Validation ranks, test is reported. Networks' figures are those of RUNS and PREDICTIONS; baselines are fitted here, with
the networks' limit of training rows. A baseline that is new in `models/baselines`, or vectors that were imported,
appear by themselves. Where they err: error_groups.py. No torch here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lake.policies import default
from lake.store import Lake
from lake.tables import ERRORS_BY_GROUP, FEATURES, LEADERBOARD, LEARNING_CURVES, PREDICTIONS, RUNS
from models.baselines import BASELINES, IMPORTED, baseline_named
from models.baselines.trial import Trial, tried
from models.dataset import TrainingRows, training_rows
from models.error_groups import by_group, grouped
from models.licences import learnt_from
from models.pool import spread
from models.results import errors, without_seed
from models.run import Run
from models.task import in_order, task_named

SHARES = (0.1, 0.3, 1.0)
TREES = {"sample": 10, "real": 100}  # of a forest, by budget of training
FIGURES = ("n_train", "n_validation", "n_test", "mae_validation", "mae_test")


@dataclass(frozen=True)
class Scored:
    """What one baseline with one seed made of one property: a run for each share, and what it says of test rows.

    said: entry_id, value, of the largest share.
    """

    method: str
    runs: dict[float, Run]
    said: pl.DataFrame


@dataclass(frozen=True)
class Standing:
    """The three tables, and the models that were left out with the reason."""

    leaderboard: pl.DataFrame
    curves: pl.DataFrame
    groups: pl.DataFrame
    left_out: dict[str, str]


def standing(lake: Lake, trees: int, seeds: int = 3, processes: int | None = None) -> Standing:
    """Fit the baselines for every property that a network learnt, and sum up."""
    runs = lake.read(RUNS)
    limits = limits_of(runs)
    methods, left_out, trials = methods_of(lake), {}, []
    rows = {task: training_rows(lake, (task,), limit) for task, limit in limits.items()}
    for task in limits:
        for method in methods:
            reason = lacking(lake, method, rows[task])
            if reason:
                left_out[f"{method} of {task}"] = reason
                continue
            those = range(seeds) if baseline_named(method).seeded else (0,)
            trials += [Trial(method, task, seed, trees, limits[task]) for seed in those]
    # one process reads the rows of a property once; many share the forests, and each reads its own
    parts = (
        [tuple(t for t in trials if t.task == task) for task in limits] if processes == 1 else [(t,) for t in trials]
    )
    pieces = [(lake.root, part) for part in parts]
    scored = [one for part in spread(score, pieces, "baselines", processes) for one in part]
    licences = {task: _licences(lake, rows[task]) for task in rows}
    curves = _curves(runs, scored, licences)
    return Standing(_leaderboard(lake, scored, licences), curves, _groups(lake, rows, scored, licences), left_out)


def limits_of(runs: pl.DataFrame) -> dict[str, int | None]:
    """Property -> the largest limit of training rows among its runs, None where one had none; in the house's order."""
    found: dict[str, list[int | None]] = {}
    for name, recipe in runs.select("property", "recipe").iter_rows():
        found.setdefault(name, []).append(json.loads(recipe).get("limit"))
    return {name: None if None in found[name] else max(found[name]) for name in in_order(found)}


def methods_of(lake: Lake) -> list[str]:
    """Names of all baselines, with the vectors that were imported into this lake."""
    models = lake.scan(FEATURES).select(pl.col("model").unique().sort()).collect()["model"]
    return [*BASELINES, *(f"{IMPORTED}{name}" for name in models)]


def lacking(lake: Lake, method: str, rows: TrainingRows) -> str | None:
    """Why a method cannot be compared on these rows: vectors must be there of all, or other rows would be scored."""
    if not method.startswith(IMPORTED):
        return None
    known = lake.scan(FEATURES).filter(pl.col("model") == method.removeprefix(IMPORTED)).select("structure_hash")
    lost = rows.frame.join(known.collect(), on="structure_hash", how="anti")
    return f"{len(lost):,} of {len(rows):,} structures have no vector" if len(lost) else None


def score(root: Path, trials: tuple[Trial, ...], shares: tuple[float, ...] = SHARES) -> list[Scored]:
    """Fit baselines of one property on each share of its training rows (a process's piece of work)."""
    if not trials:
        return []
    lake = Lake(root)
    rows = training_rows(lake, trials[0].tasks, trials[0].limit)
    parts = {share: share_of(lake, rows, share) for share in shares}
    at = rows.frame.select("entry_id").with_row_index("at")
    places = {share: part.frame.join(at, on="entry_id", maintain_order="left")["at"] for share, part in parts.items()}
    vectors, scored = {}, []
    for trial in trials:
        if trial.method not in vectors:
            vectors[trial.method] = baseline_named(trial.method).features(lake, rows.frame["structure_hash"])
        runs = {}
        for share, part in parts.items():
            runs[share], predicted = tried(trial, part, vectors[trial.method][places[share].to_numpy()])
        tested = part.of("test")
        said = part.frame[tested].select("entry_id").with_columns(value=predicted[tested])
        scored.append(Scored(trial.method, runs, said))
    return scored


def share_of(lake: Lake, rows: TrainingRows, share: float) -> TrainingRows:
    """These rows, or as many of their training labels as the share says, two at least."""
    full = int(rows.labels("train")[0])
    return rows if share == 1.0 else training_rows(lake, rows.tasks, max(2, round(share * full)))


def network_named(study: str, recipe: str) -> str:
    """What a network is called here: its encoder, and how it shares where it does: `cgcnn`, `cgcnn joint`."""
    encoder = json.loads(recipe).get("encoder", "network")
    return encoder if study == "single" else f"{encoder} {study}"


def ranked(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of LEADERBOARD with place and ratio: by validation error, then by name; what has none comes last."""
    order = pl.struct(pl.col("mae_validation").fill_null(float("inf")), "model").rank("ordinal").over("property")
    told = rows.with_columns(
        place=order.cast(pl.Int64),
        ratio=pl.when(pl.col("mae_mean_predictor") > 0).then(pl.col("mae_test") / pl.col("mae_mean_predictor")),
    )
    names = {name: at for at, name in enumerate(default().by_name)}
    by_house = pl.col("property").replace_strict(names, default=len(names), return_dtype=pl.Int64)
    return LEADERBOARD.checked(told.select(LEADERBOARD.schema.names()).sort(by_house, "property", "place"))


def _licences(lake: Lake, rows: TrainingRows) -> dict[str, list[str]]:
    """Method -> licences of what it learns from these rows; under "" those of the rows alone."""
    own = set(learnt_from(lake, rows))
    told = lake.scan(FEATURES).select("model", "licence").unique().collect().iter_rows()
    return {"": sorted(own)} | {f"{IMPORTED}{model}": sorted({*own, licence}) for model, licence in told}


def _leaderboard(lake: Lake, scored: list[Scored], licences: dict[str, dict[str, list[str]]]) -> pl.DataFrame:
    schema = [name for name in LEADERBOARD.schema.names() if name not in ("place", "ratio")]
    known = errors(lake)
    names = [network_named(*told) for told in known.select("study", "recipe").iter_rows()]
    networks = known.with_columns(model=pl.Series(names, dtype=pl.String), fields=pl.col("recipe"))
    networks = networks.with_columns(pl.col("seeds").cast(pl.Int64)).select(schema)
    each = pl.DataFrame([_figures(one, 1.0, licences) for one in scored], schema=_FIGURES)
    mean = [pl.col(name).mean() for name in ("mae_validation", "mae_test", "mae_mean_predictor")]
    baselines = each.group_by("property", "model", "unit", maintain_order=True).agg(
        pl.col("seed").n_unique().cast(pl.Int64).alias("seeds"),
        pl.col("n_train", "n_validation", "n_test", "licences").first(),
        pl.col("mae_test").std().alias("mae_test_spread"),
        pl.col("fields").first().map_elements(without_seed, return_dtype=pl.String),
        *mean,
    )
    return ranked(pl.concat([networks, baselines.select(schema)]))


def _curves(runs: pl.DataFrame, scored: list[Scored], licences: dict[str, dict[str, list[str]]]) -> pl.DataFrame:
    each = [_figures(one, share, licences) | {"share": share} for one in scored for share in one.runs]
    baselines = pl.DataFrame(each, schema=_FIGURES | {"share": pl.Float64})
    full = baselines.group_by("property").agg(full=pl.col("n_train").max())
    recipes = [without_seed(recipe) for recipe in runs["recipe"]]
    names = [network_named(*told) for told in runs.select("study", "recipe").iter_rows()]
    networks = runs.with_columns(fields=pl.Series(recipes, dtype=pl.String), model=pl.Series(names, dtype=pl.String))
    one = ["property", "model", "n_train"]
    best = networks.group_by(*one, "fields").agg(pl.col("mae_validation").mean())
    best = best.sort("mae_validation", "fields", nulls_last=True).unique(one, keep="first")
    chosen = networks.join(best.select(*one, "fields"), on=[*one, "fields"], how="semi")
    chosen = chosen.join(full, on="property").with_columns(share=pl.col("n_train") / pl.col("full"))
    columns = LEARNING_CURVES.schema.names()
    told = pl.concat([chosen.select(columns), baselines.select(columns)]).unique(LEARNING_CURVES.key, keep="first")
    return LEARNING_CURVES.checked(told.sort("property", "model", "share", "seed"))


_FIGURES = {
    "property": pl.String, "model": pl.String, "unit": pl.String, "seed": pl.Int64, "fields": pl.String,
    "n_train": pl.Int64, "n_validation": pl.Int64, "n_test": pl.Int64, "mae_validation": pl.Float64,
    "mae_test": pl.Float64, "mae_mean_predictor": pl.Float64, "licences": pl.List(pl.String),
}  # fmt: skip


def _figures(one: Scored, share: float, licences: dict[str, dict[str, list[str]]]) -> dict[str, object]:
    run = one.runs[share]
    task = run.recipe.task
    told = {"property": task, "model": one.method, "unit": task_named(task).unit, "seed": run.recipe.seed}
    own = licences[task].get(one.method, licences[task][""])
    return told | {"fields": run.recipe.to_json(), "licences": own} | run.scores[task]


def _groups(
    lake: Lake, rows: dict[str, TrainingRows], scored: list[Scored], licences: dict[str, dict[str, list[str]]]
) -> pl.DataFrame:
    """ERRORS_BY_GROUP of all models: on test rows, by the mean over seeds."""
    said = [ERRORS_BY_GROUP.empty()]
    for task, those in rows.items():
        tested = grouped(lake, those)
        mine = [one for one in scored if one.runs[1.0].recipe.task == task]
        models = {}
        for one in mine:
            models.setdefault(one.method, []).append(one.said)
        spoken = [
            pl.concat(parts).group_by("entry_id").agg(pl.col("value").mean()).with_columns(
                model=pl.lit(name), licences=pl.lit(licences[task].get(name, licences[task][""]), pl.List(pl.String))
            )
            for name, parts in models.items()
        ]  # fmt: skip
        every = pl.concat(
            [part.select("entry_id", "value", "model", "licences") for part in [*spoken, _networks(lake, task)]]
        )
        floor = pl.concat(models["mean"]).rename({"value": "floor"}) if "mean" in models else None
        said.append(by_group(task, tested, every, floor))
    return ERRORS_BY_GROUP.checked(pl.concat(said))


def _networks(lake: Lake, task: str) -> pl.DataFrame:
    """entry_id, value, model, licences: what the networks say of test rows."""
    known = errors(lake).filter(pl.col("property") == task)
    names = {study: network_named(study, recipe) for study, recipe in known.select("study", "recipe").iter_rows()}
    rows = lake.scan(PREDICTIONS).filter(pl.col("property") == task, pl.col("split") == "test")
    rows = rows.filter(pl.col("study").is_in(list(names)), pl.col("label").is_not_null()).collect()
    together = rows.group_by("study").agg(licences=pl.col("licences").explode().drop_nulls().unique().sort())
    model = pl.col("study").replace_strict(names, default=None, return_dtype=pl.String)
    told = rows.drop("licences").join(together, on="study", how="left").with_columns(model=model)
    return told.select("entry_id", "value", "model", "licences")
