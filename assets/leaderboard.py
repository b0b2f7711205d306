"""Leaderboard: networks beside baselines, how errors fall with training rows, and on what matter they are large."""

from collections.abc import Iterator

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from assets.training import LEARNT_FROM
from lake.store import Lake
from lake.tables import ERRORS_BY_GROUP, FEATURES, LEADERBOARD, LEARNING_CURVES

CODE = (
    "models.leaderboard", "models.error_groups", "models.baselines", "models.chemistry", "models.results",
    "models.dataset", "models.scale", "models.licences",
)  # fmt: skip
TABLES = (LEADERBOARD, LEARNING_CURVES, ERRORS_BY_GROUP)


@dg.asset(**shown_as(FEATURES, ("lake.features",)), check_specs=[contract(FEATURES)], deps=["entries"])
def features(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Vectors from the files in the lake's folder `features/`, which `crystal-lake features` writes."""
    from lake.features import write_features

    return described(lake, FEATURES, **{f"vectors of {name}": n for name, n in write_features(lake).items()})


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            **shown_as(table, CODE, group="analysis"),
            deps=["baselines", "joint_model", "predictions", "features", "entries", *LEARNT_FROM],
        )
        for table in TABLES
    ],
    check_specs=[contract(table) for table in TABLES],
)
def leaderboards(lake: dg.ResourceParam[Lake]) -> Iterator[dg.MaterializeResult]:
    """Fit the baselines on the networks' rows, and set all models side by side. Minutes on a real lake."""
    from models.leaderboard import TREES, standing

    sample = (lake.root / "SAMPLE").exists()
    trees, seeds, processes = (TREES["sample"], 2, 1) if sample else (TREES["real"], 3, None)
    found = standing(lake, trees, seeds, processes)
    for table, rows in zip(TABLES, (found.leaderboard, found.curves, found.groups), strict=True):
        lake.replace(table, rows)
        yield described(lake, table, left_out=found.left_out)
