"""From entries to materials: buckets of what may be the same, clusters inside a bucket, every decision kept.

What belongs here: the order of comparisons and the clusters they make. The decision on a pair is `compare.py`.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor

import polars as pl

from lake.crystal import CrystalError
from lake.progress import track
from lake.shards import shard_of
from lake.structures.bucket import KINDS, ROW, bucket_of, crystal_to_compare
from lake.structures.canonical import canonical
from lake.structures.compare import Candidate, compare, distance
from lake.tables import MATCHES, MATERIALS

# Who represents a crystal that several databases tell: the one whose structures are relaxed and checked best, first.
PREFERENCE = ("mp", "aflow", "oqmd", "cod", "pcod")
ALONE_BELOW = 5_000  # entries; below, starting processes costs more than it saves
SHARDS = 64

Rows = list[dict[str, object]]


def find_materials(entries: pl.DataFrame, processes: int | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cluster ordered and disordered entries, apart, into materials; returns frames of MATERIALS and MATCHES.

    entries: rows of ENTRIES in any order, which the result does not depend on; slabs are left out.
    processes: how many share the work; by default one per core where there is enough to do.
    Every bulk or disordered entry is in exactly one material: what cannot be compared stays a material of its own.
    """
    bulk = entries.filter(pl.col("kind").is_in(KINDS)).sort("entry_id")
    if processes is None:
        processes = len(os.sched_getaffinity(0)) if len(bulk) >= ALONE_BELOW else 1
    materials: Rows = []
    matches: Rows = []
    for some_materials, some_matches in _over_shards(bulk, processes):
        materials += some_materials
        matches += some_matches
    return (
        MATERIALS.frame(materials).sort("material_id"),
        MATCHES.frame(matches).sort("reduced_formula", "entry_a", "entry_b"),
    )


def material_id(representative: str) -> str:
    """Id of the material an entry represents: a hash of the entry's id.

    Stable as long as the representative is; a preferred source that joins later changes it. Ids that outlive
    that, with old ones still finding their material, belong to a later step.
    """
    return "m-" + hashlib.blake2b(representative.encode(), digest_size=8).hexdigest()


def _over_shards(bulk: pl.DataFrame, processes: int) -> Iterator[tuple[Rows, Rows]]:
    if processes == 1:
        yield _shard(bulk)
        return
    # spawned, not forked: polars and numba have threads, and a fork of those may hang
    shards = bulk.select(ROW).with_columns(shard=pl.col("reduced_formula").hash() % SHARDS).partition_by("shard")
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from track(pool.map(_shard, shards), "comparing crystals", total=len(shards))


def _shard(entries: pl.DataFrame) -> tuple[Rows, Rows]:
    """All materials and decisions of some formulas."""
    materials: Rows = []
    matches: Rows = []
    for kind, candidates in _buckets(entries.select(ROW).iter_rows(named=True)):
        clusters, decisions = _clusters(candidates)
        materials += [_material(cluster, kind) for cluster in clusters]
        matches += decisions
    return materials, matches


def _buckets(rows: Iterable[Mapping[str, object]]) -> Iterator[tuple[str, list[Candidate]]]:
    """Kind and entries of one bucket, preferred sources first, then by id."""
    buckets: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for row in rows:
        crystal = crystal_to_compare(row)
        candidate = Candidate(row["entry_id"], row["source"], row["reduced_formula"], crystal)
        buckets[row["kind"], bucket_of(row)].append(candidate)
    for (kind, _), bucket in buckets.items():
        yield kind, sorted(bucket, key=lambda entry: (_rank(entry.source), entry.entry_id))


def _rank(source: str) -> int:
    return PREFERENCE.index(source) if source in PREFERENCE else len(PREFERENCE)


def _clusters(bucket: list[Candidate]) -> tuple[list[list[Candidate]], Rows]:
    """Each entry joins the nearest representative it equals, or represents itself.

    Comparing with representatives alone keeps a chain of near neighbours from joining strangers.
    """
    clusters: list[list[Candidate]] = []
    decisions: Rows = []
    for entry in bucket:
        for cluster in sorted(clusters, key=lambda cluster: distance(cluster[0], entry)):
            decisions.append(compare(cluster[0], entry))
            if decisions[-1]["same"]:
                cluster.append(entry)
                break
        else:
            clusters.append([entry])
    return clusters, decisions


def _material(cluster: list[Candidate], kind: str) -> dict[str, object]:
    representative = cluster[0]
    sources = sorted({entry.source for entry in cluster})
    try:
        form = canonical(representative.crystal)
        group, number = form.symbol, form.number
    except CrystalError:
        group, number = None, None
    return {
        "material_id": material_id(representative.entry_id),
        "reduced_formula": representative.formula,
        "kind": kind,
        "representative": representative.entry_id,
        "members": [entry.entry_id for entry in cluster],
        "sources": sources,
        "n_sources": len(sources),
        "space_group": group,
        "space_group_number": number,
        "n_atoms": len(representative.crystal),
        "shard": shard_of(representative.formula),
        "bucket": "",
    }
