"""The registry of tables: `TABLES[name]`. Each is written once, in the file of its layer: columns, types, units, key.

The store, the checks, the Dagster UI, the SQL comments and the docs read it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lake.contract import Table
from lake.tables.bronze import CRAWLS, DIFFERENCES, LABELS, LISTINGS, PAGES, RECORDS, SNAPSHOTS
from lake.tables.gold import (
    COMPOSITIONS,
    DISAGREEMENT,
    GRAPHS,
    MATRIX_PROVENANCE,
    PROPERTY_MATRIX,
    SPLITS,
    WORST_DISAGREEMENTS,
)
from lake.tables.models import (
    CALIBRATION,
    CANDIDATES,
    ERRORS_BY_GROUP,
    FEATURES,
    GRID,
    GROUPS,
    LEADERBOARD,
    LEARNING_CURVES,
    LEARNT_STRUCTURE,
    MULTITASK,
    PREDICTIONS,
    RUNS,
    TRANSFER,
    TRANSFER_MAP,
)
from lake.tables.silver import ENTRIES, MATCHES, MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS, OBSERVATIONS, REJECTS

TABLES: Mapping[str, Table] = MappingProxyType({
    table.name: table
    for table in (
        CRAWLS, SNAPSHOTS, PAGES, LISTINGS, RECORDS, DIFFERENCES, LABELS, ENTRIES,
        REJECTS, MATCHES, MATERIALS, MATERIAL_IDS, MATERIAL_CHANGES, OBSERVATIONS,
        PROPERTY_MATRIX, MATRIX_PROVENANCE, COMPOSITIONS, DISAGREEMENT, WORST_DISAGREEMENTS, SPLITS, GRAPHS,
        RUNS, PREDICTIONS, CALIBRATION, TRANSFER, CANDIDATES, GRID,
        FEATURES, LEADERBOARD, LEARNING_CURVES, ERRORS_BY_GROUP,
        MULTITASK, LEARNT_STRUCTURE, TRANSFER_MAP, GROUPS,
    )
})  # fmt: skip
