"""Grouping by formula, beside pymatgen: how long the lake's clustering and `StructureMatcher.group_structures` take.

    OMP_NUM_THREADS=1 python -m benchmarks.identity.grouping --formulas 200 --crowded 10 --core 0

Formulas are every n-th of those that several real structures share (real.py), and the most crowded ones. Both sides
group the same structures, formula by formula in turns, in one process on one core; CPU time. Ours begins with arrays,
fingerprints included; pymatgen's with Structure objects, made before. Compilation is not counted: ours is warmed up on
other formulas. pymatgen is asked twice: with its plain defaults, and with lengths, angles and displacements of the
definition as referee.py sets them (but with its own reduction and origin). What takes it longer than `--limit` seconds
is given up and told apart. Prints Markdown.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import signal
import statistics
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.metadata import version
from math import comb
from typing import NamedTuple

from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

from benchmarks.identity.real import Told, real_structures
from benchmarks.identity.referee import ANGLES, LENGTHS, OWN_ORIGIN
from lake.progress import track
from lake.structures.cluster import clustered
from lake.structures.compare import Candidate

OURS, DEFAULTS, DEFINITION = "ours", "pymatgen, defaults", "pymatgen, the definition's tolerances"
WARM = 20  # formulas


class Grouped(NamedTuple):
    """What one side made of a formula. seconds: of CPU; None where it was given up."""

    seconds: float | None
    groups: int
    superpositions: int = 0


class Formula(NamedTuple):
    """A formula, and what each side made of it."""

    name: str
    entries: int
    atoms: float  # on average
    by: dict[str, Grouped]


def ours(told: list[Told]) -> Callable[[], tuple[int, int]]:
    """To be timed: groups and superpositions asked."""

    def group() -> tuple[int, int]:
        found = clustered([Candidate(one.name, one.source, one.formula, one.crystal) for one in told])
        return len(found.clusters), found.matcher_calls

    return group


def pymatgen(structures: list[Structure], matcher: StructureMatcher) -> Callable[[], tuple[int, int]]:
    """To be timed: groups."""
    return lambda: (len(matcher.group_structures(structures)), 0)


def at_definition(structures: list[Structure]) -> StructureMatcher:
    """The matcher with the definition's tolerances; displacements go by the spacing of atoms in this formula."""
    spacing = statistics.median(one.volume / len(one) for one in structures) ** (1 / 3)
    return StructureMatcher(LENGTHS, OWN_ORIGIN / spacing, ANGLES)


def timed(group: Callable[[], tuple[int, int]], limit: float) -> Grouped:
    """CPU seconds, up to the limit, which is one of wall time: a clock of CPU time makes that of Linux a coarse one."""
    gc.collect()
    signal.setitimer(signal.ITIMER_REAL, limit)
    began = time.process_time()
    try:
        groups, superpositions = group()
        return Grouped(time.process_time() - began, groups, superpositions)
    except _TooLong:
        return Grouped(None, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class _TooLong(Exception):
    """Raised by the clock."""


def _give_up(*_: object) -> None:
    raise _TooLong


def both(name: str, told: list[Told], limit: float) -> Formula:
    """The same structures by each side."""
    structures = [one.crystal.to_pymatgen() for one in told]
    atoms = statistics.mean(len(one) for one in structures)
    sides = {
        OURS: ours(told),
        DEFAULTS: pymatgen(structures, StructureMatcher()),
        DEFINITION: pymatgen(structures, at_definition(structures)),
    }
    return Formula(name, len(told), atoms, {side: timed(group, limit) for side, group in sides.items()})


def sums(title: str, formulas: list[Formula]) -> Iterator[str]:
    """A row for each side; sums are over the formulas that it finished, and ours over the same."""
    for side in (DEFAULTS, DEFINITION):
        done = [one for one in formulas if one.by[side].seconds is not None]
        if not done:
            continue
        mine, theirs = ([one.by[who].seconds for one in done] for who in (OURS, side))
        ratio, ratios = sum(theirs) / sum(mine), [b / a for a, b in zip(mine, theirs, strict=True)]
        asked, pairs = sum(one.by[OURS].superpositions for one in done), sum(comb(one.entries, 2) for one in done)
        yield (
            f"| {title} | {side} | {len(done)} of {len(formulas)} | {sum(one.entries for one in done):,} "
            f"| {statistics.median(mine) * 1e3:.1f} ms | {statistics.median(theirs) * 1e3:.1f} ms "
            f"| {sum(mine):.2f} s | {sum(theirs):.1f} s | {ratio:.0f} | {statistics.median(ratios):.0f} "
            f"| {sum(one.by[OURS].groups for one in done):,} | {sum(one.by[side].groups for one in done):,} "
            f"| {asked:,} of {pairs:,} |"
        )


def crowded_rows(formulas: list[Formula]) -> Iterator[str]:
    """A row for each of the most crowded formulas."""
    yield (
        "| formula | entries | atoms | "
        + " | ".join(f"{side}: CPU, groups" for side in formulas[0].by)
        + " | superpositions |"
    )
    yield "|---|---|---|---|---|---|---|"
    for one in formulas:
        told = [
            f"{found.seconds:.2f} s, {found.groups}" if found.seconds is not None else "given up"
            for found in one.by.values()
        ]
        asked = f"{one.by[OURS].superpositions:,} of {comb(one.entries, 2):,}"
        yield f"| {one.name} | {one.entries} | {one.atoms:.0f} | {' | '.join(told)} | {asked} |"


def main() -> None:
    """Group, print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--formulas", type=int, default=200)
    words.add_argument("--crowded", type=int, default=10, help="so many of the most crowded formulas")
    words.add_argument("--limit", type=float, default=120, help="seconds for a formula, each side")
    words.add_argument("--core", type=int, default=0)
    asked = words.parse_args()
    os.sched_setaffinity(0, {asked.core})
    signal.signal(signal.SIGALRM, _give_up)
    warnings.simplefilter("ignore")

    buckets = defaultdict(list)
    for told in real_structures():
        buckets[told.formula].append(told)
    several = {name: some for name, some in buckets.items() if len(some) > 1}
    crowded = sorted(several, key=lambda name: -len(several[name]))[: asked.crowded]
    plain = [name for name in several if name not in crowded]
    step = max(1, len(plain) // asked.formulas)
    chosen, spare = plain[::step][: asked.formulas], plain[1::step][:WARM]
    for name in spare:
        ours(several[name])()
        pymatgen([one.crystal.to_pymatgen() for one in several[name][:2]], StructureMatcher())()

    load = os.getloadavg()[0]
    found = {
        title: [both(name, several[name], asked.limit) for name in track(names, title)]
        for title, names in (("every n-th", chosen), ("most crowded", crowded))
    }
    print(f"core {asked.core}, load {load:.1f}, Python {platform.python_version()}, pymatgen {version('pymatgen')}")
    print(f"{len(several):,} formulas that several share; every {step}th of these, and the {len(crowded)} most crowded")
    print(
        "\n| formulas | beside | finished | entries | ours, median | its median | ours, sum | its sum | ratio of sums "
        "| median ratio | our groups | its groups | our superpositions of all pairs |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for title, formulas in found.items():
        print("\n".join(sums(title, formulas)))
    print()
    print("\n".join(crowded_rows(found["most crowded"])))
    given_up = [
        (one.name, side, one.by[OURS].seconds)
        for some in found.values()
        for one in some
        for side, by in one.by.items()
        if by.seconds is None
    ]
    for name, side, mine in given_up:
        print(f"given up after {asked.limit:.0f} s: {name}, {side} (ours: {mine:.2f} s)")


if __name__ == "__main__":
    main()
