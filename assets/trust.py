"""Trust: how far the databases are apart, property by property, and on which materials most."""

from collections.abc import Iterator

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from assets.observations import observed
from lake.store import Lake
from lake.tables import DISAGREEMENT, WORST_DISAGREEMENTS

COMPARED = (DISAGREEMENT, WORST_DISAGREEMENTS)
CODE = ("lake.disagreement", "lake.entry_pages")
TWINS = dg.AssetCheckSpec(
    "twins_are_declared",
    asset=DISAGREEMENT.name,
    description="No two properties order their entries alike without being declared one quantity told twice.",
)


@dg.multi_asset(
    specs=[dg.AssetSpec(**shown_as(table, CODE), deps=["materials", *observed()]) for table in COMPARED],
    check_specs=[TWINS, *(contract(table) for table in COMPARED)],
)
def disagreements(lake: dg.ResourceParam[Lake]) -> Iterator[dg.MaterializeResult]:
    """Every pair of databases that give one property of one material, and the twenty worst materials of each pair."""
    from lake.disagreement import write_disagreement

    counts = write_disagreement(lake)
    yield described(lake, DISAGREEMENT, checks=(_twins(lake),), **counts)
    yield described(lake, WORST_DISAGREEMENTS, **counts)


def _twins(lake: Lake) -> dg.AssetCheckResult:
    from lake.families import families

    found = families(lake)
    suspected = found.filter(verdict="suspected").select("property_a", "property_b").rows()
    return dg.AssetCheckResult(
        check_name=TWINS.name,
        asset_key=TWINS.asset_key,
        passed=not suspected,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{a} and {b}" for a, b in suspected) or None,
        metadata={"declared": len(found) - len(suspected), "suspected": len(suspected)},
    )
