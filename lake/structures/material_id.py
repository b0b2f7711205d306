"""Material ids: what a material is called, what it was called before, and how an old id finds it.

Every entry has an id of its own, a hash of its entry id. A material shows the id of its representative, and answers to
the ids of all its members.

Why not an id that sticks to its material once it is given? Let A and C be the same crystal, and C and B, but not A and
B: a material of two keeps the id of whichever came first, so if no order of arrival may change it, A alone and C alone
have one id, and C alone and B alone, and the strangers A and B would share it. Sticking and independence of order
exclude each other; so the id that is shown may change as entries come, and every member's id is an answer for ever.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

import polars as pl

from lake.store import Lake
from lake.tables import MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS


def material_id(entry_id: str) -> str:
    """The id that this entry gives to the material that it represents: `m-` and 16 hex digits."""
    return "m-" + hashlib.blake2b(entry_id.encode(), digest_size=8).hexdigest()


def find_material(lake: Lake, name: str) -> str | None:
    """The id of the material that this name finds today, None where it finds none.

    name: an entry's id (`mp:mp-149`), or any id that a material has or had, or that one of its members could give.
    """
    entry_id = name if ":" in name else _giver(lake, name)
    if entry_id is None:
        return None
    holding = lake.scan(MATERIALS).filter(pl.col("members").list.contains(entry_id))
    found = holding.select("material_id").collect()["material_id"]
    return found[0] if len(found) else None


def _giver(lake: Lake, name: str) -> str | None:
    """The entry that gives this id."""
    given = lake.scan(MATERIAL_IDS).filter(pl.col("material_id") == name).select("entry_id").collect()["entry_id"]
    if len(given):
        return given[0]
    # no material was ever called so, but one may have a member that would have called it so
    members = lake.scan(MATERIALS).select(pl.col("members").explode()).collect()["members"]
    return next((entry_id for entry_id in members if material_id(entry_id) == name), None)


def given_ids(before: pl.DataFrame, materials: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Rows of MATERIAL_IDS: those before, brought up to date, and the ids that are shown for the first time.

    materials: all of the shards concerned, now. A row belongs to the shard whose formulas its entry has today; an entry
    that is gone leaves its row where it was.
    """
    holder = materials.select("material_id", "shard", entry_id="members").explode("entry_id")
    shown = materials.select("material_id", "shard", entry_id="representative", first_given=pl.lit(at))
    ids = pl.concat([
        before.select("material_id", "entry_id", "shard", "first_given"),
        shown.join(before, on="material_id", how="anti").select("material_id", "entry_id", "shard", "first_given"),
    ])  # fmt: skip
    current = ids.join(holder.rename({"material_id": "current", "shard": "now"}), on="entry_id", how="left")
    return MATERIAL_IDS.checked(
        current.with_columns(shard=pl.coalesce("now", "shard")).select(MATERIAL_IDS.schema.names()).sort("material_id")
    )


def changes(before: pl.DataFrame, after: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Rows of MATERIAL_CHANGES: what became of the materials before.

    before, after: rows of MATERIALS, all of some formulas. Old and new materials that share entries, directly or
    through others, belong together; where such a group has the ids that it had, nothing happened, and a material whose
    entries are all new is no change. Formulas are told one by one: an entry whose formula changes is gone from the old.
    """
    formulas = dict(before.select("reduced_formula", "shard").iter_rows())
    old, new = _members(before), _members(after)
    rows = []
    for formula, shard in sorted(formulas.items()):
        for old_ids, new_ids in _groups(old[formula], new[formula]):
            if old_ids and old_ids != new_ids:
                rows.append({
                    "at": at, "reduced_formula": formula, "shard": shard,
                    "change": _change(len(old_ids), len(new_ids)), "old_ids": old_ids, "new_ids": new_ids,
                })  # fmt: skip
    return MATERIAL_CHANGES.frame(rows)


Clusters = dict[str, list[str]]  # material id -> its entries


def _members(materials: pl.DataFrame) -> dict[str, Clusters]:
    """Formula -> its clusters."""
    held: dict[str, Clusters] = defaultdict(dict)
    for formula, name, members in materials.select("reduced_formula", "material_id", "members").iter_rows():
        held[formula][name] = members
    return held


def _groups(old: Clusters, new: Clusters) -> Iterator[tuple[list[str], list[str]]]:
    """Ids before and ids now, sorted, of each group of materials that share entries."""
    holder = {entry: name for name, members in new.items() for entry in members}
    holder_before = {entry: name for name, members in old.items() for entry in members}
    waiting = set(old)
    for first in sorted(old):
        if first not in waiting:
            continue
        old_ids, new_ids, reached = set(), set(), {first}
        while reached:  # there and back along shared entries, until nobody new is reached
            old_ids |= reached
            found = _holders(holder, (entry for name in reached for entry in old[name])) - new_ids
            new_ids |= found
            reached = _holders(holder_before, (entry for name in found for entry in new[name])) - old_ids
        waiting -= old_ids
        yield sorted(old_ids), sorted(new_ids)


def _holders(holder: dict[str, str], entries: Iterable[str]) -> set[str]:
    return {holder[entry] for entry in entries if entry in holder}


def _change(before: int, after: int) -> str:
    if after == 0:
        return "gone"
    if before == 1:
        return "renamed" if after == 1 else "split"
    return "merged" if after == 1 else "regrouped"
