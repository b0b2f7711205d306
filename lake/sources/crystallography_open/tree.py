"""A local copy of the database's files: which entries it holds, what their files say, and nothing outside of it.

What belongs here: walking and reading a folder of CIFs. How the folder is filled belongs to
rsync.py, what a crawl asks of it to engine.py.
Tried on folders made from the sample and from 99 real CIFs; the real tree of 535,041 files was never seen here.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from lake.sources.crystallography_open.rows import header_of
from lake.wire.down import SourceDown

DIGITS = 7  # of an id
HEAD = 4096  # bytes that hold a CIF's header lines


class Unreadable(ValueError):
    """A file of the tree that cannot be read; the message is the reason that stands in `rejects`."""


@dataclass(frozen=True)
class File:
    """A file as read: its bytes, their SHA-256, and the stamp of exactly these bytes."""

    content: bytes
    sha256: str
    stamp: str


@dataclass(frozen=True)
class Tree:
    """A folder of CIFs.

    address: id -> path of its file below the folder, by the digits of the id alone. largest: bytes of a file at most.
    Links are followed inside the folder, never out of it.
    """

    folder: Path
    address: Callable[[str], str]
    largest: int

    @property
    def there(self) -> bool:
        """Whether the folder holds anything that looks like the tree."""
        return self.folder.is_dir() and any(self._pattern[0].fullmatch(path.name) for path in self.folder.iterdir())

    def check(self) -> None:
        """Raise SourceDown for a folder without CIFs: it is not filled yet, or its disk is not mounted."""
        if not self.there:
            raise SourceDown(
                f"a tree must hold CIFs at {self.address('1234567')}, found none below {self.folder}: "
                "name the right folder, mount its disk, or let rsync fill it"
            )

    def prefixes(self) -> Iterator[str]:
        """The first five digits of all ids, in order: at most a hundred entries each. Memory holds one folder.

        Raises SourceDown for a folder that cannot be read: what it holds must not count as gone.
        """
        strangers = 0
        for ids, strange in self._folders():
            strangers += strange
            yield from sorted({entry[:5] for entry in ids})
        if strangers:
            logging.getLogger(__name__).warning("%s: %d files or folders are no CIFs of the tree", self, strangers)

    def count(self) -> tuple[int, int]:
        """(entries, files and folders that are none) of the whole tree; raises SourceDown."""
        entries = strangers = 0
        for ids, strange in self._folders():
            entries, strangers = entries + len(ids), strangers + strange
        return entries, strangers

    def ids(self, prefix: str) -> list[str]:
        """The entries whose ids begin with these digits, in order."""
        width = DIGITS - len(prefix)
        candidates = (f"{prefix}{number:0{width}}" if width else prefix for number in range(10**width))
        return [entry for entry in candidates if os.path.lexists(self.folder / self.address(entry))]

    def stamp(self, entry: str) -> str:
        """What changes with an entry's file, read off its first lines; raises Unreadable."""
        head, found = self._read(entry, HEAD)
        return _stamp(head, found)

    def file(self, entry: str) -> File:
        """An entry's file; raises Unreadable."""
        content, found = self._read(entry, self.largest + 1)
        if len(content) > self.largest:
            raise Unreadable(
                f"a CIF must stay below {self.largest:,} bytes, {self.address(entry)} has {found.st_size:,}: "
                "raise CRYSTAL_LAKE_LARGEST_CIF"
            )
        return File(content, sha256(content).hexdigest(), _stamp(content[:HEAD], found))

    @cached_property
    def _pattern(self) -> list[re.Pattern[str]]:
        """What names look like on the way to a file."""
        parts = self.address("#" * DIGITS).split("/")
        return [re.compile(re.escape(part).replace(r"\#", "[0-9]")) for part in parts]

    @cached_property
    def _home(self) -> Path:
        return self.folder.resolve()

    def _read(self, entry: str, most: int) -> tuple[bytes, os.stat_result]:
        where = self.address(entry)
        try:
            path = (self.folder / where).resolve(strict=True)
            if not path.is_relative_to(self._home):
                raise Unreadable(f"a file of the tree must lie in it, {where} leads elsewhere")
            if not path.is_file():  # opening a pipe would wait for ever
                raise Unreadable(f"an entry must be a file, {where} is none")
            with path.open("rb") as file:
                return file.read(most), os.fstat(file.fileno())
        except (OSError, RuntimeError) as fault:  # RuntimeError: a link that leads to itself
            words = fault.strerror if isinstance(fault, OSError) else "a link that leads to itself"
            raise Unreadable(f"a file of the tree must be readable, {where} is not: {words}") from None

    def _folders(self) -> Iterator[tuple[list[str], int]]:
        """(ids in order, names that are no entry's), folder by folder, in order."""
        self.check()
        yield from self._below(self.folder, self._pattern)

    def _below(self, folder: Path, pattern: list[re.Pattern[str]]) -> Iterator[tuple[list[str], int]]:
        try:
            names = sorted(path.name for path in folder.iterdir() if path.name[0] != ".")  # hidden: a tool's own
        except OSError as fault:
            raise SourceDown(f"a tree must be readable, {folder} is not: {fault.strerror}") from None
        fitting = [name for name in names if pattern[0].fullmatch(name)]
        if len(pattern) == 1:
            ids = [name[:DIGITS] for name in fitting if self.folder / self.address(name[:DIGITS]) == folder / name]
            yield ids, len(names) - len(ids)
            return
        inside = [folder / name for name in fitting if self._is_own_folder(folder / name)]
        yield [], len(names) - len(inside)
        for path in inside:
            yield from self._below(path, pattern[1:])

    def _is_own_folder(self, path: Path) -> bool:
        return path.is_dir() and path.resolve().is_relative_to(self._home)

    def __str__(self) -> str:
        return f"the tree {self.folder}"


def _stamp(head: bytes, found: os.stat_result) -> str:
    """The revision that Subversion wrote; a file without one is told by its size and time, which rsync keeps."""
    return header_of(head).get("Revision") or f"{found.st_size}@{found.st_mtime_ns}"
