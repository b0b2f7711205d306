"""A download: one file of any size that goes on where it was cut off, and counts only when its MD5 is right.

What belongs here: what has come of a file and how the rest is asked for. Patience and politeness belong to http.py.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import requests
from filelock import FileLock, Timeout

from lake.settings import Settings
from lake.wire.answers import NotData, TryAgain
from lake.wire.body import PIECE, pieces_of
from lake.wire.clock import Clock
from lake.wire.down import NotNow, SourceDown

WHOLES = 3  # whole files with a wrong MD5 before the server is believed to have no other
STRETCH = 1 << 20  # bytes in one go that show a connection to be alive, however often it breaks


class NoRoom(NotNow):
    """A disk that cannot hold what is to come. To a crawl the same as a database that is down: not now."""


class Download:
    """What has come of a file so far: its bytes, their digests, and the server's own name for this version of it.

    The bytes are kept as they are sent, packed or not: that is what an MD5 list speaks of.
    file: open for reading and writing, with what came before. version: where that name is kept over a kill, if at all.
    """

    def __init__(self, file: BinaryIO, version: Path | None = None) -> None:
        self._file, self._version = file, version
        self.size, self.furthest, self.name = 0, 0, ""
        self._md5, self._sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        with suppress(OSError):
            self.name = version.read_text() if version else ""
        file.seek(0)
        while piece := file.read(PIECE):
            self._digest(piece)
        self.furthest = self.size

    @property
    def md5(self) -> str:
        """MD5 of what has come, hex."""
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        """SHA-256 of what has come, hex."""
        return self._sha256.hexdigest()

    def headers(self, md5: str | None) -> dict[str, str]:
        """What a request for the rest says. Without a name or an MD5 nobody could tell that it is the same file."""
        if self.size and not self.name and not md5:
            self.discard()
        rest = {"Range": f"bytes={self.size}-"} if self.size else {}
        same = {"If-Range": self.name} if rest and self.name else {}
        return {"Accept-Encoding": "identity", **rest, **same}

    def begin(self, response: requests.Response) -> None:
        """Make ready for this answer's bytes: the rest, or the whole file where the server gives that.

        Raises NoRoom, or TryAgain for another part than the one asked for.
        """
        if response.status_code == 206:
            start = _start_of(response.headers.get("Content-Range", ""))
            if start != self.size:
                self.discard()
                raise TryAgain(f"a part from byte {start} where another was asked for")
        else:
            self.discard()
            self._call(_name_of(response.headers))
        self._check_room(response)

    def take(self, piece: bytes) -> None:
        """Add to what has come. Raises NoRoom where the disk has become full."""
        try:
            self._file.write(piece)
        except OSError as fault:
            raise NoRoom(
                f"a download must fit on the disk, found {fault} after {self.size:,} bytes; make room"
            ) from fault
        self._digest(piece)
        self.furthest = max(self.furthest, self.size)

    def discard(self) -> None:
        """Forget what has come."""
        self._file.seek(0)
        self._file.truncate()
        self._md5, self._sha256, self.size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        self._call("")

    def _digest(self, piece: bytes) -> None:
        self._md5.update(piece)
        self._sha256.update(piece)
        self.size += len(piece)

    def _call(self, name: str) -> None:
        self.name = name
        if self._version:
            self._version.write_text(name)

    def _check_room(self, response: requests.Response) -> None:
        coming = response.headers.get("Content-Length", "")
        free = _free(self._file)
        if coming.isdigit() and free is not None and int(coming) > free:
            response.close()
            raise NoRoom(
                f"{response.url} needs {int(coming):,} bytes more on disk, found {free:,} free at "
                f"{getattr(self._file, 'name', 'a file')}; make room there or choose another folder"
            )


@dataclass
class Rest:
    """What is still to come of a file: called until it returns the URL it came from.

    It raises what may pass (a broken connection, a wrong MD5), and SourceDown after WHOLES files of a wrong MD5. That a
    connection breaks is no fault while each brings a stretch further than any before.
    ask: headers -> an answer whose body is unread. count: told the bytes of each piece.
    """

    download: Download
    md5: str | None
    ask: Callable[[dict[str, str]], requests.Response]
    settings: Settings
    clock: Clock
    count: Callable[[int], None]
    wrong: int = 0

    def __call__(self) -> str:
        """Bring it."""
        while True:
            before = self.download.furthest
            try:
                url = self._stretch()
                break
            except TryAgain as fault:
                if fault.after is not None or self.download.furthest - before < STRETCH:
                    raise
                self.clock.sleep(self.settings.wait_initial)
        if not self.md5 or self.download.md5 == self.md5.lower():
            return url
        self.wrong += 1
        found = f"a file whose MD5 is {self.download.md5} where {self.md5} was promised"
        self.download.discard()
        if self.wrong >= WHOLES:
            raise SourceDown(
                f"asked {url} for {self.wrong} whole files, found {found}; the file or the list has changed"
            )
        raise NotData(found)

    def _stretch(self) -> str:
        came = self.download
        response = self.ask(came.headers(self.md5))
        if response.status_code == 416:  # nothing is left, or the file has become shorter
            whole = response.headers.get("Content-Range", "").rpartition("/")[2]
            response.close()
            if whole == str(came.size):
                return response.url
            came.discard()
            raise TryAgain("a file of another length than before")
        came.begin(response)
        mark, since = came.size, self.clock.monotonic()
        for piece in pieces_of(response, self.count):
            came.take(piece)
            if came.size - mark >= STRETCH:
                mark, since = came.size, self.clock.monotonic()
            elif self.clock.monotonic() - since > self.settings.slowest:
                raise TryAgain(f"less than {STRETCH:,} bytes in {self.settings.slowest:g} s")
        return response.url


@contextmanager
def part_of(path: Path) -> Iterator[Download]:
    """A file that grows as `<name>.part` and gets its name when the block ends well; what came stays if it does not.

    Raises SourceDown where another process is at it.
    """
    part, version, lock = (path.with_name(path.name + end) for end in (".part", ".version", ".lock"))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, blocking=False):
            with part.open("a+b") as file:
                yield Download(file, version)
            version.unlink(missing_ok=True)  # first: beside a file that is whole nobody would remove it
            part.replace(path)
    except Timeout:
        raise SourceDown(
            f"{path} must be downloaded by one process at a time, found another at it; wait for it"
        ) from None


def _start_of(content_range: str) -> int | None:
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", content_range.strip())
    return int(found[1]) if found else None


def _name_of(headers: Mapping[str, str]) -> str:
    """What If-Range may say: a strong ETag, else the date of change."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _free(file: BinaryIO) -> int | None:
    """Bytes free where a file stands; None where it stands in memory."""
    try:
        disk = os.fstatvfs(file.fileno())
    except (OSError, AttributeError):
        return None
    return disk.f_bavail * disk.f_frsize
