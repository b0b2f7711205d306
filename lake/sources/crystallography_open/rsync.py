"""rsync: the database's whole tree brought up to date in a local folder, by the program of that name.

What belongs here: how rsync is called and when it failed. What lies in the tree: tree.py.
COD keeps `rsync://www.crystallography.net/cif/` for this; tried against `rsync --daemon` on loopback, never on COD's.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lake.progress import track
from lake.sources.crystallography_open.tree import DIGITS, Tree
from lake.wire.down import SourceDown

MOST_DELETED = 5_000  # files of one night: COD withdraws a few, an empty module would withdraw all of them
CONNECTING = 60  # s until a daemon must have answered
VANISHED = 24  # exit code: files went away while they were copied, as they do in a tree that lives
ITEM = re.compile(r"(?P<what>[<>ch.][fdLDS]|\*deleting)\S* ")  # how a line about one file begins
PARTIAL = ".rsync-partial"
AGAIN = "run the crawl again later: rsync goes on where it stopped"


@dataclass(frozen=True)
class Rsync:
    """Where a tree comes from, and how gently it is copied.

    source: `rsync://host/module/`, or a folder of this machine. bandwidth: KiB/s, 0 for no limit. silence: seconds
    without a byte before a connection counts as dead. longest: seconds one run may take; the next one goes on.
    """

    name: str
    source: str
    bandwidth: int
    silence: float
    longest: float

    def bring(self, tree: Tree) -> tuple[int, int]:
        """Make the tree what the source has: files come whole or not at all, files that went away are deleted.

        Only files where entries belong are copied or deleted, whatever else lies in the folder.
        Returns (copied, deleted). Raises SourceDown with rsync's last line.
        """
        command = self._command(tree)
        tree.folder.mkdir(parents=True, exist_ok=True)
        counts, last, late = Counter(), "", threading.Event()
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=os.environ | {"LC_ALL": "C"},
        ) as process:  # fmt: skip
            timer = threading.Timer(self.longest, lambda: (late.set(), process.terminate()))
            timer.start()
            try:
                for line in track(process.stdout, f"rsync {self.name}"):
                    item = ITEM.match(line)
                    counts[item["what"] if item else ""] += 1
                    last = last if item else line.strip() or last
            except BaseException:
                process.terminate()
                raise
            finally:
                process.wait()
                timer.cancel()
        if late.is_set():
            raise SourceDown(f"{self.name}: rsync of {self.source} was stopped after {self.longest:g} s; {AGAIN}")
        if process.returncode not in (0, VANISHED):
            code = process.returncode
            raise SourceDown(f"{self.name}: rsync of {self.source} ended with {code}, found {last}; {AGAIN}")
        copied, deleted = counts[">f"], counts["*deleting"]
        logging.getLogger(__name__).info("%s: rsync copied %d files, deleted %d", self.name, copied, deleted)
        return copied, deleted

    def _command(self, tree: Tree) -> list[str]:
        program, setting = shutil.which("rsync"), f"CRYSTAL_LAKE_{self.name.upper()}"
        if program is None:
            raise SourceDown(
                f"{self.name}: a tree is copied by rsync, found no such program: install it, "
                f"or clear {setting}_RSYNC and name a folder in {setting}_TREE"
            )
        remote = self.source.startswith("rsync://")
        if not remote and not Path(self.source).is_absolute():
            raise SourceDown(
                f"{self.name}: rsync copies from rsync://host/module/ or from a folder, found {self.source!r}: "
                f"correct {setting}_RSYNC"
            )
        return [
            program,
            "--recursive", "--times",  # no links, owners or devices of a stranger's machine
            f"--partial-dir={PARTIAL}",  # a half file never lies where a whole one belongs
            "--delete-delay", f"--max-delete={MOST_DELETED}",
            *_only_entries(tree),
            "--out-format=%i %n", "--no-motd",
            f"--timeout={round(self.silence)}",
            *([f"--contimeout={CONNECTING}"] if remote else []),
            *([f"--bwlimit={self.bandwidth}"] if self.bandwidth else []),
            "--", self.source.rstrip("/") + "/", f"{tree.folder}/",
        ]  # fmt: skip


def _only_entries(tree: Tree) -> Iterator[str]:
    """Filters for the folders on the way to an entry and for the entries; what they exclude is not deleted either."""
    parts = tree.address("#" * DIGITS).replace("#", "[0-9]").split("/")
    for depth in range(1, len(parts)):
        yield f"--include=/{'/'.join(parts[:depth])}/"
    yield f"--include=/{'/'.join(parts)}"
    yield "--exclude=*"
