"""Partitions: sources, shards, properties of the grid, ways of sharing, studies of transfer.

Their keys are slugs: the UI splits others.

The sources are six databases and the folder of own crystals. A shard is all formulas that a hash brings together, so
that identity, which never looks beyond a formula, can be shared out.
"""

import dagster as dg

from lake.shards import ALL
from lake.sources import EVERY
from models.sharing import SHARINGS
from models.study import BASELINES
from models.transfer_map.plan import STUDIES as MAPS

SOURCES = dg.StaticPartitionsDefinition(list(EVERY))
SHARDS = dg.StaticPartitionsDefinition(list(ALL))
METHODS = dg.StaticPartitionsDefinition(list(SHARINGS))
STUDIES = dg.StaticPartitionsDefinition(list(MAPS))
LEARNT = dg.StaticPartitionsDefinition(list(BASELINES))
# How Dagster is told of several partitions of one run, in the run's tags: first and last.
EVERY_SHARD = {"dagster/asset_partition_range_start": ALL[0], "dagster/asset_partition_range_end": ALL[-1]}
