"""The referee of identity: pymatgen's StructureMatcher, and a test of volumes, set to the definition.

    OMP_NUM_THREADS=1 python -m benchmarks.identity.referee --calibrate --processes 2
    OMP_NUM_THREADS=1 python -m benchmarks.identity.referee --pairs pairs.csv --processes 2

What belongs here: how the matcher is set, how that was calibrated, and its verdict on every pair of real structures
that share a reduced formula. It shares no code with the comparison that it judges.

- **Cells.** Each crystal is reduced on its own to a cell whose copies agree within 0.01 A, by pymatgen. Whatever larger
  cell is left (a supercell whose atoms have moved) is compared as it is, with as many of the smaller cell as it holds
  (`attempt_supercell`). pymatgen's `primitive_cell=True` is not asked: within 0.25 A it averages away the distortions
  by which polymorphs differ. Two moved supercells of different shape, neither of which holds the other, stay apart.
- **Lattices.** Strain beside a uniform scaling to 2 % along its largest direction moves lengths by 2 % and angles by
  2.27 degrees at most: these are the matcher's tolerances, not fitted. They let more pass than such strain (shears that
  add up), so that of the lattices it finds, those with a larger logarithmic strain are left out.
- **Volumes.** A ratio up to 1.03^3 x 1.02: scaling by 3 % in length, and 2 % more along one direction.
- **Sites.** The matcher lays the centres of gravity of both crystals on each other and takes the atom that is then
  farthest off. Atoms displaced by 0.05 A each seem displaced by up to 0.071 A so, and the definition asks for the best
  origin. `Referee(best_origin=True)`, which gives the verdict, moves the origin to the centre of the smallest ball
  around all displacements; the other one keeps the matcher's own origin, with a larger limit, for comparison.

Calibrated by the first command with `--every 138`, on 154 bases, and confirmed on 154 others. The limits of sites are
the only ones chosen: the smallest that accept 99 % (best origin, 0.0502 A) and 99.5 % (own origin, 0.0707 A) of noise
of 0.05 A. So set, it accepts every base under every exact change, scaling to 3 %, strain to 2 %, noise to 0.03 A and
their combinations, in both halves; of noise of 0.05 A 99.4 % and 100 % (a limit of 0.05 A at the matcher's own origin:
4.5 %); of 0.07 A 1.3 % and 3.2 %, of 0.1 A 1.3 % (cells of one atom, which noise does not change); of strain of 4 %
and of scaling by 4 or 5 % none. The matcher's plain defaults accept all of these, and 98 % of noise of 0.1 A.
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
import time
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from benchmarks.identity import made
from benchmarks.identity.real import real_structures
from lake.crystal import Crystal
from lake.structures.definition import ROUNDING, SAME

LARGEST_STRAIN = math.log(1 + SAME.strain)
LARGEST_VOLUME_RATIO = (1 + SAME.scale) ** 3 * (1 + SAME.strain)
LENGTHS = SAME.strain
# degrees; two orthogonal vectors halfway between the directions that are strained by +2 and -2 %
ANGLES = math.degrees(2 * math.atan(math.exp(2 * LARGEST_STRAIN)) - math.pi / 2)
OWN_ORIGIN = 0.0707  # A; calibrated: 99.5 % of noise of 0.05 A
BEST_ORIGIN = 0.0502  # A; the definition's 0.05, and how near the centre of the ball is found
SEEN = 0.3  # A; a displacement up to here is told, whatever the verdict
COPIES = 0.01  # A; copies in one cell that agree as well as this are one crystal told too often
STEPS, SHRINK = 250, 0.97  # of the search for the ball's centre

BEYOND: Mapping[str, made.Change] = {
    "scaled by +4%": lambda told, rng: made.scaled(told, 0.04),
    "scaled by +5%": lambda told, rng: made.scaled(told, 0.05),
    "strained by +4%": lambda told, rng: made.strained(told, 0.04, rng),
    "scaled 3 %, strained 2 %, noise 0.05 A, another cell": lambda told, rng: made.anyhow(
        made.displaced(made.strained(made.scaled(told, 0.03), 0.02, rng), 0.05, rng), rng
    ),
}
ASK_DEFAULT = 6  # every n-th base is asked of the defaults too, which is slow
LARGEST_MADE = 160  # atoms; a larger cell is not made of a base, which saves hours of matching

Pair = tuple[str, str]


class Measured(NamedTuple):
    """What the matcher finds between two crystals. displacement: of the atom farthest off, A. strain: logarithmic."""

    displacement: float
    strain: float


class _Strained(StructureMatcher):
    """The matcher, and of the lattices it finds only those within the definition's strain."""

    def _get_lattices(self, target_lattice: Lattice, s: Structure, supercell_size: int = 1) -> Iterator:
        for lattice, cut in super()._get_lattices(target_lattice, s, supercell_size):
            if strain(lattice.matrix, target_lattice.matrix) <= LARGEST_STRAIN * (1 + ROUNDING):
                yield lattice, cut


class _StrainedBestOrigin(_Strained):
    """It lays origins so that the largest displacement is smallest, not so that the displacements' mean is zero."""

    @classmethod
    def _cart_dists(cls, s1, s2, avg_lattice, mask, normalization, lll_frac_tol=None):
        lengths, shift, onto = super()._cart_dists(s1, s2, avg_lattice, mask, normalization, lll_frac_tol)
        if not math.isfinite(lengths.max()) or lengths.max() > 3 * SAME.displacement * normalization:
            return lengths, shift, onto  # far beyond, and no origin brings it to less than half
        steps = s1[onto] - s2 - shift
        steps = avg_lattice.get_cartesian_coords(steps - np.round(steps))
        centre = centre_of_smallest_ball(steps)
        lengths = np.linalg.norm(steps - centre, axis=1) * normalization
        return lengths, shift + avg_lattice.get_fractional_coords(centre), onto


@dataclass(frozen=True)
class Referee:
    """Decides a pair. best_origin: origins laid as the definition asks, or as the matcher lays them."""

    best_origin: bool = True

    @property
    def limit(self) -> float:
        """The largest displacement of a crystal that is the same, in A."""
        return BEST_ORIGIN if self.best_origin else OWN_ORIGIN

    def measured(self, one: Structure, other: Structure, up_to: float = SEEN) -> Measured | None:
        """The smallest displacement up to this, in A; None where there is none. Both are `reduced`."""
        if len(one) > len(other):
            one, other = other, one
        if len(other) % len(one) or volume_ratio(one, other) > LARGEST_VOLUME_RATIO * (1 + ROUNDING):
            return None
        spacing = (one.volume / len(one) * other.volume / len(other)) ** (1 / 6)
        matcher = (_StrainedBestOrigin if self.best_origin else _Strained)(
            LENGTHS, up_to / spacing, ANGLES, primitive_cell=False, scale=True, attempt_supercell=True
        )
        one, other, times, _ = matcher._preprocess(one, other, skip_structure_reduction=True)
        found = matcher._match(one, other, times, True)
        if found is None:
            return None
        return Measured(float(found[0] * spacing), strain(found[2] @ one.lattice.matrix, other.lattice.matrix))

    def same(self, one: Crystal, other: Crystal) -> bool:
        """The verdict; both of one reduced formula, else it is no."""
        if one.reduced_formula != other.reduced_formula:
            return False
        found = self.measured(reduced(one), reduced(other))
        return found is not None and found.displacement <= self.limit


def reduced(told: Crystal) -> Structure:
    """The Niggli reduced cell with each copy once."""
    return told.to_pymatgen().get_reduced_structure().get_primitive_structure(COPIES).get_reduced_structure()


def volume_ratio(one: Structure, other: Structure) -> float:
    """Volume per atom of the looser one over that of the denser."""
    ratio = one.volume / len(one) / (other.volume / len(other))
    return max(ratio, 1 / ratio)


def strain(one: np.ndarray, other: np.ndarray) -> float:
    """Largest logarithmic strain from one cell (3, 3) to another, beside their uniform scaling."""
    change = np.linalg.solve(one, other)
    logarithms = np.log(np.linalg.eigvalsh(change @ change.T)) / 2
    return float(np.abs(logarithms - logarithms.mean()).max())


def centre_of_smallest_ball(points: np.ndarray) -> np.ndarray:
    """The centre of the smallest ball that holds these points (n, 3), within a part in 1,000 of its radius.

    By steps towards the farthest point that become shorter.
    """
    centre, step = points.mean(0), 0.5
    best, radius = centre, math.inf
    for _ in range(STEPS):
        away = points - centre
        squared = np.einsum("ij,ij->i", away, away)
        farthest = int(squared.argmax())
        if squared[farthest] < radius:
            best, radius = centre, squared[farthest]
        centre = centre + step * away[farthest]
        step *= SHRINK
    return best


def calibrate(every: int, processes: int) -> pl.DataFrame:
    """What each setting accepts of made duplicates: one row per change, base and setting of origin.

    Bases are every n-th real structure; those of even number calibrate, those of odd number confirm.
    """
    bases = [told.crystal for told in real_structures(every=every)]
    rows = []
    with _pool(processes) as pool:
        for some in pool.map(_made_of, range(len(bases)), bases, chunksize=4):
            rows += some
    return pl.DataFrame(rows, schema=MADE, orient="row")


MADE = {
    "change": pl.String, "base": pl.Int64, "own": pl.Float64, "best": pl.Float64, "strain": pl.Float64,
    "default": pl.Boolean,
}  # fmt: skip


def _made_of(number: int, base: Crystal) -> list[tuple]:
    rng = np.random.default_rng(number)
    small, whole, rows = reduced(base), reduced_by_default(base), []
    for change, make in {**made.EXACT, **made.TOLERATED, **made.COMBINED, **BEYOND}.items():
        other = make(base, rng)
        if len(other) <= LARGEST_MADE:
            own, best, strained = _displacements(small, reduced(other))
            default = _by_default(whole, reduced_by_default(other)) if number % ASK_DEFAULT == 0 else None
            rows.append((change, number, own, best, strained, default))
    return rows


def _displacements(one: Structure, other: Structure) -> tuple[float | None, float | None, float | None]:
    """Displacements in A, by the matcher's own origin and by the best one, and the strain; None beyond SEEN."""
    own = Referee(best_origin=False).measured(one, other)
    if own is None:
        return None, None, None
    if own.displacement > 2 * BEST_ORIGIN:  # no other origin brings it to less than half
        return own.displacement, None, own.strain
    best = Referee().measured(one, other, up_to=3 * SAME.displacement) or own
    return own.displacement, min(own.displacement, best.displacement), best.strain


def reduced_by_default(told: Crystal) -> Structure:
    """As the matcher's defaults reduce it: within 0.25 A. Done once for all pairs of a crystal, as its groups are."""
    return StructureMatcher._get_reduced_structure(told.to_pymatgen())


def _by_default(one: Structure, other: Structure) -> bool:
    return bool(StructureMatcher().fit(one, other, skip_structure_reduction=True))


def table_of(rows: pl.DataFrame) -> Iterator[str]:
    """The calibration as lines of a table: accepted parts of those that calibrate and of those that confirm."""
    yield "| made | bases | own origin 0.05 A | own origin, calibrated | best origin | confirmed | defaults |"
    yield "|---|---|---|---|---|---|---|"
    for (change,), some in rows.group_by("change", maintain_order=True):
        calibrating, confirming = some.filter(pl.col("base") % 2 == 0), some.filter(pl.col("base") % 2 == 1)
        yield (
            f"| {change} | {len(calibrating)} + {len(confirming)} "
            f"| {_within(calibrating['own'], SAME.displacement)} | {_within(calibrating['own'], OWN_ORIGIN)} "
            f"| {_within(calibrating['best'], BEST_ORIGIN)} "
            f"| {_within(confirming['own'], OWN_ORIGIN)}, {_within(confirming['best'], BEST_ORIGIN)} "
            f"| {some['default'].mean():.3f} |"
        )
    most = rows.filter((pl.col("base") % 2 == 0) & (pl.col("change") == f"noise {SAME.displacement} A"))
    for part in (0.99, 0.995, 1.0):
        told = (most[origin].fill_null(math.inf).quantile(part, "higher") for origin in ("own", "best"))
        yield "\nnoise of {} A, {:.1%} within: own origin {:.4f} A, best origin {:.4f} A".format(
            SAME.displacement, part, *told
        )


def _within(displacements: pl.Series, limit: float) -> str:
    """The part of them that is told and within the limit, three digits."""
    return f"{(displacements.fill_null(math.inf) <= limit).mean():.3f}"


# -- every pair of the real structures ------------------------------------------------------------------------------

COLUMNS = (
    "name_a", "name_b", "reduced_formula", "n_atoms_a", "n_atoms_b", "volume_ratio", "same", "displacement", "strain",
    "same_by_own_origin", "displacement_by_own_origin", "default_same",
)  # fmt: skip
AT_ONCE = 64  # pairs in one task, and lines written at once


def judge(out: Path, processes: int, default_every: int, every: int = 1) -> None:
    """Append the verdict on every pair to this CSV, in a fixed order; what stands there already is not done again."""
    told = real_structures(every=every)
    pairs = pairs_of_a_formula([(crystal.name, crystal.formula) for crystal in told])
    crystals = {crystal.name: crystal.crystal for crystal in told}
    done = _lines(out)
    tasks = [
        (start, [(a, b, formula, crystals[a], crystals[b]) for a, b, formula in pairs[start : start + AT_ONCE]])
        for start in range(done, len(pairs), AT_ONCE)
    ]
    print(f"{len(told)} structures, {len(pairs)} pairs that share a formula, {done} of them judged before", flush=True)
    began = time.perf_counter()
    with _pool(processes) as pool, out.open("a") as file:
        for lines in pool.map(_judged, tasks, itertools.repeat(default_every)):
            file.write("".join(lines))
            file.flush()
    wall = time.perf_counter() - began
    print(f"{len(pairs) - done} pairs in {wall:.0f} s by {processes} processes")


def pairs_of_a_formula(told: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """(a, b, formula) of all that share a formula, in the order of the structures told as (name, formula)."""
    buckets: dict[str, list[str]] = defaultdict(list)
    for name, formula in told:
        buckets[formula].append(name)
    return [(a, b, formula) for formula, names in buckets.items() for a, b in itertools.combinations(names, 2)]


def _lines(out: Path) -> int:
    """How many pairs this CSV holds; begins it where it is not there, and drops a last line that is cut."""
    if not out.exists():
        out.write_text(",".join(COLUMNS) + "\n")
    text = out.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        out.write_text(whole)
    return whole.count("\n") - 1


# of one process: a crystal has many pairs
_reduced_of: dict[str, Structure] = {}
_by_default_of: dict[str, Structure] = {}


def _judged(task: tuple[int, list[tuple[str, str, str, Crystal, Crystal]]], default_every: int) -> list[str]:
    start, pairs = task
    lines = []
    for number, (a, b, formula, one, other) in enumerate(pairs, start):
        asked = bool(default_every) and number % default_every == 0
        for name, crystal in ((a, one), (b, other)):
            if name not in _reduced_of:
                _reduced_of[name] = reduced(crystal)
            if asked and name not in _by_default_of:
                _by_default_of[name] = reduced_by_default(crystal)
        ratio = other.volume / len(other) / (one.volume / len(one))
        own, best, strained = _displacements(_reduced_of[a], _reduced_of[b])
        default = _by_default(_by_default_of[a], _by_default_of[b]) if asked else None
        same, same_own = (d is not None and d <= at for d, at in ((best, BEST_ORIGIN), (own, OWN_ORIGIN)))
        shown = best if best is not None else own
        row = (
            a, b, formula, len(one), len(other), f"{ratio:.6f}", int(same), _digits(shown), _digits(strained),
            int(same_own), _digits(own), "" if default is None else int(default),
        )  # fmt: skip
        lines.append(",".join(map(str, row)) + "\n")
    return lines


def _digits(number: float | None) -> str:
    return "" if number is None else f"{number:.5f}"


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Processes, and on an interruption no further task."""
    # spawned, not forked: polars has threads, and a fork of those may hang
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=_quiet)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _quiet() -> None:
    warnings.filterwarnings("ignore", message="No Pauling electronegativity")  # of noble gases; none is asked here


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calibrate", action="store_true", help="on made duplicates of every n-th real structure")
    parser.add_argument("--pairs", type=Path, metavar="OUT.csv", help="judge every pair that shares a formula")
    parser.add_argument("--every", type=int, help="n of every n-th structure (120 to calibrate, 1 for pairs)")
    parser.add_argument("--default-every", type=int, default=1, help="ask the plain defaults too, on every n-th pair")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    if asked.calibrate:
        print("\n".join(table_of(calibrate(asked.every or 120, asked.processes))))
    if asked.pairs:
        judge(asked.pairs, asked.processes, asked.default_every, asked.every or 1)


if __name__ == "__main__":
    main()
