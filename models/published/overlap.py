"""Overlap: which crystals of published sets stand among a lake's, and among each other's. No torch here.

Found by structure, since ids are missing or of another year: within a reduced formula two crystals are one where the
lake's own definition says so (`lake/structures/definition.py`), or where their structures are equal digit by digit.
Then whatever is one with the same crystal is one, too: of a chain of small differences both ends are held together,
which is stricter against leaks than the lake's materials are. Polymorphs of one formula stay apart.

An id that the publisher tells is believed as well, beside the structure: of a sheet it is that of the bulk crystal from
which the sheet was peeled, which is another structure, and tells of it all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from lake.crystal import Crystal
from lake.entries import crystal_of
from lake.store import Lake
from lake.structures.compare import Candidate, compare
from lake.tables import ENTRIES, MATERIALS
from models.pool import cores, spread
from models.published.chang2022 import ReadSet

CRYSTALS = {"entry_id": pl.String, "crystal": pl.String, "set": pl.String}
NAMED = {"entry_id": pl.String, "twin": pl.String, "set": pl.String}
PARTS = 16  # in which formulas are worked on, per process
Bucket = Sequence[tuple[str, str | None, Crystal]]  # entry_id, the lake's material that it is of, crystal


@dataclass(frozen=True, eq=False)
class Overlap:
    """Which entries are one crystal.

    frame: entry_id, crystal, set; a row per published entry, and per entry of the lake that is one with any of them.
        crystal: the same for entries that are one.  set: the published set's name, null for entries of the lake.
    named: entry_id, twin, set; a published entry, and an entry of the lake's material that has the id told for it.
    """

    frame: pl.DataFrame
    named: pl.DataFrame

    @classmethod
    def read(cls, folder: Path) -> Overlap:
        """What `write` wrote."""
        return cls(*(pl.read_parquet(folder / f"{part}.parquet") for part in ("crystals", "named")))

    def write(self, folder: Path) -> Overlap:
        """Keep it; it is data of others, so nowhere where it would be committed."""
        folder.mkdir(parents=True, exist_ok=True)
        self.named.write_parquet(folder / "named.parquet")
        unfinished = folder / "crystals.part"
        self.frame.write_parquet(unfinished)
        unfinished.replace(folder / "crystals.parquet")
        return self

    @cached_property
    def twins(self) -> pl.DataFrame:
        """entry_id, twin, set: each published entry beside each of the lake's that is one with it, or has its id."""
        ours = self.frame.filter(pl.col("set").is_null()).select("crystal", twin="entry_id")
        theirs = self.frame.filter(pl.col("set").is_not_null())
        alike = theirs.join(ours, on="crystal").select("entry_id", "twin", "set")
        return pl.concat([alike, self.named]).unique().sort("set", "entry_id", "twin")

    def crystals(self, entries: Iterable[str]) -> frozenset[str]:
        """What crystals these entries are."""
        return frozenset(self.frame.filter(pl.col("entry_id").is_in(list(entries)))["crystal"])

    def counts(self) -> pl.DataFrame:
        """Per set, of its entries: crystals, in_lake (by structure), by_id_only, in_other_sets."""
        theirs = self.frame.filter(pl.col("set").is_not_null())
        ours = self.frame.filter(pl.col("set").is_null())["crystal"].implode()
        sets = theirs.select("crystal", "set").unique().group_by("crystal").agg(sets=pl.len())
        alike = pl.col("crystal").is_in(ours)
        return theirs.join(sets, on="crystal").group_by("set").agg(
            pl.len().alias("entries"),
            pl.col("crystal").n_unique().alias("crystals"),
            alike.sum().alias("in_lake"),
            (~alike & pl.col("entry_id").is_in(self.named["entry_id"].implode())).sum().alias("by_id_only"),
            (pl.col("sets") > 1).sum().alias("in_other_sets"),
        ).sort("set")  # fmt: skip


def overlap(sets: Sequence[ReadSet], lake: Lake, processes: int | None = None) -> Overlap:
    """Compare every crystal of these sets with all of its formula, in the lake and in the sets."""
    formula, buckets, of_set = {}, defaultdict(list), {}
    for read in sets:
        for entry, crystal in zip(read.frame["entry_id"], read.crystals, strict=True):
            formula[entry], of_set[entry] = read.formulas[entry], read.name
            buckets[formula[entry]].append((entry, None, crystal))
    for entry, material, reduced, crystal in _of_lake(lake, set(buckets)):
        formula[entry] = reduced
        buckets[reduced].append((entry, material, crystal))
    processes = processes or cores()
    parts = [[] for _ in range(min(len(buckets), PARTS * processes))]
    for at, name in enumerate(sorted(buckets, key=lambda name: -len(buckets[name]))):
        parts[at % len(parts)].append(buckets[name])
    found = spread(_one_each, [(part,) for part in parts], "comparing crystals", processes)
    crystal = {entry: first for part in found for entry, first in part.items()}
    taught = {crystal[entry] for entry in of_set}
    rows = [(entry, one, of_set.get(entry)) for entry, one in sorted(crystal.items()) if one in taught]
    return Overlap(pl.DataFrame(rows, CRYSTALS, orient="row"), named(sets, lake))


def named(sets: Sequence[ReadSet], lake: Lake) -> pl.DataFrame:
    """entry_id, twin, set: what the publisher's ids say; entries of the lake's materials that hold these ids."""
    held = lake.scan(MATERIALS).select("material_id", twin="members").explode("twin").collect()
    ids = lake.scan(ENTRIES).select("source_id", twin="entry_id").collect()
    mates = ids.join(held, on="twin").drop("twin").join(held, on="material_id").select("source_id", "twin").unique()
    told = [read.frame.select("entry_id", source_id="material_id").with_columns(set=pl.lit(read.name)) for read in sets]
    return pl.concat(told).join(mates, on="source_id").select(list(NAMED)).unique().sort("entry_id", "twin")


def same(bucket: Bucket) -> dict[str, str]:
    """entry_id -> the first entry that it is one with, of crystals of one formula; their order plays no part.

    Entries of one material are one. Those of a material are not compared: the lake has done so.
    """
    bucket = sorted(bucket, key=lambda row: row[0])
    first = {entry: entry for entry, _, _ in bucket}
    known: dict[str, str] = {}
    candidates: dict[str, tuple[str, bool, Candidate]] = {}
    for entry, material, crystal in bucket:
        for name in filter(None, (crystal.structure_hash, material and f"material {material}")):
            _join(first, known.setdefault(name, entry), entry)
        candidate = Candidate(entry, "", crystal.reduced_formula, crystal)
        candidates.setdefault(crystal.structure_hash, (entry, material is not None, candidate))
    distinct = list(candidates.values())
    for at, (entry, ours, candidate) in enumerate(distinct):
        for other, theirs, opposite in distinct[at + 1 :]:
            if (ours and theirs) or _root(first, entry) == _root(first, other):
                continue
            if _are_one(candidate, opposite):
                _join(first, entry, other)
    return {entry: _root(first, entry) for entry in first}


def _of_lake(lake: Lake, formulas: set[str]) -> Iterable[tuple[str, str, str, Crystal]]:
    members = lake.scan(MATERIALS).select("material_id", entry_id="members").explode("entry_id")
    wanted = (pl.col("kind") == "bulk") & pl.col("reduced_formula").is_in(list(formulas))
    rows = lake.scan(ENTRIES).filter(wanted).join(members, on="entry_id", how="left").collect()
    for row in rows.iter_rows(named=True):
        yield row["entry_id"], row["material_id"] or row["entry_id"], row["reduced_formula"], crystal_of(row)


def _one_each(buckets: Sequence[Bucket]) -> dict[str, str]:
    return {entry: one for bucket in buckets for entry, one in same(bucket).items()}


def _are_one(one: Candidate, other: Candidate) -> bool:
    try:
        return bool(compare(one, other)["same"])
    except (ValueError, np.linalg.LinAlgError):  # what cannot be compared is as much alike as the lake would say: not
        return False


def _root(first: Mapping[str, str], entry: str) -> str:
    while first[entry] != entry:
        entry = first[entry]
    return entry


def _join(first: dict[str, str], one: str, other: str) -> None:
    """The smaller name stands for both."""
    low, high = sorted((_root(first, one), _root(first, other)))
    first[high] = low
