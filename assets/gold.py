"""Gold: what people open. The wide sparse matrix, and where each of its cells comes from."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from assets.automation import FOLLOWS
from assets.conventions import shown_as
from assets.described import contract, described
from assets.observations import observed
from lake.policies import written
from lake.store import Lake
from lake.tables import MATRIX_PROVENANCE, PROPERTY_MATRIX

WIDE = (PROPERTY_MATRIX, MATRIX_PROVENANCE)
CODE = ("lake.matrix", "lake.policies")


def matrix(root: str | Path) -> dg.AssetsDefinition:
    """Both tables in one step. Of a lake, because its own policies are part of what decides what comes out."""
    code = {"code": CODE, "also": written(root)}

    @dg.multi_asset(
        name="matrix",
        specs=[
            dg.AssetSpec(**shown_as(table, **code), deps=["materials", *observed()], automation_condition=FOLLOWS)
            for table in WIDE
        ],
        check_specs=[contract(table) for table in WIDE],
    )
    def matrix(lake: dg.ResourceParam[Lake]) -> Iterator[dg.MaterializeResult]:
        """Choose one observation per cell by every policy, and write both tables anew."""
        from lake.matrix import write_matrix

        filled = write_matrix(lake)
        facts = {f"{what} {name}": count for name, one in filled.items() for what, count in vars(one).items()}
        for table in WIDE:
            yield described(lake, table, **facts)

    return matrix
