"""Extended XYZ text to frames, fields and Crystal, straight to arrays.

What belongs here: cutting a trajectory into frames, and reading one periodic frame. Where trajectories come from
belongs to `lake/sources`. The format is ase's: a count, a comment line of `key=value`, and a row of columns per atom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import AnyStr

import numpy as np

from lake.crystal import NUMBER, Crystal, CrystalError

MOST_ATOMS = 10_000
PLAIN = "species:S:1:pos:R:3"  # the columns of a frame that does not name them
# a key stands at the beginning of a word; possessive, so that a line of one long word costs its length once
_PAIR = re.compile(
    r"""(?<!\S)([^\s="']++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|'([^']*+)'|(\{[^}]*+\}|\[[^\]]*+\])|(\S++))"""
)


def frames(lines: Iterable[AnyStr]) -> Iterator[list[AnyStr]]:
    """The lines of one frame after another, as they stand; CrystalError where one is none or breaks off."""
    lines = iter(lines)
    for head in lines:
        if not head.strip():
            continue
        if not head.strip().isdigit() or int(head) > MOST_ATOMS:
            raise CrystalError(f"a frame must begin with its number of atoms, up to {MOST_ATOMS}, found {head[:40]!r}")
        frame = [head, *islice(lines, int(head) + 1)]
        if len(frame) != int(head) + 2:
            raise CrystalError(f"a frame of {int(head)} atoms must have {int(head) + 2} lines, found {len(frame)}")
        yield frame


def extxyz_fields(frame: str) -> dict[str, object]:
    """What a frame's comment line says: numbers, T and F as bool, several numbers as a list, anything else as text."""
    return {key: _value(next(filter(None, told), "")) for key, *told in _PAIR.findall(_comment(frame))}


def crystal_from_extxyz(frame: str) -> Crystal:
    """A frame in its own cell; CrystalError for a frame that is not periodic in all three directions, or not whole."""
    told = {key: next(filter(None, words), "") for key, *words in _PAIR.findall(_comment(frame))}
    count, width, symbols, positions = int(frame.split("\n", 1)[0]), *_columns(told.get("Properties") or PLAIN)
    lattice = _lattice(told)
    words = frame.split("\n", 2)[-1].split()
    if len(words) != count * width:
        raise CrystalError(f"{count} atoms of {width} columns must be {count * width} words, found {len(words)}")
    try:
        cartesian = np.array([list(map(float, words[positions + axis :: width])) for axis in range(3)])
        numbers = [_number(word) for word in words[symbols::width]]
    except ValueError as fault:
        raise CrystalError(f"atoms need elements and numbers as coordinates, found {fault}") from None
    return Crystal(lattice, np.linalg.solve(lattice.T, cartesian).T, numbers)


def _comment(frame: str) -> str:
    return frame.split("\n", 2)[1]


def _lattice(told: dict[str, str]) -> np.ndarray:
    """(3, 3), rows are the cell vectors in A."""
    if "Lattice" not in told or not set(told.get("pbc", "").replace('"', "").split()) <= {"T", "True", "1"}:
        found = f'pbc="{told["pbc"]}"' if "Lattice" in told else "no Lattice"
        raise CrystalError(f"a crystal repeats in three directions, found {found}: a molecule, a wire or a layer")
    try:
        lattice = np.array(told["Lattice"].split(), dtype=np.float64).reshape(3, 3)
    except ValueError:
        raise CrystalError(f"Lattice must be nine numbers, found {told['Lattice'][:80]!r}") from None
    if not (np.isfinite(lattice).all() and abs(np.linalg.det(lattice)) > 1e-6):
        raise CrystalError(f"cell vectors must span a volume, found {told['Lattice'][:80]!r}")
    return lattice


@lru_cache(maxsize=64)
def _columns(properties: str) -> tuple[int, int, int]:
    """Columns in all, the column of the element, the first of the positions."""
    words, at, width = properties.split(":"), {}, 0
    for name, kind, many in zip(words[0::3], words[1::3], words[2::3], strict=False):
        at[name, kind] = width
        width += int(many) if many.isdigit() else 0
    elements = at.get(("species", "S"), at.get(("Z", "I")))
    if len(words) % 3 or elements is None or ("pos", "R") not in at:
        raise CrystalError(f"Properties must name species and pos, found {properties[:80]!r}")
    return width, elements, at["pos", "R"]


def _number(word: str) -> int:
    """Atomic number of a symbol, or of a number itself."""
    if word in NUMBER:
        return NUMBER[word]
    if not word.isdigit():
        raise ValueError(repr(word))
    return int(word)


def _value(text: str) -> object:
    if text in ("T", "F", "True", "False"):
        return text[0] == "T"
    words = text.split()
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return text
    return numbers[0] if len(numbers) == 1 else numbers or text
