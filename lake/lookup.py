"""Look-up: what an id names today. Entries by their ids, materials by any id they were ever given."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from lake.store import Lake
from lake.structures.bucket import bucket_of, crystal_to_compare
from lake.structures.compare import Candidate
from lake.structures.definition import RULE
from lake.structures.material_id import find_material
from lake.tables import ENTRIES, MATCHES, MATERIAL_IDS, MATERIALS


class UnknownId(LookupError):
    """An id that names nothing in the lake; the message says what ids look like, or what became of it."""


@dataclass(frozen=True)
class Named:
    """What an id names: an entry, ready to be compared, and the material that holds it.

    material: a row of MATERIALS, None for an entry that no clustering has seen: a slab, or a crawl that was not built.
    """

    candidate: Candidate
    material: dict[str, object] | None


def named(lake: Lake, name: str) -> Named:
    """The entry of that id, or the representative of the material that is, was or could be called so.

    A disordered entry is told by its stand-in, and its formula with its labels. Raises UnknownId.
    """
    material = _material(lake, pl.col("material_id") == name)
    if material is None and (entry := _entry(lake, name)):
        return Named(entry, _material(lake, pl.col("members").list.contains(name)))
    if material is None:
        material = _material(lake, pl.col("material_id") == _current(lake, name))
    if material is None:
        raise UnknownId(f"the lake's tables speak of {name}, but hold no such material: build it anew")
    entry = _entry(lake, material["representative"])
    if entry is None:
        raise UnknownId(f"{name} is represented by {material['representative']}, which no crawl tells any more: build")
    return Named(entry, material)


def recorded(lake: Lake, one: Candidate, other: Candidate) -> dict[str, object] | None:
    """The lake's own decision on two entries: a row of MATCHES, whichever of them it calls a.

    None where they were never compared, or as other structures, or by another version of the definition.
    """
    ids = [one.entry_id, other.entry_id]
    found = lake.scan(MATCHES).filter(
        pl.col("entry_a").is_in(ids), pl.col("entry_b").is_in(ids), pl.col("rule") == RULE
    )
    structures = {it.entry_id: it.crystal.structure_hash for it in (one, other)}
    for row in found.collect().iter_rows(named=True):
        if all(row[f"structure_{side}"] == structures[row[f"entry_{side}"]] for side in "ab"):
            return row
    return None


def _current(lake: Lake, name: str) -> str:
    """Id of the material that an id of old, or one that a member could give, finds today."""
    if name.startswith("m-") and (found := find_material(lake, name)):
        return found
    given = _row(lake.scan(MATERIAL_IDS).filter(pl.col("material_id") == name))
    if given is None:
        raise UnknownId(
            f"{name} is no id of this lake and no file: an entry is written mp:mp-149, a material m- and 16 digits"
        )
    raise UnknownId(f"{name} was a material of {given['entry_id']}, which no crawl tells any more")


def _material(lake: Lake, where: pl.Expr) -> dict[str, object] | None:
    return _row(lake.scan(MATERIALS).filter(where))


def _entry(lake: Lake, entry_id: str) -> Candidate | None:
    row = _row(lake.scan(ENTRIES).filter(pl.col("entry_id") == entry_id))
    if row is None:
        return None
    return Candidate(entry_id, row["source"], bucket_of(row), crystal_to_compare(row))


def _row(found: pl.LazyFrame) -> dict[str, object] | None:
    return next(found.head(1).collect().iter_rows(named=True), None)
