"""Opened: Delta tables as they were last read, read anew only where their log has grown.

To open a table Delta Lake reads its log, which takes longer than most of our questions. A version never changes once it
is written, and the next one is a file named by the next number: two looks at the folder say whether what was read
stands still. Tables that are written with are not taken from here, since a write moves them on.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from deltalake import DeltaTable

MOST = 128  # tables and versions that are remembered: each holds the names of its files

Stamp = tuple[int, int, int]


class _Seen(NamedTuple):
    table: DeltaTable
    stamp: Stamp


_seen: OrderedDict[tuple[str, int | None], _Seen] = OrderedDict()
_lock = Lock()


def opened(folder: Path, version: int | None = None) -> DeltaTable:
    """The table at a version, or as it is now; only to be read, since others may hold the same."""
    key = str(folder), version
    with _lock:
        seen = _seen.get(key)
        if seen is not None and _stands(folder, seen, version):
            _seen.move_to_end(key)
            return seen.table
    table = DeltaTable(folder, version=version)
    stamp = _stamp(_commit(folder, table.version()))
    with _lock:
        _seen.pop(key, None)
        if stamp is not None:
            _seen[key] = _Seen(table, stamp)
        while len(_seen) > MOST:
            _seen.popitem(last=False)
    return table


def _stands(folder: Path, seen: _Seen, version: int | None) -> bool:
    at = seen.table.version()
    return _stamp(_commit(folder, at)) == seen.stamp and (version is not None or not _commit(folder, at + 1).exists())


def _commit(folder: Path, version: int) -> Path:
    return folder / "_delta_log" / f"{version:020d}.json"


def _stamp(file: Path) -> Stamp | None:
    """What a folder that was deleted and made again would not repeat; None where the log no longer has the commit."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
