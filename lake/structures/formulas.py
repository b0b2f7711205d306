"""Formulas: the entries of each are compared among themselves and with nobody else.

What belongs here: a formula's content address, and the way from rows of ENTRIES to rows of MATERIALS and MATCHES, in
one process or in several. Which entries of a formula are compared at all is `bucket.py`, the clusters among those are
`cluster.py`; what is written, and when, is `materials.py`.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import polars as pl

from lake.crystal import CrystalError
from lake.rejects import rejects_of
from lake.shards import shard_of
from lake.structures import cluster
from lake.structures.bucket import KINDS, ROW, bucket_of, crystal_to_compare
from lake.structures.canonical import canonical
from lake.structures.cluster import Known, clustered
from lake.structures.compare import METHOD, Candidate
from lake.structures.definition import RULE
from lake.structures.material_id import material_id
from lake.tables import MATCHES, MATERIALS, REJECTS

ADDRESSED = ("entry_id", "reduced_formula", "structure_hash")  # what a bucket's address is made of
COMPARED = (*ROW, "structure_hash", "payload_sha256")
STAGE = "identity"
ALONE_BELOW = 5_000  # entries; below, starting processes costs more than it saves
GROUPS = 4  # of buckets, per process: few enough to send, many enough that none waits long for the last


class Found(NamedTuple):
    """What some buckets gave.

    materials, matches: rows of these tables. rejects: rows of REJECTS for what could not be compared, stage STAGE.
    matcher_calls: pairs that were compared now, and not known before.
    """

    materials: pl.DataFrame
    matches: pl.DataFrame
    rejects: pl.DataFrame
    matcher_calls: int


Job = tuple[pl.DataFrame, pl.DataFrame]  # entries of some buckets, and the rows of MATCHES known of them
Run = Callable[[Iterable[Job]], Iterator[Found]]


def addresses(entries: pl.DataFrame) -> pl.DataFrame:
    """reduced_formula, bucket: the content address of each formula's entries, and of all that clusters them.

    entries: the columns ADDRESSED, in any order. Equal addresses give equal materials and matches.
    """
    said = entries.sort("entry_id").group_by("reduced_formula").agg(
        (pl.col("entry_id") + " " + pl.col("structure_hash")).str.join("\n").alias("said")
    )  # fmt: skip
    versions = f"{RULE}\n{METHOD}\n{cluster.VERSION}\n"
    bucket = [hashlib.blake2b((versions + text).encode(), digest_size=16).hexdigest() for text in said["said"]]
    return said.select("reduced_formula", pl.Series("bucket", bucket, dtype=pl.String))


def find_materials(entries: pl.DataFrame, known: pl.DataFrame | None = None) -> Found:
    """Cluster entries into materials, bucket by bucket; the order of rows plays no part.

    entries: rows of ENTRIES, all of some formulas; slabs are left out.
    known: earlier rows of MATCHES; those of the same rule and method stand.
    Every other entry is in exactly one material: what cannot be compared stays a material of its own.
    """
    entries = entries.filter(pl.col("kind").is_in(KINDS))
    address = dict(addresses(entries).iter_rows())
    decided = _decided(MATCHES.empty() if known is None else known)
    materials, matches, refused, calls = [], [], [], 0
    for (formula,), rows in entries.select(COMPARED).group_by("reduced_formula", maintain_order=True):
        for kind, candidates in _apart(rows):
            found = clustered(candidates, decided.get(formula))
            materials += [_material(members, kind) | {"bucket": address[formula]} for members in found.clusters]
            matches += found.matches
            refused += found.refused
            calls += found.matcher_calls
    rejects = rejects_of(STAGE, refused).drop("payload_sha256").join(
        entries.select("entry_id", "payload_sha256"), on="entry_id"
    )  # fmt: skip
    return joined([Found(MATERIALS.frame(materials), MATCHES.frame(matches), REJECTS.checked(rejects), calls)])


def joined(found: Sequence[Found]) -> Found:
    """One for all, in the order in which the tables are written."""
    return Found(
        pl.concat([MATERIALS.empty(), *(one.materials for one in found)]).sort("reduced_formula", "material_id"),
        pl.concat([MATCHES.empty(), *(one.matches for one in found)]).sort("reduced_formula", "entry_a", "entry_b"),
        pl.concat([REJECTS.empty(), *(one.rejects for one in found)]).sort("entry_id"),
        sum(one.matcher_calls for one in found),
    )


def groups(formulas: pl.DataFrame, count: int) -> list[list[str]]:
    """Formulas in that many groups at most, of about as many entries each; formulas: reduced_formula, n."""
    held = [[] for _ in range(count)]
    size = [0] * count
    for formula, n in formulas.sort("n", "reduced_formula", descending=[True, False]).iter_rows():
        least = size.index(min(size))
        held[least].append(formula)
        size[least] += n
    return [some for some in held if some]


@contextmanager
def workers(processes: int) -> Iterator[Run]:
    """What runs jobs, in their order: `find_materials`, here or in so many other processes."""
    if processes == 1:
        yield lambda jobs: map(_run, jobs)
        return
    # spawned, not forked: polars and numba have threads, and a fork of those may hang
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield lambda jobs: pool.map(_run, jobs)


def cores(entries: int) -> int:
    """How many processes so many entries are worth."""
    return len(os.sched_getaffinity(0)) if entries >= ALONE_BELOW else 1


def _run(job: Job) -> Found:
    return find_materials(*job)


def _apart(rows: pl.DataFrame) -> Iterator[tuple[str, list[Candidate]]]:
    """Kind and entries of each bucket of a formula; ordered ones are one, disordered ones go by their labels."""
    apart: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for row in rows.iter_rows(named=True):
        candidate = Candidate(row["entry_id"], row["source"], row["reduced_formula"], crystal_to_compare(row))
        apart[row["kind"], bucket_of(row)].append(candidate)
    yield from ((kind, candidates) for (kind, _), candidates in apart.items())


def _decided(known: pl.DataFrame) -> dict[str, Known]:
    """Formula -> the decisions that stand: of the rule and the method of today."""
    decided: dict[str, dict] = {}
    for row in known.filter((pl.col("rule") == RULE) & (pl.col("method") == METHOD)).iter_rows(named=True):
        decided.setdefault(row["reduced_formula"], {})[row["structure_a"], row["structure_b"]] = row
    return decided


def _material(members: list[Candidate], kind: str) -> dict[str, object]:
    representative = members[0]
    sources = sorted({entry.source for entry in members})
    try:
        form = canonical(representative.crystal)
        group, number = form.symbol, form.number
    except CrystalError:
        group, number = None, None
    return {
        "material_id": material_id(representative.entry_id),
        "reduced_formula": representative.formula,
        "shard": shard_of(representative.formula),
        "kind": kind,
        "representative": representative.entry_id,
        "members": [entry.entry_id for entry in members],
        "sources": sources,
        "n_sources": len(sources),
        "space_group": group,
        "space_group_number": number,
        "n_atoms": len(representative.crystal),
    }
