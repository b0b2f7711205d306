"""Partitions: the sources, six databases and the folder of own crystals. Their keys are slugs: the UI splits others."""

import dagster as dg

from lake.sources import EVERY

SOURCES = dg.StaticPartitionsDefinition(list(EVERY))
