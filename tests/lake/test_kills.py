"""A crawl that is killed at any moment, and started again, gives the same lake and leaves nothing lying about."""

from __future__ import annotations

import os
import subprocess
import sys

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
