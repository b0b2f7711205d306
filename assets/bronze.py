"""Bronze: what came from outside. The crawls of six databases with their ledger, and the user's own labels."""

from collections.abc import Iterator

import dagster as dg

from assets.conventions import described, shown_as
from assets.partitions import SOURCES
from lake.settings import Settings
from lake.store import Lake
from lake.tables import CRAWLS, LABELS, PAGES, RECORDS

CRAWLED = (RECORDS, PAGES, CRAWLS)
CODE = ("lake.crawl", "lake.sources.http", "lake.sources.page")


@dg.multi_asset(specs=[dg.AssetSpec(**shown_as(table, CODE)) for table in CRAWLED], partitions_def=SOURCES)
def crawl(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult]:
    """Crawl one source. A source that is down fails its own partition; what it gave before is kept, and others go on."""
    from lake.crawl import crawl
    from lake.sources import source_named

    report = crawl(lake, source_named(context.partition_key, settings))
    for table in CRAWLED:
        yield described(
            lake,
            table,
            partition=context.partition_key,
            crawl=report.crawl,
            units=report.units,
            units_skipped=report.units_skipped,
            records_seen=report.records_seen,
            records_new=report.records_new,
        )


@dg.asset(**shown_as(LABELS, ("lake.labels",)))
def labels(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Own values from the CSV files in the lake's folder `labels/`."""
    from lake.labels import import_labels

    return described(lake, LABELS, imported=import_labels(lake))
