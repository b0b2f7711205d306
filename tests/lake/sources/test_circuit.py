"""A circuit opens on a database that is down, leaves the others alone, and closes by itself."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.settings import Settings
from lake.wire.answers import json_of
from lake.wire.circuit import Circuit, CircuitOpen, Fuse
from lake.wire.clock import LeapingClock
from lake.wire.down import SourceDown
from lake.wire.http import Polite
from lake.wire.shared_state import Shared
from tests.lake.sources._script import client, reply, server


def circuit(clock, path=None, **how):
    return Circuit("cod", Shared(path, Fuse), clock, **how)


def cod(base, clock, folder, **more):
    return client(base, clock, cod_rate=1000.0, politeness=folder, **more)


def test_who_is_given_up_is_asked_nothing_by_any_session_and_others_are(tmp_path):
    clock = LeapingClock()
    with server(reply()) as (base, heard), server(reply()) as (other, also):
        cod(base, clock, tmp_path).give_up("three units failed")
        with pytest.raises(CircuitOpen):
            cod(base, clock, tmp_path).ask(base, json_of)
        settings = Settings.for_mirror(other, oqmd_url=other, oqmd_rate=1000.0, politeness=tmp_path)
        assert Polite("oqmd", settings, clock).ask(other, json_of).value == {"ok": 1}
    assert len(heard) == 0 and len(also) == 1


def test_the_refusal_says_since_when_until_when_why_and_how_to_close_it_by_hand(tmp_path):
    clock = LeapingClock(start=1_700_000_000.0)
    with server(reply()) as (base, _):
        polite = cod(base, clock, tmp_path)
        polite.give_up("three units failed")
        with pytest.raises(CircuitOpen) as told:
            polite.ask(base, json_of)
        words = str(told.value)
        assert "since 2023-11-14 22:13 UTC" in words and "until 2023-11-14 22:18 UTC" in words
        assert "three units failed" in words
        Path(words.rpartition("delete ")[2]).unlink()
        assert polite.ask(base, json_of).value == {"ok": 1}


def test_patience_exhausted_often_enough_in_a_row_opens_it_and_a_good_answer_starts_the_count_anew():
    clock = LeapingClock()
    bad, good = [reply(503)] * 3, [reply()]
    with server(*bad, *bad, *good, *bad, *bad, *bad, *good) as (base, heard):
        polite = client(base, clock, circuit_after=3)
        for unanswered in (True, True, False, True, True, True):
            if unanswered:
                with pytest.raises(SourceDown, match="3 times"):
                    polite.ask(base, json_of)
            else:
                polite.ask(base, json_of)
        before = len(heard)
        with pytest.raises(CircuitOpen, match="HTTP 503"):
            polite.ask(base, json_of)
    assert len(heard) == before == 16


def test_a_plain_refusal_says_nothing_about_the_database():
    with server(*[reply(404)] * 5, reply()) as (base, _):
        polite = client(base, circuit_after=3)
        for _ in range(5):
            with pytest.raises(SourceDown, match="HTTP 404"):
                polite.ask(base, json_of)
        assert polite.ask(base, json_of).value == {"ok": 1}


def test_cool_downs_double_up_to_the_longest_and_a_good_answer_forgets_them():
    clock = LeapingClock()
    it = circuit(clock, after=1, first=300, longest=3000)
    lasted = []
    for _ in range(6):
        it.exhausted("HTTP 503")
        opened = clock.now()
        while True:
            try:
                it.check()
                break
            except CircuitOpen:
                clock.sleep(10)
        lasted.append(clock.now() - opened)
    assert lasted == [300, 600, 1200, 2400, 3000, 3000]
    it.good()
    it.exhausted("HTTP 503")
    clock.sleep(300)
    it.check()


def test_after_a_cool_down_one_tries_and_the_others_wait_for_what_it_finds(tmp_path):
    clock, path = LeapingClock(), tmp_path / "fuse.json"
    first, second = circuit(clock, path), circuit(clock, path)
    first.open("down")
    clock.sleep(300)
    second.check()
    second.check()  # as often as its patience wants
    with pytest.raises(CircuitOpen):
        first.check()
    second.good()
    first.check()


def test_a_trial_that_was_killed_does_not_keep_the_others_out_for_ever(tmp_path):
    clock, path = LeapingClock(), tmp_path / "fuse.json"
    circuit(clock, path).open("down")
    clock.sleep(300)
    circuit(clock, path).check()  # and is never heard of again
    clock.sleep(300)
    circuit(clock, path).check()


@given(st.lists(st.sampled_from(["check", "good", "exhausted", "open", "wait"]), max_size=40))
def test_no_state_is_without_a_way_out(deeds):
    clock = LeapingClock()
    it = circuit(clock, after=2, first=60, longest=600)
    for deed in deeds:
        with suppress(CircuitOpen):
            {
                "check": it.check, "good": it.good, "exhausted": lambda: it.exhausted("503"),
                "open": lambda: it.open("told so"), "wait": lambda: clock.sleep(45),
            }[deed]()  # fmt: skip
    clock.sleep(600)
    it.check()
    it.good()
    assert it._fuse.read() == Fuse()


def test_a_clock_that_was_put_back_keeps_nobody_out(tmp_path):
    path = tmp_path / "fuse.json"
    circuit(LeapingClock(start=2_000_000_000.0), path).open("down")
    circuit(LeapingClock(start=1_000_000_000.0), path).check()


def test_circuits_of_mirrors_do_not_meet():
    clock = LeapingClock()
    with server(reply()) as (base, _):
        client(base, clock).give_up("for a test")
        assert client(base, clock).ask(base, json_of).value == {"ok": 1}
