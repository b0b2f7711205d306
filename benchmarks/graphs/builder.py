"""Crystals to graphs: ours, CGCNN's own way, pymatgen's compiled search and vesin, on the same real structures.

    OMP_NUM_THREADS=1 python -m benchmarks.graphs.builder --core 0
    OMP_NUM_THREADS=1 python -m benchmarks.graphs.builder --core 0 --check 2000

Random structures of the Materials Project's 2018 file, read before the clock runs; each method begins with what it
takes (crystals; pymatgen's Structures; arrays for vesin). Rounds take turns; the slow methods get a part of the
structures, and each ratio is of the same structures in the same round. Seconds are CPU time of the process. What is
asked of all: the twelve nearest of every atom. CGCNN: `Structure.get_all_neighbors(8)`, sorted, twelve kept, as its
data.py does. find_points_in_spheres: 8 A, sorted, twelve kept, by numpy. vesin: a radius from the density, 1.3 times as
much for crystals where an atom finds fewer than twelve, sorted. Only ours completes the twelfth's shell.

The bound is what is left if an oracle names each atom's neighbours, in no order: their distances are computed and
sorted as they come, and written. Images, bins and all atoms that turn out too far away are free there.
--check: ours against brute force, distances, elements and weights, ties included.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
from numba import njit
from pymatgen.core import Structure
from pymatgen.optimization.neighbors import find_points_in_spheres
from vesin import NeighborList

from benchmarks.graphs.brute_force import by_brute_force
from benchmarks.graphs.structures import random_crystals
from lake.crystal import Crystal
from lake.graphs.arrays import Graphs
from lake.graphs.build import CUTOFF, TIE, K, build
from lake.progress import track

SIZES = ((1, 2), (3, 6), (7, 15), (16, 30), (31, 60), (61, 120), (121, 10**6))  # atoms
LIKE = 2e-3  # A, what float32 and a shell's width leave open


def by_cgcnn(structures: list[Structure]) -> list[list[list[tuple[float, int]]]]:
    """Distance and index of twelve neighbours, as the published data.py finds them."""
    found = []
    for structure in structures:
        everyone = structure.get_all_neighbors(CUTOFF, include_index=True)
        nearest = [sorted(neighbours, key=lambda n: n[1])[:K] for neighbours in everyone]
        found.append([[(n[1], n[2]) for n in neighbours] for neighbours in nearest])
    return found


def by_spheres(crystals: list[Crystal]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Indices and distances by pymatgen's compiled search."""
    periodic, found = np.array([1, 1, 1], dtype=np.int64), []
    for crystal in crystals:
        places = np.ascontiguousarray(crystal.positions @ crystal.lattice)
        lattice = np.ascontiguousarray(crystal.lattice)
        i, j, _, d = find_points_in_spheres(places, places, r=CUTOFF, pbc=periodic, lattice=lattice, tol=1e-8)
        other = d > 1e-8
        found.append(_first(i[other], j[other], d[other], len(crystal)))
    return found


def by_vesin(crystals: list[Crystal]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Indices and distances by vesin with a radius that grows until every atom has twelve."""
    found = []
    for crystal in crystals:
        places, n = crystal.positions @ crystal.lattice, len(crystal)
        radius = min(CUTOFF, 1.3 * (3 * crystal.volume * (K + 1) / (4 * np.pi * n)) ** (1 / 3))
        while True:
            search = NeighborList(cutoff=radius, full_list=True, n_threads=1)
            i, j, d = search.compute(places, crystal.lattice, True, "ijd", copy=False)
            if radius >= CUTOFF or np.bincount(i, minlength=n).min() >= K:
                break
            radius = min(CUTOFF, 1.3 * radius)
        found.append(_first(i, j, d, n))
    return found


def _first(i: np.ndarray, j: np.ndarray, d: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Of all pairs, each atom's twelve nearest, in order."""
    order = np.lexsort((d, i))
    i = i[order]
    kept = order[np.arange(len(i)) - np.searchsorted(i, np.arange(n))[i] < K]
    return j[kept], d[kept]


@njit(cache=True)
def _told(points: np.ndarray, starts: np.ndarray, distance: np.ndarray) -> None:
    """Distances from the origin to the points of each atom, sorted as they come."""
    near = np.empty(64)
    for atom in range(len(starts) - 1):
        low, high = starts[atom], starts[atom + 1]
        for e in range(low, high):
            square = points[0, e] ** 2 + points[1, e] ** 2 + points[2, e] ** 2
            slot = e - low
            while slot > 0 and near[slot - 1] > square:
                near[slot] = near[slot - 1]
                slot -= 1
            near[slot] = square
        for e in range(low, high):
            distance[e] = np.sqrt(near[e - low])


def bound(graphs: Graphs, times: int) -> float:
    """Seconds for the distances of all edges in order, without a search."""
    counts = np.diff(graphs.starts)
    order = np.lexsort((np.random.default_rng(0).random(len(graphs.index)), np.repeat(np.arange(len(counts)), counts)))
    points = np.zeros((3, len(order)))
    points[0] = graphs.distance[order]
    distance = np.empty(len(order), np.float32)
    _told(points, graphs.starts, distance)
    return _seconds(lambda: [_told(points, graphs.starts, distance) for _ in range(times)]) / times


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _building(crystals: list[Crystal], times: int) -> float:
    return _seconds(lambda: [build(crystals) for _ in range(times)]) / times


def compared(crystals: list[Crystal], slow: list[int], rounds: int) -> None:
    """Print what each method takes, and the median of the rounds' ratios."""
    part = [crystals[row] for row in slow]
    structures = [crystal.to_pymatgen() for crystal in part]
    peers = {
        "CGCNN's own way": (lambda: by_cgcnn(structures), part, 300),
        "find_points_in_spheres": (lambda: by_spheres(part), part, 6),
        "vesin, adaptive radius": (lambda: by_vesin(crystals), crystals, 3),
    }
    build(crystals)
    ours: list[float] = []
    ratios: dict[str, list[float]] = {name: [] for name in peers}
    theirs: dict[str, list[float]] = {name: [] for name in peers}
    for _ in track(range(rounds), "rounds"):
        for name, (work, same, _) in peers.items():
            times = max(1, len(crystals) // len(same))
            mine = _building(same, times)
            atoms = sum(map(len, same))
            ours.append(mine / atoms)
            taken = _seconds(work)
            theirs[name].append(taken / atoms)
            ratios[name].append(taken / mine)
    for name, (_, same, bar) in peers.items():
        found = ratios[name]
        print(
            f"{name:24} {1e6 * statistics.median(theirs[name]):9.2f} us/atom, {len(same):5} structures: "
            f"ratio {statistics.median(found):6.1f} ({min(found):.1f} to {max(found):.1f}), bar {bar}"
        )
    mean = statistics.fmean(map(len, crystals))
    median = statistics.median(ours)
    print(f"ours {1e6 * median:.2f} us/atom, {1 / (median * mean):,.0f} structures of {mean:.1f} atoms a second")


def by_size(crystals: list[Crystal], rounds: int) -> None:
    """Print a line per size of cell: microseconds per atom, and how far from the bound."""
    print("atoms in the cell, structures, us/atom, bound us/atom, ours over the bound")
    for least, most in SIZES:
        some = [crystal for crystal in crystals if least <= len(crystal) <= most]
        if not some:
            continue
        graphs, atoms = build(some), sum(map(len, some))
        times = max(1, 5_000 // atoms)
        mine = statistics.median(_building(some, times) for _ in range(rounds))
        floor = statistics.median(bound(graphs, times) for _ in range(rounds))
        name = f"{least} to {most}" if most < 10**6 else f"{least} and more"
        print(f"{name:12} {len(some):6} {1e6 * mine / atoms:8.2f} {1e6 * floor / atoms:8.3f} {mine / floor:8.1f}")


def differing(crystals: list[Crystal]) -> list[int]:
    """Which of these have neighbours that brute force does not find so."""
    bad = []
    for number, crystal in enumerate(track(crystals, "brute force")):
        batch = build([crystal]).batch(np.array([0]))
        wanted = by_brute_force(crystal, K, CUTOFF, TIE)
        if not all(_like(batch, site, wanted[site]) for site in range(len(crystal))):
            bad.append(number)
    return bad


def _like(batch: object, site: int, wanted: list[tuple[float, int, float]]) -> bool:
    mine = slice(batch.starts[site], batch.starts[site + 1])
    distance, weight, element = batch.distance[mine], batch.weight[mine], batch.numbers[batch.index[mine]]
    if len(distance) != len(wanted):
        return False
    lengths, elements, weights = (np.array(column) for column in zip(*wanted, strict=True))
    same = np.allclose(distance, lengths, rtol=0, atol=1e-5) and np.allclose(weight, weights, rtol=0, atol=1e-6)
    return same and _shellwise(distance, element) == _shellwise(lengths, elements)


def _shellwise(lengths: np.ndarray, elements: np.ndarray) -> list[tuple[int, int]]:
    """(shell, element) in order: inside a shell, which of equals comes first says nothing."""
    shell = np.concatenate([[0], np.cumsum(np.diff(lengths) > TIE)])
    return sorted(zip(shell.tolist(), elements.tolist(), strict=True))


def main() -> None:
    """Compare, or check, and print the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3000, help="structures")
    parser.add_argument("--slow", type=int, default=100, help="of these, for the methods that take long")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", type=int, default=0, help="hold so many structures against brute force, and end")
    parser.add_argument("--core", type=int, default=0, help="the one core to run on")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    warnings.simplefilter("ignore")  # pymatgen tells of every rounded coordinate
    crystals = random_crystals(asked.check or asked.count, asked.seed)
    if asked.check:
        bad = differing(crystals)
        tied = int((np.diff(build(crystals).starts) > K).sum())
        atoms = sum(map(len, crystals))
        print(
            f"{len(crystals)} structures, {atoms} atoms, {tied} of them with a cut shell; "
            f"structures that differ from brute force: {bad}"
        )
        return
    compared(crystals, list(range(min(asked.slow, len(crystals)))), asked.rounds)
    by_size(crystals, asked.rounds)
    versions = ", ".join(f"{name} {version(name)}" for name in ("numba", "pymatgen", "vesin", "numpy"))
    print(f"{platform.machine()}, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, {versions}")


if __name__ == "__main__":
    main()
