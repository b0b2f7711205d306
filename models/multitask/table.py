"""Table: rows of MULTITASK, LEARNT_STRUCTURE and RUNS from the books; one function trains, then writes them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence

import polars as pl

from lake.store import Lake
from lake.tables import LEARNT_STRUCTURE, MULTITASK, RUNS
from models.multitask.books import Books
from models.multitask.full import How, train
from models.multitask.ground import Ground
from models.multitask.plan import HARD, LOW, SINGLE, Trial, methods
from models.multitask.study import Study
from models.recipe import Recipe, RecipeError
from models.run import runs_frame
from models.study import folder as predicting


def ground_of(lake: Lake, budget: str = "", snapshot: str = "") -> Ground:
    """What all runs stand on. budget: by default as the lake is, sample or real."""
    return Ground(lake.root, budget or ("sample" if (lake.root / "SAMPLE").exists() else "real"), snapshot)


def write_multitask(
    ground: Ground, asked: Sequence[str] = (), how: How | None = None, books: Books | None = None
) -> bool:
    """Train what the books lack of these methods and of `single`, and write their rows; False where hours were over.

    RUNS gets the chosen runs whose checkpoints are here, but for single and hard ones: those of the lake's own studies
    stand there. Raises RecipeError for an unknown method, TaskError where the lake cannot teach two of the tasks.
    """
    there, lake = methods(), Lake(ground.root)
    if unknown := sorted(set(asked) - set(there)):
        raise RecipeError(f"methods are {', '.join(there)}; found {', '.join(unknown)}")
    books = books or Books.of(lake)
    ended = train(ground, books, how or How(), asked)
    study = Study(ground, books)
    for name in [name for name in there if name == SINGLE or not asked or name in asked]:
        lake.replace(MULTITASK, multitask_rows(study, name), name)
        lake.replace(LEARNT_STRUCTURE, structure_rows(study, name), name)
        if name not in (SINGLE, HARD):
            _predicting(study, name)
    return ended


def multitask_rows(study: Study, method: str) -> pl.DataFrame:
    """The method's rows of MULTITASK, as far as the books have them."""
    alone = {
        (line["property"], line["seed"], line["labels"]): line["mae_test"]
        for trial in _compared(study, SINGLE) for line in _lines(study, trial)
    }  # fmt: skip
    return MULTITASK.frame(
        [_row(study, trial, line, alone) for trial in _compared(study, method) for line in _lines(study, trial)]
    )


def structure_rows(study: Study, method: str) -> pl.DataFrame:
    """The method's rows of LEARNT_STRUCTURE: of the chosen runs with all labels."""
    trials = [trial for trial in _compared(study, method) if not trial.labels and len(trial.tasks) > 1]
    chosen = {line["recipe"] for trial in trials for line in _lines(study, trial)}
    ground = study.ground
    same = (pl.col("graphs") == ground.graphs) & (pl.col("rows") == ground.rows(ground.tasks).digest)
    lines = study.books.matrices().filter(same, pl.col("method") == method, pl.col("recipe").is_in(list(chosen)))
    lines = lines.unique(["recipe", "name", "row_at", "column_at"], keep="first", maintain_order=True)
    licences = list(ground.licences(ground.tasks)) if len(lines) else []
    columns = [name for name in LEARNT_STRUCTURE.schema.names() if name != "licences"]
    return LEARNT_STRUCTURE.frame([row | {"licences": licences} for row in lines.select(columns).iter_rows(named=True)])


def _compared(study: Study, method: str) -> list[Trial]:
    """The method's finished trials of the seeds that are compared."""
    seeds = set(study.ground.spent.seeds)
    every = dict.fromkeys(trial for wave in study.waves() for trial in wave)
    return [trial for trial in every if trial.method == method and trial.seed in seeds and study.finished(trial)]


def _lines(study: Study, trial: Trial) -> list[dict[str, object]]:
    return study.best(trial).to_dicts()


def _row(study: Study, trial: Trial, line: dict[str, object], alone: dict) -> dict[str, object]:
    recipe = Recipe.from_json(line["fields"])
    # with few labels of one, all others are as they were: so are their runs alone
    key = (line["property"], trial.seed, trial.labels if line["property"] == LOW else 0)
    before, now = alone.get(key), line["mae_test"]
    gain = math.log(before / now) if trial.method != SINGLE and before and now else None
    kept = ("property", "unit", "seed", "labels", "n_train", "n_validation", "n_test", "mae_validation", "mae_test",
            "mae_mean_predictor", "seconds", "data", "snapshot")  # fmt: skip
    return {
        **{name: line[name] for name in kept},
        "method": trial.method,
        "partners": [task for task in recipe.tasks if task != line["property"]],
        "learning_rate": recipe.learning_rate,
        "steps": recipe.steps,
        "batch_size": recipe.batch_size,
        "gain": gain,
        "seconds_beside": study.beside(trial),
        "recipe": line["fields"],
        "licences": list(study.ground.licences(trial.tasks, trial.labels)),
    }


def _predicting(study: Study, method: str) -> None:
    """The chosen runs in RUNS, and their checkpoints among those that predict."""
    from models.checkpoint import CheckpointError, read

    ground, runs = study.ground, []
    lake = Lake(ground.root)
    for trial in _compared(study, method):
        if trial.labels:
            continue
        chosen = Recipe.from_json(_lines(study, trial)[0]["fields"])
        path = ground.folder() / f"{chosen.slug}.safetensors"
        try:
            run = read(path).run
        except CheckpointError:  # the books came here without it
            continue
        predicting(lake).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, predicting(lake))
        figures = {line["property"]: line for line in _lines(study, trial)}
        for task, told in run.scores.items():
            told |= {name: figures[task][name] for name in ("n_test", "mae_test", "mae_mean_predictor")}
        runs.append(run)
    if runs:
        lake.replace(RUNS, runs_frame(runs), runs[0].recipe.study)
