"""The clusters of one formula: every entry joins the nearest representative that it equals, or represents itself.

What belongs here: the order of comparisons and the clusters they make. Whom to compare: `near.py`. The decision on a
pair: `compare.py`. The result hangs on the set of entries alone, never on the order in which they came.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from lake.rejects import Reject
from lake.structures import fingerprint as fp
from lake.structures.compare import Candidate, compare
from lake.structures.near import Neighbours

# Who represents a crystal that several databases tell: the one whose structures are relaxed and checked best, first.
PREFERENCE = ("mp", "aflow", "oqmd", "cod", "pcod")
VERSION = "nearest representative v1"  # of what stands here: the order of preference and of comparison

Row = dict[str, object]
Known = Mapping[tuple[object, object], Row]


class Clustered(NamedTuple):
    """The clusters of one formula.

    clusters: the representative of each first, then its members as they joined. matches: rows of MATCHES, all that the
    clusters rest on. refused: entries that could not be compared. matcher_calls: pairs that were compared now, and not
    known before.
    """

    clusters: list[list[Candidate]]
    matches: list[Row]
    refused: list[Reject]
    matcher_calls: int


def clustered(bucket: Iterable[Candidate], known: Known | None = None) -> Clustered:
    """Cluster the entries of one formula, given in any order.

    known: earlier rows of MATCHES by the hashes of both structures, of the same rule and method: they stand. So the
    ten-thousandth copy of a crystal costs a search, and no comparison.
    Comparing with representatives alone keeps a chain of near neighbours from joining strangers.
    """
    decided = dict(known or {})
    clusters: list[list[Candidate]] = []
    matches: list[Row] = []
    refused: list[Reject] = []
    calls = 0
    entries = sorted(bucket, key=lambda entry: preference(entry.source, entry.entry_id))
    search, clusters_of_search = Neighbours(min((_unit(entry) for entry in entries), default=math.inf)), []
    for entry in entries:
        if problem := _unusable(entry):
            refused.append(Reject(entry.entry_id, entry.source, problem))
            clusters.append([entry])
            continue
        for place, _ in search.near(entry.fingerprint, entry.volume_per_atom):
            cluster = clusters_of_search[place]
            pair = cluster[0].crystal.structure_hash, entry.crystal.structure_hash
            if pair not in decided:
                calls += 1
                try:
                    decided[pair] = compare(cluster[0], entry)
                except Exception as error:  # what cannot be compared is kept apart, and told
                    refused.append(Reject(entry.entry_id, entry.source, _broke(cluster[0], error)))
                    continue
            matches.append(decided[pair] | {"entry_a": cluster[0].entry_id, "entry_b": entry.entry_id})
            if decided[pair]["same"]:
                cluster.append(entry)
                break
        else:
            search.add(entry.fingerprint, entry.volume_per_atom)
            clusters_of_search.append([entry])
            clusters.append(clusters_of_search[-1])
    return Clustered(clusters, matches, refused, calls)


def preference(source: str, entry_id: str) -> tuple[object, ...]:
    """Sorts who represents whom: by source, then by id, numbers in it as numbers: mp-149 before mp-1234."""
    rank = PREFERENCE.index(source) if source in PREFERENCE else len(PREFERENCE)
    words = re.split("([0-9]+)", entry_id)
    return rank, [int(word) if place % 2 else word for place, word in enumerate(words)], entry_id


def _unit(entry: Candidate) -> float:
    """The fingerprint's unit of length, in A; infinity without one."""
    return float(entry.fingerprint[0]) if entry.fingerprint.size else math.inf


def _unusable(entry: Candidate) -> str | None:
    """Why this structure cannot be compared with any, None where it can."""
    told = entry.fingerprint
    if told.size and np.isfinite(told).all() and 0 < entry.volume_per_atom < math.inf:
        return None
    try:
        fp.fingerprint(entry.crystal)
        problem = "it has numbers that are not finite"
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    return f"a crystal needs a fingerprint to be compared, found none ({problem}): it stays a material of its own"


def _broke(representative: Candidate, error: Exception) -> str:
    return (
        f"two crystals must be comparable, found that comparing with {representative.entry_id} breaks "
        f"({type(error).__name__}: {error}): they are kept apart"
    )
