"""Checks per property beyond its range: flagged share, units, the version before, and what other sources say.

One step looks at all properties that a run made: Dagster writes every event of a step down, and 60 steps of their own
would take longer than the looking. A check warns and never fails a run: the values stay, and somebody looks.
"""

from collections.abc import Iterator

import dagster as dg

from assets.observations import observed
from lake.store import Lake

NAME = "values_look_right"
ABOUT = (
    "Few values are flagged, units are those of the other sources, nothing jumped since the version before, "
    "and other sources agree as well as is usual."
)


@dg.multi_asset_check(
    specs=[dg.AssetCheckSpec(NAME, asset=key, additional_deps=["materials"], description=ABOUT) for key in observed()],
    can_subset=True,
)
def property_checks(
    context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
) -> Iterator[dg.AssetCheckResult]:
    """The statistics are lake/sanity.py's; here they become a warning with all numbers beside it."""
    from lake.disagreement import members_of
    from lake.sanity import look

    members = members_of(lake)
    for key in sorted(key.asset_key for key in context.selected_asset_check_keys):
        found = look(lake, key.path[-1], members)
        yield dg.AssetCheckResult(
            check_name=NAME,
            asset_key=key,
            passed=not found.findings,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(found.findings) or None,
            metadata=found.numbers,
        )
