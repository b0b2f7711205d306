"""Graphs: every crystal's neighbours, computed once and kept in shards that training maps into memory."""

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from lake.store import Lake
from lake.tables import GRAPHS

CODE = tuple(f"lake.graphs.{file}" for file in ("arrays", "build", "by_vesin", "nearest", "reduced", "shards"))


@dg.asset(
    **shown_as(GRAPHS, CODE, group="graphs", kinds=("deltalake", "numpy")),
    check_specs=[contract(GRAPHS)],
    deps=["entries"],
)
def graphs(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """The 12 nearest neighbours within 8 A of every atom; crystals that have a graph already are skipped."""
    from lake.graphs.shards import write_graphs

    return described(lake, GRAPHS, **write_graphs(lake))
