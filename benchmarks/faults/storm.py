"""A storm: a proxy on loopback in front of the mirror that answers with every fault a database was seen to make.

What belongs here: which fault strikes which request, and how it looks on the wire. Which faults strike is decided by
the seed, the request and how often it came, not by the clock; no request fails more than `PATIENCE` times in a row.
"""

from __future__ import annotations

import gzip
import http.client
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

PATIENCE = 3
STALL = 1.0  # s; the client's timeout must be shorter
HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive"}
PAGE = b"<!DOCTYPE html><html><h1>Down for maintenance</h1></html>"


@dataclass
class Answer:
    """What the mirror answered: status, headers without those of the connection, whole body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


Strike = Callable[["Handler", Answer], None]


def _status(code: int, **headers: str) -> Strike:
    return lambda handler, answer: handler.give(Answer(code, headers, b'{"error": "not now"}'))


def _reset(handler: Handler, answer: Answer) -> None:
    """The connection is reset: with a linger of zero the kernel sends RST."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def _stall(handler: Handler, answer: Answer) -> None:
    """Headers and a few bytes come, and then nothing."""
    handler.begin(answer, len(answer.body))
    handler.wfile.write(answer.body[:10])
    handler.wfile.flush()
    time.sleep(STALL)
    handler.close_connection = True


def _breaks_off(handler: Handler, answer: Answer) -> None:
    """Half of the promised bytes come, and the connection ends."""
    handler.begin(answer, len(answer.body))
    handler.wfile.write(answer.body[: len(answer.body) // 2])
    handler.close_connection = True


def _half_gzip(handler: Handler, answer: Answer) -> None:
    packed = gzip.compress(answer.body, mtime=0)
    packed = packed[: max(len(packed) // 2, 1)]
    handler.begin(Answer(answer.status, {**answer.headers, "Content-Encoding": "gzip"}, b""), len(packed))
    handler.wfile.write(packed)


def _half_json(handler: Handler, answer: Answer) -> None:
    handler.give(Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2]))


def _web_page(handler: Handler, answer: Answer) -> None:
    handler.give(Answer(200, {"Content-Type": "text/html"}, PAGE))


def _database_fails(handler: Handler, answer: Answer) -> None:
    handler.give(Answer(200, {"Content-Type": "text/html"}, b"DB Fail!null"))


def _cursor_repeats(handler: Handler, answer: Answer) -> None:
    told = answer.json
    told["links"]["next"] = f"http://{handler.headers['Host']}{handler.path}"
    handler.give(Answer(200, answer.headers, json.dumps(told).encode()))


def _cursor_elsewhere(handler: Handler, answer: Answer) -> None:
    told = answer.json
    told["links"]["next"] = "http://127.0.0.2:9/optimade/structures?page_offset=7"
    handler.give(Answer(200, answer.headers, json.dumps(told).encode()))


def _rows_slide(handler: Handler, answer: Answer) -> None:
    """One row is told twice and another one by nobody, as when rows move under offset paging."""
    told = answer.json
    rows = _rows(told)
    rows[handler.chance.randrange(len(rows) - 1) + 1] = rows[0]
    handler.give(Answer(200, answer.headers, json.dumps(_with_rows(told, rows)).encode()))


def _record_crashes(handler: Handler, answer: Answer) -> None:
    """One record is such that reading it crashes."""
    told = answer.json
    rows = _rows(told)
    rows[handler.chance.randrange(len(rows))] = handler.chance.choice(
        [None, "\u0000", 7, {"id": None, "attributes": 3}]
    )
    handler.give(Answer(200, answer.headers, json.dumps(_with_rows(told, rows)).encode()))


def _wrong_bytes(handler: Handler, answer: Answer) -> None:
    """A byte of an archive, or a digit of a promised MD5, is another."""
    body = bytearray(answer.body)
    place = handler.chance.randrange(32 if handler.path.endswith(".txt") else len(body))
    body[place] = ord("0" if body[place] != ord("0") else "1")
    handler.give(Answer(answer.status, answer.headers, bytes(body)))


def _rows(told: Any) -> list[Any]:
    """Rows of a page in any of the shapes: OPTIMADE and Materials Project, AFLUX, a bare list."""
    if isinstance(told, dict) and isinstance(told.get("data"), list):
        return list(told["data"])
    return list(told) if isinstance(told, list) else list(told.values())


def _with_rows(told: Any, rows: list[Any]) -> Any:
    if isinstance(told, dict) and isinstance(told.get("data"), list):
        return {**told, "data": rows}
    return rows if isinstance(told, list) else dict(zip(told, rows, strict=True))


def _any(path: str, answer: Answer) -> bool:
    return True


def _is_json(path: str, answer: Answer) -> bool:
    return answer.json is not None


def _is_page(path: str, answer: Answer) -> bool:
    """A page of several rows; lists of COD say how many there are by another question, so they cannot slide unseen."""
    told = answer.json
    shaped = isinstance(told, dict) and (isinstance(told.get("data"), list) or all(" of " in key for key in told))
    return shaped and len(_rows(told)) > 1


def _leads_on(path: str, answer: Answer) -> bool:
    told = answer.json
    return isinstance(told, dict) and isinstance(told.get("links"), dict) and isinstance(told["links"].get("next"), str)


# name -> weight, where it can strike, what it does
FAULTS: dict[str, tuple[float, Callable[[str, Answer], bool], Strike]] = {
    "429 with Retry-After": (1, _any, _status(429, **{"Retry-After": "20"})),
    "429 without": (1, _any, _status(429)),
    "500": (1, _any, _status(500)),
    "502": (1, _any, _status(502)),
    "503": (1, _any, _status(503)),
    "connection reset": (1, _any, _reset),
    "stall": (0.1, _any, _stall),
    "breaks off": (1, _any, _breaks_off),
    "half a gzip": (1, _any, _half_gzip),
    "half a JSON": (1, _is_json, _half_json),
    "web page with 200": (1, _any, _web_page),
    "DB Fail!null": (3, lambda path, answer: path.startswith("/aflow"), _database_fails),
    "cursor repeats": (2, _leads_on, _cursor_repeats),
    "cursor to another host": (2, _leads_on, _cursor_elsewhere),
    "rows slide": (2, _is_page, _rows_slide),
    "record crashes the parser": (2, _is_page, _record_crashes),
    "wrong bytes under an MD5": (4, lambda path, answer: path.startswith("/ocp/"), _wrong_bytes),
}


class Handler(BaseHTTPRequestHandler):
    """One connection through the storm."""

    protocol_version = "HTTP/1.1"
    server: Proxy
    chance: random.Random

    def do_GET(self) -> None:
        """Fetch from the mirror, and strike or not."""
        answer = self._mirror()
        fault, self.chance = self.server.fate(unquote(self.path), answer)
        if fault is None:
            self.give(answer)
        else:
            try:
                FAULTS[fault][2](self, answer)
            except OSError:  # a client that no longer waits
                self.close_connection = True

    do_HEAD = do_GET

    def begin(self, answer: Answer, length: int) -> None:
        """Status and headers of an answer that promises so many bytes."""
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def give(self, answer: Answer) -> None:
        """A whole answer."""
        length = int(answer.headers.pop("x-length", len(answer.body)))
        self.begin(answer, length)
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the storm is counted, not told."""

    def _mirror(self) -> Answer:
        there = urlsplit(self.server.mirror)
        line = http.client.HTTPConnection(there.hostname, there.port, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "accept-encoding")}
        line.request(self.command, self.path, headers=headers)
        got = line.getresponse()
        body = got.read()
        kept = {k: v for k, v in got.getheaders() if k.lower() not in HOP}
        if self.command == "HEAD" and got.getheader("Content-Length"):
            kept["x-length"] = got.getheader("Content-Length")
        line.close()
        return Answer(got.status, kept, body)


class Proxy(ThreadingHTTPServer):
    """The storm's server. share: of the requests that are struck. struck: fault -> times."""

    daemon_threads = True

    def __init__(self, mirror: str, seed: int, share: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.mirror, self.seed, self.share = mirror, seed, share
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.struck: Counter[str] = Counter()
        self.requests = 0
        self._came: Counter[str] = Counter()
        self._in_a_row: Counter[str] = Counter()
        self._lock = threading.Lock()

    def fate(self, path: str, answer: Answer) -> tuple[str | None, random.Random]:
        """The fault that strikes this request, None where it passes; and the chance that decides its details."""
        with self._lock:
            self.requests += 1
            self._came[path] += 1
            chance = random.Random(f"{self.seed} {path} {self._came[path]}")
            if answer.status >= 400 or self._in_a_row[path] >= PATIENCE or chance.random() > self.share:
                self._in_a_row[path] = 0
                return None, chance
            self._in_a_row[path] += 1
            possible = [name for name, (_, applies, _) in FAULTS.items() if applies(path, answer)]
            fault = chance.choices(possible, [FAULTS[name][0] for name in possible])[0]
            self.struck[fault] += 1
            return fault, chance

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that break are what a storm is for."""


@contextmanager
def storm(mirror: str, seed: int, share: float) -> Iterator[Proxy]:
    """A storm in front of the mirror at that base URL, while the block lasts."""
    proxy = Proxy(mirror, seed, share)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join(timeout=10)
        proxy.server_close()
