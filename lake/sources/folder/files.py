"""Files of crystals below a folder: which there are, and the text of each crystal in them, verbatim.

What belongs here: walking a folder and cutting files, by formats that are named and never guessed from a content.
Links are not followed, hidden and other files are counted and left alone. What a text means belongs to source.py.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import BinaryIO

import orjson

from lake.crystal import CrystalError
from lake.extxyz import frames

ENDINGS = {
    ".cif": "cif", ".vasp": "poscar", ".poscar": "poscar", ".extxyz": "extxyz", ".xyz": "extxyz", ".jsonl": "optimade",
}  # fmt: skip
VASP_NAMES = ("POSCAR", "CONTCAR")  # as VASP calls them, with anything behind
STREAMED = frozenset({"extxyz", "optimade"})  # read piece by piece, so of any size
LARGEST_FILE = 64 << 20  # bytes of a file that is read as a whole
LONGEST_LINE = 16 << 20  # bytes
_BLOCK = re.compile(r"\s*data_(\S*)", re.IGNORECASE)


class BadFile(ValueError):
    """A file, or a part of it, that holds no crystal as its name says; the message is the reason."""


@dataclass(frozen=True)
class Found:
    """A file of a known format: path below the folder, bytes, and what changes when somebody writes to it."""

    path: str
    size: int
    version: str

    @property
    def format(self) -> str:
        """cif, poscar, extxyz or optimade."""
        return format_of(self.path)


@dataclass(frozen=True)
class Piece:
    """One crystal's text in a file: its name there (empty where it is alone), and where the file goes on after it.

    fault: why there is no text.
    """

    name: str
    text: str
    end: int
    fault: str = ""


def format_of(path: str) -> str:
    """The format that a file's name stands for, empty where it stands for none."""
    name = path.rpartition("/")[2]
    if ending := ENDINGS.get(Path(name).suffix.lower()):
        return ending
    return "poscar" if name.startswith(VASP_NAMES) else ""


def walk(root: Path, left: Counter[str]) -> Iterator[Found]:
    """Files of known formats below a folder, sorted in each; counts in `left` what is left alone. Raises OSError."""
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
        deeper = []
        for entry in inside:
            path = f"{folder}{entry.name}"
            if entry.is_symlink():
                left["links"] += 1
            elif entry.name.startswith(".") or not path.isprintable():
                left["hidden"] += 1
            elif entry.is_dir():
                deeper.append(f"{path}/")
            elif entry.is_file() and format_of(path):
                yield found(root, path)
            else:
                left["others"] += 1
        folders += reversed(deeper)


def found(root: Path, path: str) -> Found:
    """A file as it stands now; raises OSError."""
    told = (root / path).lstat()
    return Found(path, told.st_size, f"{told.st_size}-{told.st_mtime_ns}-{told.st_ctime_ns}")


def pieces(root: Path, path: str, start: int = 0, number: int = 0) -> Iterator[Piece]:
    """The crystals of a file from byte `start` on, where it has told `number` of them; raises BadFile or OSError."""
    kind = format_of(path)
    with _opened(root / path) as file:
        file.seek(start)
        if kind == "extxyz":
            yield from _frames(file, number)
        elif kind == "optimade":
            yield from _structures(file, start)
        else:
            content = file.read(LARGEST_FILE + 1)
            if len(content) > LARGEST_FILE:
                raise BadFile(f"a {kind} must stay below {LARGEST_FILE:,} bytes, found more: cut it")
            text = _text(content)
            blocks = cif_blocks(text) if kind == "cif" else [("", text)]
            yield from (Piece(name, block, len(content)) for name, block in blocks)


def cif_blocks(text: str) -> list[tuple[str, str]]:
    """Name and text of each data block with atoms; the whole text under no name where there is one at most.

    A name that comes again, or is none, gets a number.
    """
    starts, quoted, at = [], False, 0
    for line in text.split("\n"):
        if line.startswith(";"):  # a text field begins or ends, in which data_ is a word like any other
            quoted = not quoted
        elif not quoted and (told := _BLOCK.match(line)):
            starts.append((told[1], at))
        at += len(line) + 1
    blocks = [(name, text[start:end]) for (name, start), (_, end) in pairwise([*starts, ("", len(text))])]
    crystals = [(name, block) for name, block in blocks if "_atom_site_fract_x" in block.lower()]
    if len(crystals) < 2:
        return [("", text)]
    named: dict[str, str] = {}
    for name, block in crystals:
        unused = (f"{name}~{number}" for number in count(2) if f"{name}~{number}" not in named)
        named[name if name and name not in named else next(unused)] = block
    return list(named.items())


def _frames(file: BinaryIO, number: int) -> Iterator[Piece]:
    """Frames named by their number from 1, or the one frame of a file."""
    try:
        for lines in frames(_lines(file)):
            end, number = file.tell(), number + 1
            alone = number == 1 and not any(line.strip() for line in _lines(file))
            file.seek(end)
            yield Piece("" if alone else str(number), _text(b"".join(lines)), end)
    except CrystalError as fault:
        raise BadFile(f"from frame {number + 1} on it is no extended XYZ: {fault}") from None


def _structures(file: BinaryIO, start: int) -> Iterator[Piece]:
    """Lines of structures under their ids; a line that cannot be read is told, and the next ones are read."""
    lines = _lines(file)
    if start == 0 and not isinstance(_object(next(lines, b"")).get("x-optimade"), dict):
        raise BadFile('an OPTIMADE JSONL file must begin with a line {"x-optimade": ...}, found another')
    for line in lines:
        row, end = _object(line), file.tell()
        if not row and line.strip():
            yield Piece(f"byte={end - len(line)}", "", end, f"a line must be a JSON object, found {line[:60]!r}")
        elif row.get("type") == "structures":
            named = isinstance(row.get("id"), str | int) and isinstance(row.get("attributes"), dict)
            name = str(row["id"]) if named else f"byte={end - len(line)}"
            yield Piece(name, _text(line), end, "" if named else "a structure must have an id and attributes")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise BadFile(f"a line must stay below {LONGEST_LINE:,} bytes, found a longer one")
        yield line


def _object(line: bytes) -> dict[str, object]:
    """A JSON object, empty where the line is none."""
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _text(content: bytes) -> str:
    """Text of files that are old enough not to be UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _opened(path: Path) -> BinaryIO:
    """A plain file, open for reading: nothing that was put in its place since, and no link."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
