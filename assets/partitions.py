"""Partitions: sources and shards. Their keys are slugs: the UI splits others.

The sources are six databases and the folder of own crystals. A shard is all formulas that a hash brings together, so
that identity, which never looks beyond a formula, can be shared out.
"""

import dagster as dg

from lake.shards import ALL
from lake.sources import EVERY

SOURCES = dg.StaticPartitionsDefinition(list(EVERY))
SHARDS = dg.StaticPartitionsDefinition(list(ALL))
