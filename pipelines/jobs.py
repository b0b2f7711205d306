"""Jobs: what is started together. A crawl per source, everything after it, the learning alone, one column anew.

The grid, the study of ways of sharing and the transfer map are in no other jobs than their own: they take hours, and
they have partitions that no other asset has.
"""

import dagster as dg

from assets.observations import observed
from assets.partitions import EVERY_SHARD, LEARNT, METHODS, SOURCES, STUDIES

CRAWLED = dg.AssetSelection.assets("records", "pages", "listings", "crawls", "differences", "entries")
SIZED = dg.AssetSelection.assets("grid")
SHARED = dg.AssetSelection.assets("multitask", "learnt_structure")
MAPPED = dg.AssetSelection.assets("transfer_map", "groups")
LEARNING = dg.AssetSelection.groups("models", "analysis", "reports") - SIZED - SHARED - MAPPED
COLUMNS = dg.AssetSelection.assets(*observed(), "property_matrix", "matrix_provenance", "lake_duckdb", "snapshots")

crawl = dg.define_asset_job(
    "crawl",
    CRAWLED,
    partitions_def=SOURCES,
    description="Crawl one source and read its records as entries. One run per source: a failure stays alone.",
)
build = dg.define_asset_job(
    "build",
    dg.AssetSelection.all() - CRAWLED - SIZED - SHARED - MAPPED,
    run_tags=EVERY_SHARD,
    description="Everything after the crawls: materials, observations, matrix, graphs, models, screening, report.",
)
train = dg.define_asset_job(
    "train",
    LEARNING | dg.AssetSelection.assets("lake_duckdb", "snapshots"),
    description="Baselines, joint model, gains, candidates and report, from the observations as they are.",
)
backfill_property = dg.define_asset_job(
    "backfill_property",
    COLUMNS,
    description="Columns of the matrix anew from kept records, without a crawl. For one property, select its asset.",
)
sizes = dg.define_asset_job(
    "sizes",  # an asset and a job cannot share a name
    SIZED,
    partitions_def=LEARNT,
    description="Forty sizes of network of one property. Hours; what is finished is never trained again.",
)
ways = dg.define_asset_job(
    "ways",
    SHARED,
    partitions_def=METHODS,
    description="One way of sharing against training alone at equal budget. Hours; finished runs are kept.",
)
map_transfer = dg.define_asset_job(
    "map_transfer",
    MAPPED,
    partitions_def=STUDIES,
    description="Which property helps which, tested on fresh seeds and crystals. Hours; finished runs are kept.",
)

JOBS = [crawl, build, train, backfill_property, sizes, ways, map_transfer]
