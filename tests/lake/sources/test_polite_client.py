"""The polite client, against a server that answers by script. Its manners one by one are tested beside this file."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from lake.settings import MIRROR_KEY, Settings
from lake.wire.answers import NotData, json_of
from lake.wire.clock import LeapingClock, current, running
from lake.wire.down import SourceDown
from lake.wire.http import Polite
from tests.lake.sources._script import client, reply, server


def test_an_answer_tells_its_value_url_digest_and_attempts():
    with server(reply(503), reply()) as (base, heard):
        answer = client(base).ask(base + "/x", json_of)
    assert (answer.value, answer.url, answer.attempts, len(heard)) == ({"ok": 1}, base + "/x", 2, 2)
    assert len(answer.sha256) == 64


@pytest.mark.parametrize(
    "bad",
    [
        reply(500), reply(429), reply(502), reply(body=b""), reply(body=b"<html>busy</html>"), reply(body=b'{"a": '),
        reply(body=b'{"ok"', promised=100), b"", reply(body=b"not gzip", Content_Encoding="gzip"),
        reply(body=b"7\r\n[1, 2, ", Transfer_Encoding="chunked"), reply(Content_Encoding="br"),
    ],
    ids=[
        "500", "429", "502", "empty", "web page", "half JSON", "cut off", "reset", "broken gzip", "chunks cut off",
        "packing not asked for",
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["ask", "request"])
def test_a_passing_failure_is_asked_again(bad, way):
    with server(bad, reply()) as (base, heard):
        polite = client(base)
        got = polite.ask(base, json_of).value if way == "ask" else polite.get(base).json()
    assert got == {"ok": 1}
    assert len(heard) == 2


def test_after_its_patience_the_message_names_url_finding_and_what_to_do():
    with server(reply(body=b"<html><h1>We moved</h1></html>")) as (base, heard), pytest.raises(SourceDown) as told:
        client(base).ask(base + "/result", json_of)
    assert len(heard) == 3
    assert all(words in str(told.value) for words in (f"{base}/result 3 times", "We moved", "run the crawl again"))


def test_waits_double_with_jitter_to_minutes():
    clock = LeapingClock()
    with server(reply(503)) as (base, heard), pytest.raises(SourceDown):
        client(base, clock, attempts=10, wait_initial=2.0, wait_max=120.0).ask(base, json_of)
    wholes = [min(120.0, 2.0 * 2**n) for n in range(9)]
    assert len(heard) == 10 and len(clock.slept) == 9
    assert all(whole / 2 <= wait <= whole for whole, wait in zip(wholes, clock.slept, strict=True))
    assert sum(clock.slept) > 4 * 60


@pytest.mark.parametrize("way", ["seconds", "date by the server's clock", "date without one"])
def test_retry_after_is_obeyed(way):
    clock = LeapingClock()
    ours, theirs = (datetime.fromtimestamp(seconds, UTC) for seconds in (clock.now() + 90, clock.now() + 5000))
    told = {
        "seconds": {"Retry_After": "90"},
        "date by the server's clock": {
            "Date": format_datetime(theirs, usegmt=True),
            "Retry_After": format_datetime(datetime.fromtimestamp(theirs.timestamp() + 90, UTC), usegmt=True),
        },
        "date without one": {"Retry_After": format_datetime(ours, usegmt=True)},
    }[way]
    with server(reply(429, **told), reply()) as (base, _):
        client(base, clock).ask(base, json_of)
    assert sum(clock.slept) == pytest.approx(90)


@pytest.mark.parametrize("nonsense", ["soon", "-5", "²", "Fri, 99 Nov 2026 99:99:99 GMT", "1e3"])
def test_a_retry_after_that_says_nothing_leaves_the_usual_wait(nonsense):
    clock = LeapingClock()
    with server(reply(429, Retry_After=nonsense), reply()) as (base, _):
        client(base, clock, wait_initial=4.0, wait_max=4.0).ask(base, json_of)
    assert 2.0 <= sum(clock.slept) <= 4.0


def test_a_retry_after_beyond_our_patience_ends_the_asking_at_once():
    clock = LeapingClock()
    with server(reply(503, Retry_After="7200")) as (base, heard):
        polite = client(base, clock)
        with pytest.raises(SourceDown, match="HTTP 503"):
            polite.ask(base, json_of)
        clock.sleep(7000)
        with pytest.raises(SourceDown, match="asked for 7200 s of patience"):
            polite.ask(base, json_of)
    assert len(heard) == 1


def test_a_delay_that_an_answer_asks_for_holds_the_next_request_and_no_other():
    clock = LeapingClock()
    with server(reply()) as (base, _):
        polite = client(base, clock, wait_max=10.0)
        polite.ask(base, json_of)
        polite.delay(3.5)
        polite.ask(base, json_of)
        polite.ask(base, json_of)
    assert clock.slept == pytest.approx([3.5])


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(1e9, [10.0]), (float("inf"), [10.0]), (float("nan"), []), (-4, []), ("3", []), (None, []), (0, [])],
)
def test_a_delay_stays_within_reason(asked, waited):
    clock = LeapingClock()
    with server(reply()) as (base, _):
        polite = client(base, clock, wait_max=10.0)
        polite.delay(asked)
        polite.ask(base, json_of)
    assert clock.slept == pytest.approx(waited)


def test_a_plain_refusal_is_not_asked_again():
    with server(reply(403, body=b"no")) as (base, heard), pytest.raises(SourceDown, match="check the key"):
        client(base).ask(base, json_of)
    assert len(heard) == 1


def test_an_allowed_absence_is_a_none():
    with server(reply(404, body=b"<html>Not Found</html>")) as (base, _):
        assert client(base).ask(base, json_of, may_be_absent=True).value is None


def test_a_stall_ends_and_is_asked_again():
    with server(0.5, reply()) as (base, heard):
        assert client(base, timeout=0.3, attempts=30).ask(base, json_of).value == {"ok": 1}
    assert len(heard) >= 2


def test_the_user_agent_names_us_and_a_contact():
    with server(reply()) as (base, heard):
        client(base, contact="lake@example.org").ask(base, json_of)
    assert b"crystal-lake/" in heard[0] and b"lake@example.org" in heard[0]


def test_a_redirect_to_another_host_is_refused():
    away = reply(302, body=b"", Location="http://evil.example/")
    with server(away) as (base, heard), pytest.raises(SourceDown, match=r"evil\.example"):
        client(base).ask(base, json_of)
    assert len(heard) == 1


def test_a_session_given_to_another_client_is_just_as_patient():
    with server(reply(502), reply(body=b"<html>"), reply()) as (base, heard):
        assert client(base).get(base).json() == {"ok": 1}
    assert len(heard) == 3


def test_one_question_inside_another_is_asked_as_often_as_one():
    """As mp-api does it: its own question is asked over this session, inside our patience with it."""
    with server(reply(503)) as (base, heard):
        polite = client(base)
        with pytest.raises(SourceDown):
            polite.patiently(base, lambda: polite.get(base))
    assert len(heard) == polite.requests_made == 3


def test_requests_and_bytes_are_counted_as_they_are_sent():
    away = "/elsewhere at home"
    with server(reply(503, b"busy"), reply(302, b"gone", Location=away), reply(body=b"[1, 2]")) as (base, heard):
        polite = client(base)
        polite.ask(base, json_of)
    assert polite.requests_made == len(heard) == 3
    assert polite.bytes_received == len(b"busy" + b"gone" + b"[1, 2]")


def test_a_thousand_faults_take_no_waiting():
    clock = LeapingClock()
    with server(*[fault for _ in range(500) for fault in (reply(503), reply(body=b"<html>"))], reply()) as (
        base,
        heard,
    ):
        assert client(base, clock, attempts=1001, wait_initial=2.0, wait_max=120.0).ask(base, json_of).value == {
            "ok": 1
        }
    assert len(heard) == 1001
    assert sum(clock.slept) > 16 * 3600


def test_a_clock_that_runs_is_everybodys_who_was_given_none():
    before = current()
    with running(LeapingClock()) as clock:
        assert Polite("cod", Settings()).clock is clock
    assert current() is before is Polite("cod", Settings()).clock


@pytest.mark.parametrize("status", [200, 403, 500, 302])
@pytest.mark.parametrize("way", ["ask", "request"])
def test_a_key_that_is_echoed_reaches_no_message_no_log_and_no_table(status, way, caplog):
    """Also with everything logged that requests and urllib3 have to say."""
    caplog.set_level(logging.DEBUG)
    echo = reply(status, f'{{"your key": "{MIRROR_KEY}"}}'.encode(), Location=f"http://evil.example/?{MIRROR_KEY}")
    told = ""
    with server(echo) as (base, heard):
        polite = Polite("mp", Settings.for_mirror(base, attempts=2, mp_url=base), LeapingClock())
        polite.headers["x-api-key"] = MIRROR_KEY
        try:
            told = str(polite.ask(base, json_of).value if way == "ask" else polite.get(base).text)
        except SourceDown as fault:
            seen: BaseException | None = fault
            while seen is not None:  # what a traceback would show
                told += str(seen)
                seen = seen.__cause__ or seen.__context__
    assert MIRROR_KEY.encode() in heard[0]
    assert told and MIRROR_KEY not in told + caplog.text


def test_a_key_that_is_no_header_reaches_no_message():
    key = "a-key-with-a-line\nbreak-in-its-middle"
    polite = Polite("mp", Settings.for_mirror("http://127.0.0.1:9", mp_key=key), LeapingClock())
    polite.headers["x-api-key"] = key
    with pytest.raises(SourceDown) as told:
        polite.ask(polite.base, json_of)
    assert "in-its-middle" not in str(told.value) and told.value.__cause__ is None


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"[1, 1e999]", "infinity"), (b"[-1e999]", "infinity"), (b'{"a": NaN}', "unexpected"),
        (b"[Infinity]", "unexpected"), (b"[-Infinity]", "no digit"), (b"[" * 3000 + b"]" * 3000, "depth"),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, "depth"), (b"9" * 400, "infinity"),
    ],
)  # fmt: skip
def test_json_that_no_table_can_hold_is_no_data_and_says_why(body, found):
    with pytest.raises(NotData, match=found):
        json_of(body)
