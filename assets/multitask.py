"""Multitask: do properties that learn together beat training alone? In no job but its own, since it takes hours."""

from collections.abc import Iterator
from typing import Any, Literal

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from assets.observations import observed
from assets.partitions import METHODS
from assets.training import CODE, Tracker
from lake.policies import column_named, default
from lake.store import Lake
from lake.tables import LEARNT_STRUCTURE, MULTITASK
from models.multitask.plan import TASKS

PROPERTIES = sorted({column_named(default(), task).property for task in TASKS})
TABLES = (MULTITASK, LEARNT_STRUCTURE)
LEARNERS = ("models.multitask", "models.balance", "models.stages", "models.sampling", *CODE)


class Effort(dg.Config):
    """How the study is made.

    budget: a name in `models/multitask/plan.py`; by default as the lake is, sample or real.  hours: after so many no
    run is begun, 0 for no end.  processes: 0 for one per core.
    """

    budget: Literal["", "sample", "real"] = ""
    hours: float = 0.0
    processes: int = 0


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            **shown_as(table, LEARNERS, kinds=("pytorch", "mlflow")),
            deps=["splits", "graphs", "property_matrix", *observed(*PROPERTIES)],
        )
        for table in TABLES
    ],
    check_specs=[contract(table) for table in TABLES],
    partitions_def=METHODS,
)
def comparing(
    context: dg.AssetExecutionContext, config: Effort, lake: dg.ResourceParam[Lake], tracker: dg.ResourceParam[Tracker]
) -> Iterator[dg.MaterializeResult]:
    """One way of sharing, and training alone beside it; what the ledger knows is not trained again."""
    from lake.snapshots import take
    from models.multitask.full import How
    from models.multitask.table import ground_of, write_multitask

    name, ground = context.partition_key, ground_of(lake, config.budget, take(lake))
    how = How(config.processes or None, config.hours or float("inf"), books(tracker), context.log.info)
    ended = write_multitask(ground, [name], how)
    yield described(lake, MULTITASK, name, left_out=ground.left_out, ended=ended, **_facts(lake, name))
    yield described(lake, LEARNT_STRUCTURE, name)


def books(tracker: Tracker) -> Any:
    """What writes a run of the study down: in an experiment of its own, since other studies may train one recipe."""
    return lambda run, graphs: tracker.log(run, study="multitask", graphs=graphs)


def _facts(lake: Lake, name: str) -> dict[str, Any]:
    from models.multitask.gains import ALL, gains

    told = [row for row in gains(lake).iter_rows(named=True) if row["method"] == name]
    mean = {f"mean gain of {name}": row["gain"] for row in told if row["property"] == ALL}
    return mean | {f"gain of {row['property']}": row["gain"] for row in told if row["property"] != ALL}
