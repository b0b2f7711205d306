"""Gold: what people open. The wide sparse matrix, and where each of its cells comes from."""

from collections.abc import Iterator

import dagster as dg

from assets.automation import FOLLOWS
from assets.conventions import shown_as
from assets.described import contract, described
from assets.observations import observed
from lake.store import Lake
from lake.tables import MATRIX_PROVENANCE, PROPERTY_MATRIX

WIDE = (PROPERTY_MATRIX, MATRIX_PROVENANCE)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(**shown_as(table, ("lake.matrix",)), deps=["materials", *observed()], automation_condition=FOLLOWS)
        for table in WIDE
    ],
    check_specs=[contract(table) for table in WIDE],
)
def matrix(lake: dg.ResourceParam[Lake]) -> Iterator[dg.MaterializeResult]:
    """Choose one observation per material and property by the written rule, and write the whole matrix anew."""
    from lake.matrix import write_matrix

    counts = write_matrix(lake)
    for table in WIDE:
        yield described(lake, table, **counts)
