"""Buckets: the entries that may be the same crystal at all, and the crystal by which a row is compared in its bucket.

What belongs here: what is asked before any comparison. Ordered crystals of one reduced formula share a bucket.
Disordered ones share one where they have the same labels in the same proportions, and never with ordered ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lake.crystal import Crystal
from lake.entries import DISORDERED, crystal_of, disordered_crystal_of

KINDS = ("bulk", DISORDERED)  # of the entries that are compared; a slab is no crystal that another database tells
ROW = ("entry_id", "source", "kind", "reduced_formula", "lattice", "positions", "numbers", "species")  # what is read


def bucket_of(row: Mapping[str, Any]) -> str:
    """The bucket of a row of `entries`: its formula, and of a disordered crystal its labels, `MgO | Mg0.9Fe0.1 1, O 1`.

    Labels of other elements or other occupancies (0.5 and 0.6) are other buckets, whatever the geometry.
    """
    if row["kind"] != DISORDERED:
        return row["reduced_formula"]
    proportions = disordered_crystal_of(row).proportions
    return f"{row['reduced_formula']} | " + ", ".join(f"{label} {n}" for label, n in proportions.items())


def crystal_to_compare(row: Mapping[str, Any]) -> Crystal:
    """The crystal of a row, of a disordered one its ordered stand-in, whose numbers mean the same inside its bucket."""
    return crystal_of(row) if row["kind"] != DISORDERED else disordered_crystal_of(row).coded()
