"""Bronze: what came from outside. The crawls of all sources with their ledger, and the user's own labels."""

from collections.abc import Iterator

import dagster as dg

from assets.conventions import shown_as
from assets.described import contract, described
from assets.partitions import SOURCES
from lake.settings import Settings
from lake.store import Lake
from lake.tables import CRAWLS, DIFFERENCES, LABELS, LISTINGS, PAGES, RECORDS

CRAWLED = (RECORDS, PAGES, LISTINGS, CRAWLS, DIFFERENCES)
CODE = ("lake.crawl", "lake.wire", "lake.sources.page", "lake.sources.scope")
CLOSED = dg.AssetCheckSpec(
    "crawl_is_closed", asset="crawls", description="Every unit of the crawl was fetched; if not, crawl again to go on."
)
PUBLISHED = dg.AssetCheckSpec(
    "crawl_is_published",
    asset="differences",
    description="No count fell and no mean jumped; if one did, what stood before stands until somebody accepts it.",
)


class Asked(dg.Config):
    """What a run asks of a source; without a word, all of it.

    elements: `Mg,O`. chemsys: `Mg-O`. limit: records at most. column: one field or route, for the known records.
    anew: although the source says that nothing changed. accept: publish the crawl that is held, and crawl nothing.
    """

    elements: str = ""
    chemsys: str = ""
    limit: int = 0
    column: str = ""
    anew: bool = False
    accept: bool = False


@dg.multi_asset(
    specs=[dg.AssetSpec(**shown_as(table, CODE)) for table in CRAWLED],
    check_specs=[CLOSED, PUBLISHED, *(contract(table) for table in CRAWLED)],
    partitions_def=SOURCES,
)
def crawl_source(
    context: dg.AssetExecutionContext,
    config: Asked,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Crawl one source. What it gave before it failed is kept and used; the checks say whether more is to come."""
    from lake.crawl import crawl
    from lake.crawl.publication import accept
    from lake.sources import source_named
    from lake.sources.scope import Scope

    source = context.partition_key
    if config.accept:
        facts = {"source": source, "crawl": accept(lake, source).id, "state": "published"}
    else:
        scope = Scope.of(config.elements, config.chemsys, config.limit, config.column)
        facts = vars(crawl(lake, source_named(source, settings), scope, config.anew, context.log.info))
    closed = dg.AssetCheckResult(
        check_name=CLOSED.name,
        passed=facts["state"] != "open",
        description=facts.get("error"),
        asset_key=CLOSED.asset_key,
    )
    published = dg.AssetCheckResult(
        check_name=PUBLISHED.name,
        passed=not facts.get("held"),
        description=_how_to_accept(source, facts["held"]) if facts.get("held") else None,
        asset_key=PUBLISHED.asset_key,
    )
    checks = {CRAWLS: (closed,), DIFFERENCES: (published,)}
    for table in CRAWLED:
        yield described(lake, table, source, checks=checks.get(table, ()), **facts)


def _how_to_accept(source: str, why: str) -> str:
    return (
        f"{why}. Look at the table `differences`; if the source is right, `crystal-lake accept {source}` publishes it"
    )


@dg.asset(**shown_as(LABELS, ("lake.labels",)), check_specs=[contract(LABELS)])
def labels(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Own values from the CSV files in the lake's folder `labels/`, which `crystal-lake add` writes."""
    from lake.labels import import_labels

    return described(lake, LABELS, imported=import_labels(lake))
