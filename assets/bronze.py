"""Bronze: what came from outside. The crawls of six databases with their ledger, and the user's own labels."""

from collections.abc import Iterator

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from assets.partitions import SOURCES
from lake.settings import Settings
from lake.store import Lake
from lake.tables import CRAWLS, LABELS, PAGES, RECORDS

CRAWLED = (RECORDS, PAGES, CRAWLS)
CODE = ("lake.crawl", "lake.ledger", "lake.sources.http", "lake.sources.page")
CLOSED = dg.AssetCheckSpec(
    "crawl_is_closed", asset="crawls", description="Every unit of the crawl was fetched; if not, crawl again to go on."
)


@dg.multi_asset(
    specs=[dg.AssetSpec(**shown_as(table, CODE)) for table in CRAWLED],
    check_specs=[CLOSED, *(contract(table) for table in CRAWLED)],
    partitions_def=SOURCES,
)
def crawl_source(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult]:
    """Crawl one source. What it gave before it failed is kept and used; the check says that more is to come."""
    from lake.crawl import crawl
    from lake.sources import source_named

    report = crawl(lake, source_named(context.partition_key, settings))
    closed = dg.AssetCheckResult(
        check_name=CLOSED.name, passed=report.state != "open", description=report.error, asset_key=CLOSED.asset_key
    )
    for table in CRAWLED:
        checks = (closed,) if table is CRAWLS else ()
        yield described(lake, table, context.partition_key, checks=checks, **vars(report))


@dg.asset(**shown_as(LABELS, ("lake.labels",)), check_specs=[contract(LABELS)])
def labels(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Own values from the CSV files in the lake's folder `labels/`."""
    from lake.labels import import_labels

    return described(lake, LABELS, imported=import_labels(lake))
