"""CIF text to crystal: this lake's reader against pymatgen's CifParser, on the same texts, in the same run.

    OMP_NUM_THREADS=1 python benchmarks/cif.py --core 0

Both read every text, in turns of ten texts, so that a busy machine slows both. A text counts where both read it and the
crystals are the same: elements, volume, and every distance between two atoms. Seconds are CPU time of the process; what
is printed are medians over the texts, their ratio, and texts per CPU second, of all and by atoms in the cell. gemmi's
parser alone is timed too: no reader on top of it is faster. P 1 files: every n-th of the Materials Project's 2018 file,
symmetric ones: COD's recorded entries. Where they are not at hand, the sample's crystals are written, by pymatgen in
P 1 and by the mirror of COD with their symmetry.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import gemmi
import numpy as np
import polars as pl
from pymatgen.io.cif import CifParser, CifWriter

from lake.cif import cif_text, crystal_from_cif
from lake.crystal import Crystal, CrystalError
from lake.sample.crystals import sample_crystals
from lake.sample.mirror.told import Told
from lake.sample.mirror.written_cif import written_cif
from lake.sample.telling import Telling

DATA = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA") or "../shared/data")
IN_TURN = 10  # texts that one reader reads before the other does
DISTANCE = 1e-3  # A: distances that agree; pymatgen moves 0.3333 to 1/3
VOLUME = 1e-5  # relative
LARGEST = 10**6  # atoms; no cell has as many
SIZES = ((1, 1), (2, 10), (11, 40), (41, LARGEST))  # atoms, first and last


class Timed(NamedTuple):
    """A text's atoms in the cell, and the CPU seconds of its readings: ours and the parser's in every round."""

    atoms: int
    ours: tuple[float, ...]
    parser: tuple[float, ...]
    theirs: float


def p1_texts(count: int) -> tuple[str, list[str]]:
    """Where they are from, and CIFs that list every atom."""
    file = DATA / "mp2018_multi_property.parquet"
    if file.is_file():
        texts = pl.read_parquet(file, columns=["cif"])["cif"]
        return file.name, texts.gather_every(max(1, len(texts) // count))[:count].to_list()
    return "the sample, written by pymatgen", [str(CifWriter(c.to_pymatgen())) for c in _sample()][:count]


def symmetric_texts() -> tuple[str, list[str]]:
    """Where they are from, and CIFs that list some atoms and the operations that make the others."""
    files = sorted((DATA / "wire" / "cod").glob("**/*.cif"))
    if files:
        return "recorded entries of COD", [cif_text(file.read_bytes()) for file in files]
    tellings = [Telling("cod", f"{1000000 + n}", crystal) for n, crystal in enumerate(_sample())]
    return "the sample, written by its mirror of COD", [written_cif(Told(t), "cod", t.source_id, 1) for t in tellings]


def _sample() -> Iterator[Crystal]:
    return (sample.crystal for sample in sample_crystals())


def by_pymatgen(text: str) -> Crystal:
    """pymatgen's reading in the CIF's own cell; raises CrystalError for partial occupancy, and what pymatgen raises."""
    return Crystal.from_pymatgen(CifParser.from_str(text).parse_structures(primitive=False)[0])


def same(one: Crystal, other: Crystal) -> bool:
    """The same elements, volume and distances between all pairs of atoms, whatever the order and the orientation."""
    if one.counts != other.counts or abs(one.volume / other.volume - 1) > VOLUME:
        return False
    return bool(np.allclose(_distances(one), _distances(other), rtol=0, atol=DISTANCE))


def _distances(crystal: Crystal) -> np.ndarray:
    apart = crystal.positions[:, None] - crystal.positions[None]
    return np.sort(np.linalg.norm((apart - np.round(apart)) @ crystal.lattice, axis=2), axis=None)


def read_alike(texts: list[str]) -> tuple[list[str], int]:
    """The texts that both read as the same crystal, and the number that both read as different ones."""
    alike, different = [], 0
    for text in texts:
        try:
            ours, theirs = crystal_from_cif(text), by_pymatgen(text)
        except (CrystalError, ValueError, KeyError, IndexError, AssertionError, TypeError):
            continue
        alike += [text] * same(ours, theirs)
        different += not same(ours, theirs)
    return alike, different


def seconds(read: Callable[[str], object], texts: list[str]) -> list[float]:
    """CPU seconds of each text."""
    taken = []
    for text in texts:
        began = time.process_time_ns()
        read(text)
        taken.append((time.process_time_ns() - began) / 1e9)
    return taken


def compared(name: str, source: str, texts: list[str], rounds: int) -> None:
    """Print how many texts count, and one line on all of them and on those of each size."""
    alike, different = read_alike(texts)
    print(f"{name}: {source}: {len(texts)} texts, {len(alike)} read alike by both, {different} differently")
    timed: list[Timed] = []
    for start in range(0, len(alike), IN_TURN):
        some = alike[start : start + IN_TURN]
        ours = [seconds(crystal_from_cif, some) for _ in range(rounds)]
        parser = [seconds(gemmi.cif.read_string, some) for _ in range(rounds)]
        theirs = seconds(lambda text: CifParser.from_str(text).parse_structures(primitive=False), some)
        atoms = (len(crystal_from_cif(text)) for text in some)
        timed += map(Timed, atoms, zip(*ours, strict=True), zip(*parser, strict=True), theirs)
    _print_medians("all", timed)
    for least, most in SIZES:
        if of_size := [one for one in timed if least <= one.atoms <= most]:
            _print_medians(f"{least} to {most} atoms" if most < LARGEST else f"{least} atoms and more", of_size)


def _print_medians(name: str, timed: list[Timed]) -> None:
    ours = [second for one in timed for second in one.ours]
    parser = [second for one in timed for second in one.parser]
    theirs = [one.theirs for one in timed]
    print(
        f"  {name}: {len(timed)} texts, median of {statistics.median(one.atoms for one in timed):.0f} atoms: "
        f"lake {1e6 * statistics.median(ours):.0f} us (gemmi's parser alone {1e6 * statistics.median(parser):.0f} us), "
        f"pymatgen {1e6 * statistics.median(theirs):.0f} us, "
        f"ratio {statistics.median(theirs) / statistics.median(ours):.0f}; per CPU second: "
        f"lake {len(ours) / sum(ours):,.0f}, pymatgen {len(theirs) / sum(theirs):,.0f}, "
        f"ratio {statistics.fmean(theirs) / statistics.fmean(ours):.0f}"
    )


def main() -> None:
    """Read, compare, and print the medians and the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="P 1 files")
    parser.add_argument("--rounds", type=int, default=10, help="times the faster reader reads each text")
    parser.add_argument("--core", type=int, default=0, help="the one core to run on")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    warnings.simplefilter("ignore")  # pymatgen tells of every rounded coordinate
    compared("P 1", *p1_texts(asked.count), asked.rounds)
    compared("symmetric", *symmetric_texts(), asked.rounds)
    versions = ", ".join(f"{name} {version(name)}" for name in ("gemmi", "pymatgen", "numpy"))
    load = os.getloadavg()[0]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}, {versions}"
    )


if __name__ == "__main__":
    main()
