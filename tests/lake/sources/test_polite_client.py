"""The polite client, against a server that answers by script."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lake.settings import Settings
from lake.sources.answers import json_of
from lake.sources.http import Polite
from lake.sources.page import SourceDown


def reply(status: int = 200, body: bytes = b'{"ok": 1}', promised: int | None = None, **headers: str) -> bytes:
    told = {"Content-Length": str(len(body) if promised is None else promised), "Connection": "close", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} Word\r\n{lines}\r\n".encode() + body


@contextmanager
def server(*replies: bytes | float) -> Iterator[tuple[str, list[bytes]]]:
    """Give the replies in turn, the last one for ever; a number stalls for so many seconds. Yields URL and requests."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(65536))
                answer = replies[min(len(heard), len(replies)) - 1]
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    time.sleep(answer)

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
    finally:
        listening.close()


def client(base: str, **more: object) -> Polite:
    quick = {"wait_initial": 0.01, "wait_max": 0.02, "attempts": 3, "cod_url": base, **more}
    return Polite("cod", Settings.for_mirror(base, **quick))


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
    ],
    ids=["500", "429", "502", "empty", "web page", "half JSON", "cut off", "reset", "broken gzip"],
)  # fmt: skip
def test_a_passing_failure_is_asked_again(bad):
    with server(bad, reply()) as (base, heard):
        assert client(base).ask(base, json_of).value == {"ok": 1}
    assert len(heard) == 2


def test_after_its_patience_the_message_names_url_finding_and_what_to_do():
    with server(reply(body=b"<html><h1>We moved</h1></html>")) as (base, heard), pytest.raises(SourceDown) as told:
        client(base).ask(base + "/result", json_of)
    assert len(heard) == 3
    assert all(words in str(told.value) for words in (f"{base}/result 3 times", "We moved", "run the crawl again"))


def test_retry_after_is_obeyed_in_seconds():
    with server(reply(429, Retry_After="1"), reply()) as (base, _):
        start = time.monotonic()
        client(base).ask(base, json_of)
        assert time.monotonic() - start >= 1.0


def test_a_retry_after_beyond_our_patience_ends_the_asking_at_once():
    with server(reply(503, Retry_After="86400")) as (base, heard), pytest.raises(SourceDown, match="HTTP 503"):
        client(base).ask(base, json_of)
    assert len(heard) == 1


def test_a_plain_refusal_is_not_asked_again():
    with server(reply(403, body=b"no")) as (base, heard), pytest.raises(SourceDown, match="check the key"):
        client(base).ask(base, json_of)
    assert len(heard) == 1


def test_an_allowed_absence_is_a_none():
    with server(reply(404, body=b"<html>Not Found</html>")) as (base, _):
        assert client(base).ask(base, json_of, may_be_absent=True).value is None


def test_a_stall_ends_and_is_asked_again():
    with server(0.6, reply()) as (base, heard):
        assert client(base, timeout=0.2).ask(base, json_of).value == {"ok": 1}
    assert len(heard) >= 2


def test_a_body_beyond_the_limit_is_refused_and_not_asked_again():
    with (
        server(reply(body=b'"' + b"a" * 5000 + b'"')) as (base, heard),
        pytest.raises(SourceDown, match="must stay below"),
    ):
        client(base, largest_body=1000).ask(base, json_of)
    assert len(heard) == 1


def test_a_bomb_stops_at_the_limit():
    import gzip

    bomb = gzip.compress(b" " * 50_000_000)
    with (
        server(reply(body=bomb, Content_Encoding="gzip")) as (base, _),
        pytest.raises(SourceDown, match="must stay below"),
    ):
        client(base, largest_body=1_000_000).ask(base, json_of)


def test_the_user_agent_names_us_and_a_contact():
    with server(reply()) as (base, heard):
        client(base, contact="lake@example.org").ask(base, json_of)
    assert b"crystal-lake/" in heard[0] and b"lake@example.org" in heard[0]


def test_requests_keep_to_the_configured_rate():
    with server(reply()) as (base, _):
        polite = client(base, cod_rate=5.0)
        start = time.monotonic()
        for _ in range(4):
            polite.ask(base, json_of)
        assert time.monotonic() - start >= 3 / 5.0


@pytest.mark.parametrize(
    "link", ["http://evil.example/next", "https://127.0.0.1/next", "ftp://127.0.0.1/x", "//evil.example/x"]
)
def test_a_link_to_elsewhere_is_refused(link):
    with pytest.raises(SourceDown, match="must stay on"):
        client("http://127.0.0.1:9").own(link)


def test_links_at_home_are_followed_and_http_is_raised_to_https():
    polite = Polite("oqmd", Settings())
    assert (
        polite.own("http://oqmd.org/optimade/structures?page_offset=9")
        == "https://oqmd.org/optimade/structures?page_offset=9"
    )
    assert polite.own("/optimade/structures").startswith("https://oqmd.org/")


def test_a_redirect_to_another_host_is_refused():
    away = reply(302, body=b"", Location="http://evil.example/")
    with server(away) as (base, heard), pytest.raises(SourceDown, match=r"evil\.example"):
        client(base).ask(base, json_of)
    assert len(heard) == 1


def test_a_download_with_a_wrong_md5_is_refused():
    with server(reply(body=b"some bytes")) as (base, _), pytest.raises(SourceDown, match="MD5"):
        client(base).download(base + "/0.tar", io.BytesIO(), "0" * 32)


def test_a_download_is_asked_again_and_holds_just_the_good_bytes():
    import hashlib

    body = b"the good bytes"
    with server(reply(body=b"longer and wrong bytes"), reply(body=body)) as (base, _):
        file = io.BytesIO()
        client(base).download(base + "/0.tar", file, hashlib.md5(body).hexdigest())
    assert file.getvalue() == body


def test_a_session_given_to_another_client_is_just_as_patient():
    with server(reply(502), reply(body=b"<html>"), reply()) as (base, heard):
        assert client(base).get(base).json() == {"ok": 1}
    assert len(heard) == 3
