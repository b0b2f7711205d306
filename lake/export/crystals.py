"""The crystal in a row that is exported: in its own columns, or in those of the entry that stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lake.crystal import Crystal
from lake.disordered import DisorderedCrystal
from lake.entries import DISORDERED, crystal_of, disordered_crystal_of

BESIDE = "crystal_"  # begins the names of the columns that were joined


def crystal_in(row: Mapping[str, Any]) -> Crystal | DisorderedCrystal:
    """The crystal of a row of `Selection.crystals`."""
    told = {name.removeprefix(BESIDE): row[name] for name in row if name.startswith(BESIDE)} or row
    return disordered_crystal_of(told) if told["kind"] == DISORDERED else crystal_of(told)
