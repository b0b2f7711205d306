"""Transfer map: which property helps which, and which to train together. Hours, so it is in no job but its own."""

from collections.abc import Iterator

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from assets.observations import observed
from assets.partitions import STUDIES
from assets.versions import code_version
from lake.store import Lake
from lake.tables import GROUPS, TRANSFER_MAP

TABLES = (TRANSFER_MAP, GROUPS)
LEARNERS = ("models.transfer_map", "models.dataset", "models.encoders.cgcnn", "models.heads")


class Time(dg.Config):
    """How long a study may take.

    hours: after so many no run is begun, 0 for no end.  processes: 0 for one per core.
    """

    hours: float = 0.0
    processes: int = 0


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            **shown_as(table, LEARNERS, kinds=("pytorch", "polars")),
            deps=["splits", "graphs", "property_matrix", *observed()],
        )
        for table in TABLES
    ],
    check_specs=[contract(table) for table in TABLES],
    partitions_def=STUDIES,
)
def mapping(
    context: dg.AssetExecutionContext, config: Time, lake: dg.ResourceParam[Lake]
) -> Iterator[dg.MaterializeResult]:
    """One study of the lake's columns; what the ledger knows is not trained again."""
    from lake.snapshots import take
    from models.transfer_map.map import How
    from models.transfer_map.statistics.confirmation import rate
    from models.transfer_map.table import lake_study, write_map

    name = context.partition_key
    study = lake_study(lake, name, snapshot=take(lake))
    how = How(config.processes or None, config.hours or float("inf"), context.log.info)
    ended = write_map(lake, study, how, code_version(*LEARNERS))
    tried = study.confirmations()
    facts = {"ended": ended, "claims": len(study.claims()), "tried": len(tried), "told": rate(tried).words}
    yield described(lake, TRANSFER_MAP, name, **facts)
    yield described(lake, GROUPS, name)
