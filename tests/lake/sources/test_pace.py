"""One pace for all who ask the same host: real processes, real files, real kills."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.settings import Settings
from lake.wire.answers import json_of
from lake.wire.clock import LeapingClock
from lake.wire.down import SourceDown
from lake.wire.http import Polite
from lake.wire.lanes import Lanes
from lake.wire.pace import LATE, Line, Pace
from lake.wire.shared_state import Shared
from tests.lake.sources._script import client, reply, server

ASK = """
import sys
from pathlib import Path
from lake.settings import Settings
from lake.wire.answers import json_of
from lake.wire.http import Polite
base, folder, count = sys.argv[1:]
polite = Polite("cod", Settings.for_mirror(base, cod_url=base, cod_rate=20.0, politeness=Path(folder)))
for _ in range(int(count)):
    polite.ask(base, json_of)
"""
HOLD = """
import sys, time
from pathlib import Path
from lake.wire.pace import LATE, Line
from lake.wire.shared_state import Shared
with Shared(Path(sys.argv[1]), Line).changed() as line:
    line.free = 1e12
    print("held", flush=True)
    time.sleep(60)
"""


def line_in(folder):
    return Shared(folder / "line.json", Line)


def test_two_processes_together_keep_to_one_rate(tmp_path):
    """Sleep never ends early, so the last turn comes no earlier than this, however slow the machine is."""
    with server(reply()) as (base, heard):
        start = time.monotonic()
        asking = [subprocess.Popen([sys.executable, "-c", ASK, base, str(tmp_path), "10"]) for _ in range(2)]
        assert [process.wait() for process in asking] == [0, 0]
        seconds = time.monotonic() - start
    assert len(heard) == 20
    assert seconds >= 19 / 20.0


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=2, max_size=30), st.sampled_from([0.5, 2.0, 7.0]))
def test_whoever_asks_turns_are_a_pause_apart(tmp_path_factory, who, rate):
    clock, line = LeapingClock(), line_in(tmp_path_factory.mktemp("pace"))
    paces = [Pace(rate, line, clock, 600.0) for _ in range(3)]
    turns = []
    for number in who:
        paces[number].turn()
        turns.append(clock.now())
    assert all(b - a == pytest.approx((1 + LATE) / rate) for a, b in pairwise(turns))


def test_a_rest_is_not_saved_up_for_a_burst(tmp_path):
    clock = LeapingClock()
    pace = Pace(2.0, line_in(tmp_path), clock, 600.0)
    pace.turn()
    clock.sleep(3600)
    start = clock.now()
    for _ in range(5):
        pace.turn()
    assert clock.now() - start == pytest.approx(2.0)


def test_a_delay_holds_every_session_of_that_host_and_no_other(tmp_path):
    clock = LeapingClock()
    settings = Settings(politeness=tmp_path)
    cod, pcod, oqmd = (Polite(source, settings, clock) for source in ("cod", "pcod", "oqmd"))
    start = clock.now()
    cod.delay(30)
    oqmd.turn()
    assert clock.now() == start
    pcod.turn()  # the same server as COD's
    assert clock.now() - start == pytest.approx(30)


@pytest.mark.parametrize(
    "junk", [b"", b"\xff\xfe", b"{", b'{"free": NaN}', b'{"free": "soon"}', b"[]", b'{"free": 9e99}']
)
def test_a_spoilt_state_is_started_afresh(tmp_path, junk):
    (tmp_path / "line.json").write_bytes(junk)
    clock = LeapingClock()
    pace = Pace(2.0, line_in(tmp_path), clock, 600.0)
    pace.turn()
    pace.turn()
    assert clock.slept == pytest.approx([0.5 * (1 + LATE)])


def test_a_process_killed_while_it_holds_the_lock_stops_nobody_and_leaves_nothing_half(tmp_path):
    path = tmp_path / "line.json"
    Pace(2.0, line_in(tmp_path), LeapingClock(), 600.0).turn()
    before = path.read_bytes()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holding:
        assert holding.stdout.readline() == b"held\n"
        holding.send_signal(signal.SIGKILL)
    assert path.read_bytes() == before
    clock = LeapingClock()
    Pace(2.0, line_in(tmp_path), clock, 600.0).turn()
    assert clock.slept == pytest.approx([0.5 * (1 + LATE)])


def test_a_state_that_cannot_be_kept_says_what_to_do(tmp_path):
    (tmp_path / "a file").touch()
    polite = Polite("cod", Settings(politeness=tmp_path / "a file" / "below"), LeapingClock())
    with pytest.raises(SourceDown, match="set CRYSTAL_LAKE_POLITENESS"):
        polite.turn()
    with pytest.raises(SourceDown, match="set CRYSTAL_LAKE_POLITENESS"):
        polite.ask(polite.base, json_of)


def test_a_mirror_keeps_nothing_on_disk(tmp_path):
    with server(reply(503), reply()) as (base, _):
        polite = client(base, politeness=tmp_path / "never", budget=100)
        polite.ask(base, json_of)
        polite.delay(1)
        polite.give_up("for a test")
    assert not (tmp_path / "never").exists()


def test_no_more_requests_are_on_their_way_than_there_are_lanes(tmp_path):
    clock = LeapingClock()
    waits = [Lanes(tmp_path, "host", 2, clock) for _ in range(3)]

    class Leaving(LeapingClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            first.__exit__(None, None, None)

    first, second = waits[0].one(), waits[1].one()
    first.__enter__()
    with second:
        third = Lanes(tmp_path, "host", 2, leaving := Leaving())
        with third.one():
            assert len(leaving.slept) == 1  # it came in when the first had left
    assert clock.slept == []


def test_a_question_that_fails_leaves_its_lane(tmp_path):
    with server(reply(403), reply()) as (base, _):
        polite = client(base, cod_rate=1000.0, politeness=tmp_path, connections=1)
        with pytest.raises(SourceDown):
            polite.ask(base, json_of)
        assert polite.ask(base, json_of).value == {"ok": 1}
