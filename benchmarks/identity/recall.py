"""Recall: how many made duplicates of real crystals are recognised; and whether known strangers ever are joined.

    OMP_NUM_THREADS=1 python -m benchmarks.identity.recall --bases 2000 --processes 2

Bases are every n-th real structure. Each is changed in every way of made.py, and compared with what it was, by the
comparison that clusters the lake: fingerprint first, then superposition. Strangers are those of strangers.py, swapped
decorations of the same bases among them, each written anew. Prints one table in Markdown.
"""

from __future__ import annotations

import argparse
import multiprocessing
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.identity.made import COMBINED, EXACT, TOLERATED, Change, anyhow
from benchmarks.identity.real import Told, real_structures
from benchmarks.identity.strangers import Stranger, apart_by_property, polytypes, real_polytypes, swapped_decorations
from lake.crystal import Crystal
from lake.progress import track
from lake.structures.compare import Candidate, compare

CHANGES: dict[str, Change] = {**EXACT, **TOLERATED, **COMBINED}
LARGEST = 1000  # atoms of what is made
ENERGIES_EVERY = 10  # of the pairs that are strangers by their energies

Counts = Counter[tuple[str, str]]


def judged(told: Told) -> Counts:
    """For each change: how often it was made, and what decided."""
    counts: Counts = Counter()
    base = Candidate("a", "a", told.formula, told.crystal)
    for name, change in CHANGES.items():
        rng = np.random.default_rng(zlib.crc32(f"{told.name} {name}".encode()))
        other = change(told.crystal, rng)
        if len(other) <= LARGEST:
            counts[name, compare(base, _candidate(told, other))["decided_by"]] += 1
    return counts


def strangers(bases: list[Told]) -> Iterator[tuple[str, Stranger]]:
    """Kind and pair."""
    for kind, pairs in (
        ("two elements swapped", swapped_decorations(bases)),
        ("polytypes of SiC and ZnS", polytypes()),
        ("real polytypes of CdI2, SiC, ZnS", real_polytypes(real_structures())),
        ("other space group, 0.05 eV/atom apart", apart_by_property(ENERGIES_EVERY)),
    ):
        yield from ((kind, pair) for pair in pairs)


def judged_strangers(kind: str, pair: Stranger) -> Counts:
    """What decided on this pair, the second crystal written anew."""
    rng = np.random.default_rng(zlib.crc32(pair.why.encode()))
    one, other = Candidate("a", "a", "", pair.one), Candidate("b", "b", "", anyhow(pair.other, rng))
    return Counter({(kind, compare(one, other)["decided_by"]): 1})


def _candidate(told: Told, crystal: Crystal) -> Candidate:
    return Candidate("b", "b", told.formula, crystal)


def table(counts: Counts) -> Iterable[str]:
    """Rows of Markdown."""
    yield "| change | made | the same | else decided by |"
    yield "|---|---|---|---|"
    for name in dict.fromkeys(change for change, _ in counts):
        found = Counter({decided: n for (change, decided), n in counts.items() if change == name})
        made, same = found.total(), found.pop("superposition", 0)
        others = ", ".join(f"{decided} {n:,}" for decided, n in found.most_common())
        yield f"| {name} | {made:,} | {same:,} ({same / made:.2%}) | {others} |"


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--bases", type=int, default=2000)
    words.add_argument("--processes", type=int, default=2)
    asked = words.parse_args()
    whole = real_structures()
    bases = whole[:: max(1, len(whole) // asked.bases)]
    counts: Counts = Counter()
    with ProcessPoolExecutor(asked.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for some in track(pool.map(judged, bases, chunksize=20), "changing and comparing", total=len(bases)):
            counts.update(some)
    for kind, pair in strangers(bases):
        counts.update(judged_strangers(kind, pair))
    print(f"{len(bases):,} bases, {np.mean([len(told.crystal) for told in bases]):.1f} atoms on average\n")
    print("\n".join(table(counts)))


if __name__ == "__main__":
    main()
