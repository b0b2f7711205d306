"""Fingerprints compared: what each loses of made duplicates, what strangers it leaves, and how fast it is.

    OMP_NUM_THREADS=1 python -m benchmarks.identity.fingerprints --amd-python /somewhere/bin/python

Every n-th real structure goes through every change of `made.py`. A fingerprint with a proven radius is asked at that;
any other at the largest move seen among changes within the definition, on every other base; recall is counted on the
rest. Strangers are the pairs of real structures of one formula, swapped decorations and polytypes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from math import gcd
from pathlib import Path

import numpy as np

from benchmarks.identity import made
from benchmarks.identity.real import real_structures
from lake.crystal import Crystal
from lake.structures import fingerprint as fp

CHANGES = {**made.EXACT, **made.TOLERATED, **made.COMBINED}
BEYOND = {"noise 0.07 A", "noise 0.1 A"}  # what the definition does not tolerate
PDD_EVERY = 20  # its comparison is a transport problem: a part of the pairs
TURNS = 7
AT_A_TURN = 1000

Pairs = list[tuple[Crystal, Crystal]]


def ours(k: int, parts: int) -> Callable[[Crystal], np.ndarray]:
    """The fingerprint with other constants."""

    def of(told: Crystal) -> np.ndarray:
        order = told.numbers.argsort(kind="stable")
        return fp._fingerprint(told.lattice.copy(), told.positions[order], told.numbers[order], k, parts)

    return of


def plain(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference, all numbers alike; without the unit of length."""
    return float(np.abs(one[1:] - other[1:]).max())


def scaled(told: Crystal) -> Crystal:
    """With a volume of 1 per atom."""
    return Crystal(told.lattice / (told.volume / len(told)) ** (1 / 3), told.positions, told.numbers)


def hand_over(told: Sequence[Crystal], pairs: np.ndarray, python: str, core: int) -> dict[str, np.ndarray]:
    """What the peer answers."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answers = Path(folder, "asked.npz"), Path(folder, "answers.npz")
        arrays = {"lattice": [each.lattice for each in told], "counts": [len(each) for each in told], "pairs": pairs}
        np.savez(asked, positions=np.concatenate([each.positions for each in told]), **arrays)
        program = Path(__file__).with_name("average_minimum_distance.py")
        subprocess.run(["taskset", "-c", str(core), python, program, asked, answers], check=True)
        with np.load(answers) as file:
            return dict(file)


def label(told: Crystal, symprec: float) -> object:
    """Space group, and Wyckoff letters of each element, in lowest terms; None where moyo finds none."""
    import moyopy

    try:
        cell = moyopy.Cell(told.lattice.tolist(), told.positions.tolist(), told.numbers.tolist())
        found = moyopy.MoyoDataset(cell, symprec=symprec)
    except Exception:  # moyo gives up: no label
        return None
    letters = Counter(zip(told.numbers.tolist(), found.wyckoffs, strict=True))
    common = gcd(*letters.values())
    return found.number, tuple(sorted((*key, count // common) for key, count in letters.items()))


def polytypes() -> list[Crystal]:
    """SiC as 2H, 3C, 4H and 6H: close-packed double layers of one distance."""
    corner = {"A": (0, 0), "B": (1 / 3, 2 / 3), "C": (2 / 3, 1 / 3)}
    found = []
    for stacking in ("AB", "ABC", "ABCB", "ABCACB"):
        n = len(stacking)
        places = [[*corner[x], (i + up) / n] for up in (0, 0.75) for i, x in enumerate(stacking)]
        edge = 3.08
        cell = [[edge, 0, 0], [-edge / 2, edge * 3**0.5 / 2, 0], [0, 0, n * edge * (2 / 3) ** 0.5]]
        found.append(Crystal(cell, places, [14] * n + [6] * n))
    return found


def strangers(bases: Sequence[Crystal]) -> Pairs:
    """Bases and their swapped decorations that pymatgen's matcher, with its loose defaults, keeps apart."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    matcher, rng = StructureMatcher(), np.random.default_rng(1)
    swapped = [(base, made.swapped(base, rng)) for base in bases]
    return [
        (one, other)
        for one, other in swapped
        if other is not None and not matcher.fit(one.to_pymatgen(), other.to_pymatgen())
    ]


def row(name: str, radius: float | None, moves: dict[str, np.ndarray], others: Sequence[np.ndarray]) -> str:
    """One line of the table; without a radius, it is the largest move within the definition on even bases."""
    within = [moves[change] for change in moves if change not in BEYOND]
    chosen, rest = (np.concatenate([each[start::2] for each in within]) for start in (0, 1))
    why = "proven" if radius else "seen"
    radius = radius or chosen.max()
    real, swapped, layered = others
    return (
        f"| {name} | {radius:.3g}, {why} | {np.median(rest):.3f} | {np.quantile(rest, 0.99):.3f} | {rest.max():.3f} "
        f"| {(rest <= radius).mean():.4%} | {(real <= radius).sum():,} of {len(real):,} "
        f"| {swapped.min():.3f}, {(swapped <= radius).sum()} of {len(swapped)} inside | {layered.min():.3f} |"
    )


def speed(told: Sequence[Crystal], python: str | None, core: int) -> None:
    """Structures per CPU second, ours and AMD in turns, median of turns and of ratios."""
    rates = defaultdict(list)
    fp.fingerprint(told[0])
    for _ in range(TURNS):
        began = time.process_time()
        for each in told:
            fp.fingerprint(each)
        rates["ours"].append(len(told) / (time.process_time() - began))
        if python:
            found = hand_over(told, np.empty((0, 2), dtype=int), python, core)
            rates["AMD k=100"].append(len(told) / float(found["seconds"]))
    atoms = np.mean([len(each) for each in told])
    for name, found in rates.items():
        ratio = np.median(np.array(rates["ours"]) / found)
        print(f"{name}: {np.median(found):,.0f} structures per CPU second, {atoms:.1f} atoms; ours {ratio:.2f}x")


def main() -> None:
    """Print the tables."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--bases", type=int, default=2000)
    ask.add_argument("--core", type=int, default=0)
    ask.add_argument("--amd-python", help="python of an environment that has average-minimum-distance")
    given = ask.parse_args()
    os.sched_setaffinity(0, {given.core})

    told = real_structures()
    bases = [each.crystal for each in told][:: len(told) // given.bases][: given.bases]
    rng = np.random.default_rng(0)
    changed = {name: [(base, change(base, rng)) for base in bases] for name, change in CHANGES.items()}
    formulas = defaultdict(list)
    for each in told:
        formulas[each.formula].append(each.crystal)
    others = (
        [pair for group in formulas.values() for pair in combinations(group, 2)],
        strangers(bases),
        list(combinations(polytypes(), 2)),
    )
    print(f"{len(bases)} bases, {sum(len(base) for base in bases) / len(bases):.1f} atoms on average\n")
    print(
        "| fingerprint | radius | moved, median | 99 % | most | recall | real pairs of one formula inside "
        "| swapped, nearest | polytypes, nearest |\n|---|---|---|---|---|---|---|---|---|"
    )
    chosen = {}
    candidates = [
        (f"k={k}, {'averages' if parts == 1 else f'{parts} parts'}{words}", ours(k, parts), apart, radius)
        for k, parts, words, apart, radius in [
            (fp.K, 1, ", all numbers alike", plain, None),
            *((k, parts, "", fp.distance, fp.RADIUS) for parts in (1, 4, fp.PARTS) for k in (12, 24, 48)),
        ]
    ]
    for name, of, apart, radius in candidates:
        known: dict[int, np.ndarray] = {}

        def measured(pairs: Pairs, of=of, apart=apart, known=known) -> np.ndarray:
            for crystal in (each for pair in pairs for each in pair):
                if id(crystal) not in known:
                    known[id(crystal)] = of(crystal)
            return np.array([apart(known[id(one)], known[id(other)]) for one, other in pairs])

        moves = {change: measured(pairs) for change, pairs in changed.items()}
        if name == f"k={fp.K}, {fp.PARTS} parts":
            chosen = moves
        print(row(name, radius, moves, [measured(pairs) for pairs in others]), flush=True)
    if given.amd_python:
        peer(changed, others, given.amd_python, given.core)
    else:
        print("\nAMD and PDD skipped: no --amd-python")
    per_change(changed, chosen)
    print()
    large = [each for each in bases if len(each) >= 8] or bases
    for some in (bases[:AT_A_TURN], large[:AT_A_TURN]):
        speed(some, given.amd_python, given.core)


def peer(changed: dict[str, Pairs], others: Sequence[Pairs], python: str, core: int) -> None:
    """The rows of AMD and of PDD, structures scaled to one volume per atom; PDD on a part of the pairs."""
    groups = [*changed.values(), *others]
    crystals = {id(each): each for group in groups for pair in group for each in pair}
    place = {key: i for i, key in enumerate(crystals)}
    indices = [np.array([[place[id(one)], place[id(other)]] for one, other in group]) for group in groups]
    some = [index[:: PDD_EVERY if len(index) > 100 else 1] for index in indices]
    found = hand_over([scaled(each) for each in crystals.values()], np.concatenate(some), python, core)
    vectors = found["amd"]
    apart = [np.abs(vectors[index[:, 0]] - vectors[index[:, 1]]).max(1) for index in indices]
    transport = np.split(found["pdd"], np.cumsum([len(index) for index in some])[:-1])
    for name, values in (("AMD k=100", apart), (f"PDD k=100, every {PDD_EVERY}th pair", transport)):
        moves = dict(zip(changed, values, strict=False))
        print(row(name, None, moves, values[len(changed) :]), flush=True)


def per_change(changed: dict[str, Pairs], chosen: dict[str, np.ndarray]) -> None:
    """How far each change moves our fingerprint, and how often a symmetry label survives it."""
    print("\n| change | moved, median | 99 % | most | label at 0.01 A survives | at 0.1 A |\n|---|---|---|---|---|---|")
    known: dict[tuple[int, float], object] = {}
    for change, pairs in changed.items():
        kept = []
        for symprec in (0.01, 0.1):
            for base, _ in pairs:
                if (id(base), symprec) not in known:
                    known[id(base), symprec] = label(base, symprec)
            same = [label(other, symprec) == known[id(base), symprec] is not None for base, other in pairs]
            kept.append(np.mean(same))
        moved = chosen[change]
        print(
            f"| {change} | {np.median(moved):.3f} | {np.quantile(moved, 0.99):.3f} | {moved.max():.3f} "
            f"| {kept[0]:.1%} | {kept[1]:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
