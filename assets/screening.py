"""Screening: known matter, ranked by the question that started the lake. Is there a cheap material like diamond?"""

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from lake.store import Lake
from lake.tables import CANDIDATES


@dg.asset(
    **shown_as(CANDIDATES, ("models.screen", "models.results"), group="analysis"),
    check_specs=[contract(CANDIDATES)],
    deps=["property_matrix", "materials", "compositions", "predictions", "baselines", "joint_model"],
)
def candidates(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Insulators by thermal conductivity, every value marked measured, computed or predicted; with cost and supply."""
    from models.screen import candidates

    found = candidates(lake)
    lake.replace(CANDIDATES, found)
    return described(lake, CANDIDATES, first=", ".join(found["reduced_formula"].head(5)))
