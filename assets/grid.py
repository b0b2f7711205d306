"""The grid: which size of network suits which property? In no job but its own, since it takes hours."""

from typing import Any, Literal

import dagster as dg
import polars as pl

from assets.conventions import shown_as
from assets.described import contract, described
from assets.observations import observed
from assets.partitions import LEARNT
from assets.training import CODE, Tracker
from lake.store import Lake
from lake.tables import GRID
from models.study import BASELINES


class Spent(dg.Config):
    """How the grid is trained.

    mode: full trains all 40 sizes to their end, asha stops the worse two thirds at each rung.  budget: a name in
    `models/grid/sizes.py`; by default as the lake is, sample or real.  processes: 0 for one per core.
    """

    mode: Literal["full", "asha"] = "full"
    budget: Literal["", "sample", "real"] = ""
    processes: int = 0


@dg.asset(
    **shown_as(GRID, ("models.grid", *CODE), kinds=("pytorch", "optuna", "mlflow")),
    check_specs=[contract(GRID)],
    partitions_def=LEARNT,
    deps=["splits", "graphs", "property_matrix", *observed(*BASELINES)],
)
def grid(
    context: dg.AssetExecutionContext, config: Spent, lake: dg.ResourceParam[Lake], tracker: dg.ResourceParam[Tracker]
) -> dg.MaterializeResult:
    """40 sizes of one property, the best few from further seeds; what the ledger knows is not trained again."""
    from lake.figures.style import save
    from lake.snapshots import take
    from models.figures import grid as drawn
    from models.grid.full import How
    from models.grid.table import grounds_of, write_grid

    name, snapshot = context.partition_key, take(lake)
    how = How(config.processes or None, books(tracker, config.mode), context.log.info)
    write_grid(grounds_of(lake, [name], config.budget, snapshot), config.mode, how)
    picture = save(drawn(lake), lake.root / "reports" / "figures" / "grid.png")
    return described(lake, GRID, name, **_facts(lake, name), picture=dg.MetadataValue.url(picture.as_uri()))


def books(tracker: Tracker, mode: str) -> Any:
    """What writes a run of this mode down: an experiment for each, since both may train one recipe."""
    return lambda run, graphs: tracker.log(run, study="grid" if mode == "full" else f"grid_{mode}", graphs=graphs)


def _facts(lake: Lake, name: str) -> dict[str, Any]:
    from models.grid.results import summed_up

    told = summed_up(name, lake.scan(GRID).filter(pl.col("property") == name).collect())
    shown = ("best", "before", "error", "error_test", "unit", "runs", "hours", "words", "agreement")
    return {what: told[what] for what in shown}
