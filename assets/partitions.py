"""Partitions: the six sources. Their keys are slugs, because the UI splits other characters."""

import dagster as dg

from lake.sources import NAMES

SOURCES = dg.StaticPartitionsDefinition(list(NAMES))
