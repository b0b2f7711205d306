"""A storm: proxies on loopback in front of the mirror, which strike requests with the faults of strikes.py.

What belongs here: which request is struck with what. The seed decides, and the request, and how often it came; a kind
that never struck goes first. No request fails more than PATIENCE times in a row, and after a fault that the polite
client cannot see it is answered well once: what a crawl has to bear is hard, and not hopeless.
"""

from __future__ import annotations

import http.client
import random
import re
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from benchmarks.faults.strikes import FAULTS, Answer, Moment

PATIENCE = 3
OUR_OWN = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "date", "server"}
PAGING = re.compile(r"(page_offset|page_limit|offset|limit|_skip|_limit)=\d+|paging\(\d+,\d+\)")


@dataclass
class Storm:
    """What strikes. share: of the requests that can be struck.

    struck: (who was asked, kind) -> times. requests: who was asked -> requests. astray: connections to a host that no
    crawl may ask.
    """

    seed: int
    share: float
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    astray: int = 0
    elsewhere: str = ""

    @property
    def faults(self) -> int:
        """How many struck."""
        return self.struck.total()

    def kinds(self) -> Counter[str]:
        """Kind -> times, of all who were asked."""
        found: Counter[str] = Counter()
        for (_, kind), times in self.struck.items():
            found[kind] += times
        return found


@contextmanager
def gathering(seed: int, share: float) -> Iterator[Storm]:
    """A storm, and a host beside it that counts who goes astray."""
    storm = Storm(seed, share)
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        storm.elsewhere = f"localhost:{trap.getsockname()[1]}"

        def watch() -> None:
            while True:
                try:
                    caught, _ = trap.accept()
                except OSError:
                    return
                storm.astray += 1
                caught.close()

        threading.Thread(target=watch, daemon=True).start()
        yield storm
        trap.shutdown(socket.SHUT_RDWR)


@contextmanager
def before(mirror: str, storm: Storm, whom: str, night: int, uncounted: bool = False) -> Iterator[str]:
    """The storm in front of the mirror at that base URL, while the block lasts; yields the base URL to ask.

    whom: who is asked, for the counts. uncounted: OPTIMADE answers do not tell how many records there are.
    """
    proxy = Proxy(mirror, storm, whom, night, uncounted)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy.base
    finally:
        proxy.shutdown()
        thread.join(timeout=10)
        proxy.server_close()


class Proxy(ThreadingHTTPServer):
    """The server in front of the mirror, for one night of one source."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, mirror: str, storm: Storm, whom: str, night: int, uncounted: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.mirror, self.storm, self.whom, self.night, self.uncounted = mirror, storm, whom, night, uncounted
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self._came: Counter[str] = Counter()
        self._in_a_row: Counter[str] = Counter()
        self._told: defaultdict[str, list[Any]] = defaultdict(list)
        self._lock = threading.Lock()

    def fate(self, moment: Moment) -> tuple[str | None, Moment, random.Random]:
        """The fault that strikes this request, None where it passes, and the chance that decides its details."""
        with self._lock:
            path, listing = moment.path, PAGING.sub("", moment.path)
            self.storm.requests[self.whom] += 1
            self._came[path] += 1
            chance = random.Random(f"{self.storm.seed} {self.whom} {self.night} {path} {self._came[path]}")
            moment = replace(moment, beside=tuple(self._told[listing]))
            self._told[listing] += [row for row in moment.rows if row not in self._told[listing]]
            if moment.answer.status >= 300 or self._in_a_row[path] >= PATIENCE or chance.random() > self.storm.share:
                self._in_a_row[path] = 0
                return None, moment, chance
            possible = [name for name, fault in FAULTS.items() if fault.can(moment)]
            known = self.storm.kinds()
            possible = [name for name in possible if not known[name]] or possible
            name = chance.choices(possible, [FAULTS[name].weight for name in possible])[0]
            self._in_a_row[path] = PATIENCE if FAULTS[name].deep else self._in_a_row[path] + 1
            self.storm.struck[self.whom, name] += 1
            return name, moment, chance

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that break are what a storm is for."""


class Handler(BaseHTTPRequestHandler):
    """One connection through the storm."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def do_GET(self) -> None:
        """Fetch from the mirror, and strike or not."""
        answer = self._mirror()
        here = f"http://{self.headers['Host']}{self.path}"
        moment = Moment(self.command, unquote(self.path), answer, self.server.storm.elsewhere, here)
        fault, moment, chance = self.server.fate(moment)
        try:
            if fault is None:
                self.give(answer)
            else:
                FAULTS[fault].strike(self, moment, chance)
        except OSError:  # a client that waits no longer
            self.close_connection = True

    do_HEAD = do_GET

    def begin(self, answer: Answer) -> None:
        """Status and headers of an answer, with the length that it tells."""
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(answer.length))
        self.end_headers()

    def give(self, answer: Answer) -> None:
        """A whole answer."""
        self.begin(answer)
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the storm is counted, not told."""

    def _mirror(self) -> Answer:
        there = urlsplit(self.server.mirror)
        line = http.client.HTTPConnection(str(there.hostname), there.port, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "accept-encoding")}
        line.request(self.command, self.path, headers=headers)
        got = line.getresponse()
        body = got.read()
        line.close()
        kept = {k: v for k, v in got.getheaders() if k.lower() not in OUR_OWN}
        answer = Answer(got.status, kept, body, int(got.getheader("Content-Length") or len(body)))
        return _uncounted(answer) if self.server.uncounted and "/optimade/structures" in self.path else answer


def _uncounted(answer: Answer) -> Answer:
    """As of a provider that does not say how many records there are: OPTIMADE leaves it free to."""
    told = answer.json
    if not isinstance(told, dict) or not isinstance(told.get("meta"), dict):
        return answer
    kept = {name: value for name, value in told["meta"].items() if name not in ("data_returned", "data_available")}
    return answer.telling({**told, "meta": kept})
