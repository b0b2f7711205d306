"""Telling: one crystal as one database tells it. Sample and real files both become tellings; the mirror serves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lake.crystal import Crystal


@dataclass(frozen=True)
class Telling:
    """One database's account of one crystal.

    source: slug of the database (`mp`, `aflow`, `ocp`, `cod`, `pcod`, `oqmd`).
    source_id: its id there, as that database writes ids.
    crystal: in the cell, origin, site order and relaxation of that database.
    values: property name of `lake/properties/catalog/` -> value in the catalog's unit.
        The mirror turns them into the database's own names and units.
    level_of_theory: `PBE`, `PBE+U`, `LDA`, `RPBE`, `experiment`, `GRINSP model`.
    truth: the sample's own name of the crystal (`diamond C`), which no database tells;
        None where nobody knows (real files).
    facts: what else this database tells (space group symbol, adsorbate, mineral name ...).
    verbatim: a recorded payload that is served as it is (CIF text, extxyz text), else None.
    derives: whether the mirror may fill a document with what follows from crystal and values (Young's modulus of the
        other two), as it does for the sample. Of a real file no: what the file does not tell is not told.
    """

    source: str
    source_id: str
    crystal: Crystal | None
    values: Mapping[str, float] = field(default_factory=dict)
    level_of_theory: str = ""
    truth: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    verbatim: str | None = None
    derives: bool = True
