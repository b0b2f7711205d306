"""Agreement with the referee on every pair of real structures that shares a formula.

    OMP_NUM_THREADS=1 python -m benchmarks.identity.agreement pairs.csv --out disagreements.csv

pairs.csv is what `benchmarks.identity.referee --pairs` wrote. Two questions: does the comparison say of each pair what
the referee says; and are two entries in one material of the lake where the referee calls them the same. Prints pair
precision and recall of both, the adjusted Rand index of the materials against the referee's groups (connected through
pairs that it calls the same), how many pairs were superposed at all, and how long everything took. Writes every
disagreement, with what was measured.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from math import comb
from pathlib import Path

import polars as pl

from benchmarks.identity.real import real_structures
from benchmarks.identity.stated import repeated_ids
from lake.structures.cluster import clustered
from lake.structures.compare import Candidate, compare

Pairs = set[tuple[str, str]]


def groups_of(names: Iterable[str], same: Pairs) -> dict[str, str]:
    """name -> the first name of its group; groups are connected through pairs."""
    head = {name: name for name in names}

    def first(name: str) -> str:
        while head[name] != name:
            head[name] = name = head[head[name]]
        return name

    for one, other in same:
        head[first(other)] = first(one)
    return {name: first(name) for name in head}


def adjusted_rand_index(one: dict[str, str], other: dict[str, str]) -> float:
    """Agreement of two partitions of the same names beyond chance, 1 where they are equal: Hubert and Arabie 1985."""
    both = sum(comb(n, 2) for n in Counter((one[name], other[name]) for name in one).values())
    first, second = (sum(comb(n, 2) for n in Counter(part.values()).values()) for part in (one, other))
    chance = first * second / comb(len(one), 2)
    return (both - chance) / ((first + second) / 2 - chance)


def partners(source: str, pairs: Pairs, candidates: dict[str, Candidate]) -> set[str]:
    """Entries of a source that one of these pairs joins with an entry of the Materials Project's file."""
    both = [(a, b) for pair in pairs for a, b in (pair, pair[::-1])]
    return {a for a, b in both if candidates[a].source == source and candidates[b].source == "mp"}


def told(title: str, ours: Pairs, theirs: Pairs) -> None:
    """Print precision and recall of pairs."""
    right = len(ours & theirs)
    print(
        f"{title}: {len(ours):,} the same, {len(theirs):,} for the referee, {right:,} for both: "
        f"precision {right / len(ours):.4f}, recall {right / len(theirs):.4f}"
    )


def main() -> None:
    """Compare, cluster, print, write."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("pairs", type=Path)
    words.add_argument("--out", type=Path, default=Path("disagreements.csv"))
    asked = words.parse_args()
    referee = pl.read_csv(asked.pairs, infer_schema_length=None)
    candidates = {t.name: Candidate(t.name, t.source, t.formula, t.crystal) for t in real_structures()}
    buckets = defaultdict(list)
    for candidate in candidates.values():
        buckets[candidate.formula].append(candidate)
    for some in list(buckets.values())[:3]:
        clustered(some)  # compiles

    began = time.process_time()
    found = {formula: clustered(bucket) for formula, bucket in buckets.items()}
    seconds = time.process_time() - began
    clusters = [cluster for one in found.values() for cluster in one.clusters]
    calls = sum(one.matcher_calls for one in found.values())
    print(
        f"{len(candidates):,} structures are {len(clusters):,} materials: {seconds:.1f} s CPU, "
        f"{calls:,} superpositions asked"
    )
    print(f"  at most 1.2 per entry that is no material of its own: {1.2 * (len(candidates) - len(clusters)):,.0f}")

    pairs = [(a, b) for a, b in referee.select("name_a", "name_b").iter_rows()]
    rows = [compare(candidates[a], candidates[b]) for a, b in pairs]
    theirs = {pair for pair, same in zip(pairs, referee["same"], strict=True) if same}
    ours = {pair for pair, row in zip(pairs, rows, strict=True) if row["same"]}
    material = {entry.entry_id: cluster[0].entry_id for cluster in clusters for entry in cluster}
    together = {pair for pair in pairs if material[pair[0]] == material[pair[1]]}
    inside = sum(row["decided_by"] != "fingerprint" for row in rows)
    print(f"{len(pairs):,} pairs, {inside:,} within the fingerprint's radius, {inside - len(ours):,} of them strangers")
    told("pair by pair", ours, theirs)
    told("in one material", together, theirs)
    names = {name for pair in pairs for name in pair}
    grouped = groups_of(names, theirs)
    print(f"adjusted Rand index {adjusted_rand_index({n: material[n] for n in names}, grouped):.4f}")
    largest = [max(Counter(parts.values()).values()) for parts in (material, grouped)]
    print(f"largest material {largest[0]} entries, largest group of the referee {largest[1]}")
    frame = pl.DataFrame(rows).with_columns(
        referee=referee["same"].cast(pl.Boolean),
        referee_displacement=referee["displacement"],
        one_material=pl.Series([pair in together for pair in pairs]),
    )
    wrong = frame.filter((pl.col("same") != pl.col("referee")) | (pl.col("one_material") != pl.col("referee")))
    wrong.drop("shard", "structure_a", "structure_b", "rule", "method").write_csv(asked.out)
    print(f"{len(wrong)} disagreements written to {asked.out}")
    theirs_default = {pair for pair, same in zip(pairs, referee["default_same"], strict=True) if same}
    for source in dict.fromkeys(candidate.source for candidate in candidates.values()):
        told_of = [
            partners(source, verdicts, candidates) for verdicts in (set(pairs), together, theirs, theirs_default)
        ]
        if source != "mp" and told_of[0]:
            shares = " / ".join(f"{len(some) / len(told_of[0]):.1%}" for some in told_of[1:])
            print(
                f"{source}: {len(told_of[0]):,} share a formula with mp; of these matched by us, the referee, its "
                f"defaults: {shares}"
            )
    same_id = [(one.name, other.name) for one, other in repeated_ids(real_structures())]
    print(f"ids told twice: {sum(material[a] == material[b] for a, b in same_id)} of {len(same_id)} in one material")
    crowded = max(found, key=lambda formula: len(buckets[formula]))
    entries = len(buckets[crowded])
    print(
        f"{crowded}: {entries} entries, {comb(entries, 2):,} pairs, {found[crowded].matcher_calls} superpositions: "
        f"{comb(entries, 2) / max(found[crowded].matcher_calls, 1):.0f} x fewer"
    )


if __name__ == "__main__":
    main()
