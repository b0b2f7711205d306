"""A crawl that is killed at any moment, and started again, gives the same lake and leaves nothing lying about."""

from __future__ import annotations

import os
import subprocess
import sys

from lake.sample.mirror.oqmd_dump import dumped
from lake.sample.mirror.told import Told
from lake.sources.oqmd_staging import staged
from tests.lake._internet import telling

KNOWS = """
import os, signal
from lake.known import Known
known = Known()
known.list("", "", [f"mp-{number}" for number in range(300_000)])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_crawl_that_is_killed_leaves_no_temporary_file(tmp_path):
    env = os.environ | {"TMPDIR": str(tmp_path), "SQLITE_TMPDIR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", KNOWS], env=env).returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_staging_left_beside_a_whole_one_is_removed(tmp_path):
    dump = tmp_path / "oqmd.sql"
    dump.write_bytes(b"".join(dumped([Told(telling("oqmd", 1))])))
    there = staged(dump, "0" * 64, tmp_path / "staging")
    (there.parent / "oqmd.raw").write_bytes(b"killed")
    assert staged(dump, "0" * 64, there.parent) == there
    assert [*there.parent.iterdir()] == [there]
