"""Graphs: every crystal's neighbours, computed once and kept in shards that training maps into memory."""

import dagster as dg

from assets.conventions import described, shown_as
from lake.store import Lake
from lake.tables import GRAPHS


@dg.asset(
    **shown_as(GRAPHS, ("lake.graphs.build", "lake.graphs.shards"), group="graphs", kinds=frozenset({"numpy", "numba"})),
    deps=["entries"],
)
def graphs(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """The 12 nearest neighbours within 8 A of every atom; crystals that have a graph already are skipped."""
    from lake.graphs.shards import write_graphs

    return described(lake, GRAPHS, **write_graphs(lake))
