"""What the databases tell night by night: each night some crystals are new, some have changed, and some are gone.

What belongs here: the tellings of a night, and the files of a folder. Some trouble is no fault of the way, and both
lakes meet it: an archive of Open Catalyst holds a member called `../evil`, COD has a CIF that nobody can read, and in
the first night AFLOW counts and lists a row that it cannot tell.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from lake.sample.telling import Telling
from lake.sources import NAMES
from tests.lake._internet import source_ids, telling

EVIL = "../evil.extxyz.xz"  # as a member of an archive is called
BROKEN_CIF = "data_broken\n_cell_length_a none\n_cell_length_b\n"
STRETCH = 1.01  # of a cell, each time its crystal changes


@dataclass
class Shelf:
    """What one database holds: number of a crystal -> how often it has changed. gone: numbers that were taken away."""

    source: str
    holds: dict[int, int]
    gone: list[int] = field(default_factory=list)

    def turn(self, chance: random.Random) -> None:
        """A day passes. What was taken away comes back two days later, as it was."""
        back = self.gone.pop(0) if len(self.gone) > 1 else None
        self.gone.append(chance.choice([*self.holds]))
        del self.holds[self.gone[-1]]
        self.holds[chance.choice([*self.holds])] += 1
        for _ in range(2):
            self.holds[max(*self.holds, *self.gone) + 1] = 0
        if back is not None:
            self.holds[back] = 0

    def tellings(self) -> Iterator[Telling]:
        """As the database tells them now."""
        for number, changes in sorted(self.holds.items()):
            told = telling(self.source, number)
            lattice = told.crystal.lattice * STRETCH**changes  # type: ignore[union-attr]
            facts = {"catalog": "LIB2"} if self.source == "aflow" and number % 3 == 0 else {}
            facts |= {"stray_member": EVIL} if self.source == "ocp" and number == min(self.holds) else {}
            yield replace(told, crystal=replace(told.crystal, lattice=lattice), facts=facts)


def nights(each: int, seed: int) -> Iterator[list[Telling]]:
    """What all databases tell, night after night without end; `each` crystals of each to begin with."""
    chance = random.Random(f"nights {seed}")
    shelves = [Shelf(source, dict.fromkeys(range(1, each + 1), 0)) for source in NAMES]
    for night in count():
        yield [told for shelf in shelves for told in shelf.tellings()] + [broken()] + [untellable()] * (night == 0)
        for shelf in shelves:
            shelf.turn(chance)


def broken() -> Telling:
    """A CIF of COD that is kept as it is, and that no reader can read."""
    return Telling("cod", "1999999", None, verbatim=BROKEN_CIF)


def untellable() -> Telling:
    """A row of AFLOW that is counted and listed, and fails every page that asks for its positions."""
    return replace(telling("aflow", 900), facts={"db_fail": "positions_fractional"})


UNTELLABLE = source_ids("aflow", 900)


def write_folder(folder: Path, night: int, each: int) -> None:
    """Crystals of one's own as POSCAR files: each night one is new, one has changed, and one is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(night, each + night):
        edge = 4.2 + number / 64 + (night / 100 if number == each else 0)
        rows = "\n".join(" ".join(f"{edge if i == j else 0.0:.6f}" for j in range(3)) for i in range(3))
        text = f"crystal {number}\n1.0\n{rows}\nMg O\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"
        (folder / f"{number:04d}.vasp").write_text(text)
    (folder / f"{night - 1:04d}.vasp").unlink(missing_ok=True)
