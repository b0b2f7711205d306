"""Writers, publishers and vacuums are killed, and publishers meet: every reader sees a whole snapshot all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.snapshots import killed, write
from lake.snapshots import names
from lake.sql import publish, query, shown
from lake.store import Lake

SEED = 20261123


def test_five_kills_show_no_reader_a_half(tmp_path):
    about, seen, wrong = killed(tmp_path / "lake", 5, SEED, readers=1)
    assert about.total() == 5 and len(about) >= 3
    assert [fault for one in seen for fault in one.faults] + wrong == []
    assert seen[0].looks >= 2


PUBLISHER = """
import sys
sys.path.insert(0, {here!r})
from benchmarks.snapshots import write
from lake.sql import publish
from lake.store import Lake
lake = Lake(sys.argv[1])
for number in range(3):
    publish(lake)
"""


def test_publishers_that_meet_all_succeed_and_the_file_is_never_half(tmp_path):
    lake = Lake(tmp_path)
    write(lake, 1)
    publish(lake)
    code = PUBLISHER.format(here=str(Path(__file__).parents[2]))
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(2)]
    write(lake, 2)
    while any(process.poll() is None for process in running):
        assert query(lake, "select count(distinct value) from observations").item() == 1
    assert [process.wait() for process in running] == [0, 0]
    publish(lake)
    assert query(lake, "select distinct value from property_matrix p join observations o "
                       "on p.band_gap = o.value").item() == 2.0  # fmt: skip
    assert shown(lake) == names(lake)[-1]
    assert [file.name for file in tmp_path.iterdir() if "duckdb" in file.name] == ["lake.duckdb"]
