"""Training: models of one property each, one model of all together, and what they say of every crystal."""

from collections.abc import Iterator
from typing import Any, Literal, Protocol

import dagster as dg
import polars as pl

from assets.conventions import shown_as
from assets.described import contract, described
from assets.observations import observed
from lake.store import Lake
from lake.tables import CALIBRATION, PREDICTIONS, RUNS
from models.study import BASELINES, SCREENED

LEARNERS = (
    "study", "dataset", "licences", "fit", "training", "optimisers", "losses", "network", "heads", "encoders",
    "sharing", "batch", "scale",
)  # fmt: skip
SPEAKERS = tuple(f"models.{name}" for name in ("predicting", "ensemble", "conformal", "far", "licences"))
CODE = tuple(f"models.{name}" for name in LEARNERS)
# the matrix, because a snapshot shows observations as the matrix read them, and policies say what may be learnt
LEARNT_FROM = ["materials", "splits", "graphs", "property_matrix", *observed(*BASELINES, SCREENED)]
STUDIES = {
    "baselines": ("single", "One model per property and seed: what a property learns from its own labels alone."),
    "joint_model": (
        "joint",
        "One model of all those properties per seed: one encoder, same split, same steps.",
    ),
}


class Tracker(Protocol):
    """Whoever keeps the books of training. The storey above brings MLflow; what can `log` will do in a test."""

    def log(self, run: Any) -> None:
        """Write down one finished run: its recipe, its loss by epoch, its errors."""


class Effort(dg.Config):
    """How much training to spend. budget: a name in `models/study.py`; by default as the lake is, sample or real."""

    budget: Literal["", "sample", "real"] = ""
    seeds: int = 3


@dg.multi_asset(
    specs=[
        dg.AssetSpec(**shown_as(RUNS, CODE, key=key, kinds=("pytorch", "mlflow"), about=about), deps=LEARNT_FROM)
        for key, (_, about) in STUDIES.items()
    ],
    check_specs=[contract(RUNS, key) for key in STUDIES],
    can_subset=True,
)
def learning(
    context: dg.AssetExecutionContext, config: Effort, lake: dg.ResourceParam[Lake], tracker: dg.ResourceParam[Tracker]
) -> Iterator[dg.MaterializeResult]:
    """Both studies in one step, so that their runs share the cores; a run that is there is not trained again."""
    from lake.snapshots import at, take
    from models.run import runs_frame
    from models.study import baseline_plan, run_study

    budget = config.budget or ("sample" if (lake.root / "SAMPLE").exists() else "real")
    snapshot = take(lake)  # what was learnt from stays readable, whatever is crawled meanwhile
    known = at(lake, snapshot)
    plan = baseline_plan(known, budget, range(config.seeds))
    asked = {STUDIES[key.to_user_string()][0] for key in context.selected_asset_keys}
    runs = run_study(known, [recipe for recipe in plan.recipes if recipe.study in asked], snapshot=snapshot)
    for run in runs:
        tracker.log(run)
    for key, (study, _) in STUDIES.items():
        if study in asked:
            rows = runs_frame([run for run in runs if run.recipe.study == study])
            lake.replace(RUNS, rows, study)
            yield described(lake, RUNS, study, key, budget=budget, left_out=plan.left_out, **_errors(rows))


def _errors(rows: pl.DataFrame) -> dict[str, float]:
    means = rows.drop_nulls("mae_test").group_by("property", maintain_order=True).agg(pl.col("mae_test").mean())
    return {f"test error of {name}": error for name, error in means.iter_rows()}


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            **shown_as(table, SPEAKERS, kinds=("pytorch",)), deps=["baselines", "joint_model", "graphs", "entries"]
        )
        for table in (PREDICTIONS, CALIBRATION)
    ],
    check_specs=[contract(PREDICTIONS), contract(CALIBRATION)],
)
def speaking(lake: dg.ResourceParam[Lake]) -> Iterator[dg.MaterializeResult]:
    """What both studies' models say of every entry that has a graph, and how far their intervals can be trusted."""
    from models.conformal import FILE
    from models.predicting import predict_entries
    from models.study import folder

    said, calibration = predict_entries(lake)
    lake.replace(PREDICTIONS, said)
    yield described(lake, PREDICTIONS)
    lake.replace(CALIBRATION, calibration)
    if len(calibration):  # so that a folder of checkpoints that is taken elsewhere keeps its intervals
        (folder(lake) / FILE).write_text(calibration.write_json())
    told = calibration.drop_nulls("coverage").select("property", "study", "coverage")
    covered = {f"coverage of {name}, {study}": share for name, study, share in told.iter_rows()}
    yield described(lake, CALIBRATION, **covered)
