"""What goes wrong between a database and whoever asks it: where each fault can strike, and how it looks on the wire.

What belongs here: the table FAULTS. Which request is struck belongs to storm.py.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import cached_property
from typing import Any, BinaryIO, Protocol

WEB_PAGE = b"<!DOCTYPE html><html><h1>Down for maintenance</h1></html>"
LONGEST_STALL = 60.0  # s; a stall lasts as long as the client's own patience, and no longer than this
JUNK = (None, "\u0000", 7, float("inf"), {}, {"id": None, "attributes": 3}, [[]])  # in the place of a record
PLACE = re.compile(r"(\d+) of (\d+)")


@dataclass(frozen=True)
class Answer:
    """What the mirror answered: status, headers without those of the connection, whole body, length that it told."""

    status: int
    headers: dict[str, str]
    body: bytes
    length: int

    @cached_property
    def json(self) -> Any:
        """The body's JSON; None where it is none, and for the bare numbers of `format=count`."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return None
        return told if isinstance(told, dict | list) else None

    def telling(self, body: bytes | Any, **headers: str) -> Answer:
        """The same answer with another body, of bytes or of what becomes JSON."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return replace(self, body=body, length=len(body), headers={**self.headers, **headers})


@dataclass(frozen=True)
class Moment:
    """One request that may be struck.

    method, path: as asked, unquoted. answer: what would be told. elsewhere: a place on another host.
    beside: rows of other pages of the same listing, as they were told before.
    """

    method: str
    path: str
    answer: Answer
    elsewhere: str
    here: str
    beside: tuple[Any, ...] = ()

    @property
    def rows(self) -> list[Any]:
        """The page's records in any of the shapes: OPTIMADE, REST, Materials Project, both of AFLUX, COD's list."""
        told = self.answer.json
        if isinstance(told, dict) and isinstance(told.get("data"), list):
            return list(told["data"])
        if isinstance(told, dict) and told and all(PLACE.fullmatch(key) for key in told):
            return list(told.values())
        listed = isinstance(told, list) and all(isinstance(row, dict) for row in told)
        return list(told) if listed else []

    @property
    def total(self) -> int | None:
        """Records that the listing has in all, as the answer says; None where it does not."""
        told = self.answer.json
        if not isinstance(told, dict):
            return None
        if place := PLACE.fullmatch(next(iter(told), "")):
            return int(place[2])
        name = "data_available" if "/oqmdapi/" in self.path else "data_returned"
        meta = told.get("meta") or {}
        return meta.get("total_doc", meta.get(name)) if isinstance(meta, dict) else None

    @property
    def strangers(self) -> list[Any]:
        """Rows that were told beside this page and do not stand on it."""
        return [row for row in self.beside if row not in self.rows]

    def with_rows(self, rows: list[Any]) -> Answer:
        """The answer with other records in its places, its numbers unchanged."""
        told = self.answer.json
        if isinstance(told, list):
            return self.answer.telling(rows)
        if isinstance(told.get("data"), list):
            return self.answer.telling({**told, "data": rows})
        return self.answer.telling(dict(zip(told, rows, strict=True)))

    def leading_to(self, link: str) -> Answer:
        """The answer with another `next` link."""
        told = self.answer.json
        return self.answer.telling({**told, "links": {**told["links"], "next": link}})


class Line(Protocol):
    """The connection to whoever asked."""

    connection: socket.socket
    wfile: BinaryIO
    close_connection: bool

    def begin(self, answer: Answer) -> None:
        """Send status and headers."""

    def give(self, answer: Answer) -> None:
        """Send a whole answer."""


Strike = Callable[[Line, Moment, random.Random], None]
Can = Callable[[Moment], bool]


@dataclass(frozen=True)
class Fault:
    """One kind. weight: how often beside others. can: where it can strike. deep: it passes the polite client."""

    weight: float
    strike: Strike
    can: Can
    deep: bool = False


def _status(code: int, retry_after: bool = False) -> Strike:
    def strike(line: Line, moment: Moment, chance: random.Random) -> None:
        body = b'{"error": "not now"}'
        wait = chance.choice(["20", formatdate(time.time() + 20, usegmt=True)])
        line.give(Answer(code, {"Retry-After": wait} if retry_after else {}, body, len(body)))

    return strike


def _reset(line: Line, moment: Moment, chance: random.Random) -> None:
    """With a linger of zero the kernel sends RST as the connection closes."""
    line.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close_connection = True
    line.connection.close()


def _stall(line: Line, moment: Moment, chance: random.Random) -> None:
    """Nothing comes, or headers and a few bytes, and then nothing, until the client gives up."""
    if moment.method == "GET" and chance.random() < 0.5:
        line.begin(moment.answer)
        line.wfile.write(moment.answer.body[:10])
        line.wfile.flush()
    line.connection.settimeout(LONGEST_STALL)
    line.connection.recv(1)
    line.close_connection = True


def _breaks_off(line: Line, moment: Moment, chance: random.Random) -> None:
    """Some of the promised bytes come, and the connection ends."""
    body = moment.answer.body
    line.begin(moment.answer)
    line.wfile.write(body[: chance.randrange(len(body))])
    line.close_connection = True


def _half_gzip(line: Line, moment: Moment, chance: random.Random) -> None:
    packed = gzip.compress(moment.answer.body, mtime=0)
    part = packed[: chance.randrange(1, len(packed))]
    line.give(moment.answer.telling(part, **{"Content-Encoding": "gzip"}))


def _half_json(line: Line, moment: Moment, chance: random.Random) -> None:
    body = moment.answer.body
    line.give(moment.answer.telling(body[: chance.randrange(len(body))]))


def _says(body: bytes) -> Strike:
    return lambda line, moment, chance: line.give(Answer(200, {"Content-Type": "text/html"}, body, len(body)))


def _leads_back(line: Line, moment: Moment, chance: random.Random) -> None:
    line.give(moment.leading_to(moment.here))


def _leads_away(line: Line, moment: Moment, chance: random.Random) -> None:
    ways = ("http://{}/optimade/structures?page_offset=7", "//{}/optimade/structures", "http://mirror@{}/optimade")
    line.give(moment.leading_to(chance.choice(ways).format(moment.elsewhere)))


def _redirects_away(line: Line, moment: Moment, chance: random.Random) -> None:
    line.give(Answer(302, {"Location": f"http://{moment.elsewhere}/"}, b"", 0))


def _slides(line: Line, moment: Moment, chance: random.Random) -> None:
    """A record was put in before this page: the last one of another page is told again, and one of these by nobody."""
    rows, strangers = moment.rows, moment.strangers
    rows[chance.randrange(len(rows)) if strangers else -1] = chance.choice(strangers) if strangers else rows[0]
    line.give(moment.with_rows(rows))


def _crashes(line: Line, moment: Moment, chance: random.Random) -> None:
    """One record is such that reading it crashes."""
    rows = moment.rows
    rows[chance.randrange(len(rows))] = chance.choice(JUNK)
    line.give(moment.with_rows(rows))


def _other_bytes(line: Line, moment: Moment, chance: random.Random) -> None:
    """One byte of an archive is another."""
    body = bytearray(moment.answer.body)
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    line.give(moment.answer.telling(bytes(body)))


def _other_digit(line: Line, moment: Moment, chance: random.Random) -> None:
    """One digit of one MD5 in a list is another."""
    lines = moment.answer.body.decode().splitlines(keepends=True)
    number, place = chance.randrange(len(lines)), chance.randrange(32)
    old = lines[number]
    digit = chance.choice([d for d in "0123456789abcdef" if d != old[place]])
    lines[number] = old[:place] + digit + old[place + 1 :]
    line.give(moment.answer.telling("".join(lines).encode()))


def _any(moment: Moment) -> bool:
    return True


def _has_body(moment: Moment) -> bool:
    return moment.method == "GET" and len(moment.answer.body) > 0


def _of(path: str) -> Can:
    return lambda moment: _has_body(moment) and moment.path.startswith(path)


def _is_json(moment: Moment) -> bool:
    return _has_body(moment) and moment.answer.json is not None


def _has_rows(moment: Moment) -> bool:
    return _is_json(moment) and bool(moment.rows)


def _can_slide(moment: Moment) -> bool:
    """A page that shows only some of the records that its own answer counts: what it lacks can be missed."""
    rows = moment.rows if _has_rows(moment) else []
    return bool(rows) and (moment.total or 0) > len(rows) and (len(rows) > 1 or bool(moment.strangers))


def _leads(moment: Moment) -> bool:
    """An OPTIMADE page whose link is looked at: where no number is told, and on the last page."""
    if not (_has_rows(moment) and "/optimade/" in moment.path and "page_offset=" in moment.path):
        return False
    links = moment.answer.json.get("links")
    return isinstance(links, dict) and (moment.total is None or not links.get("next"))


FAULTS: dict[str, Fault] = {
    "429 with Retry-After": Fault(1, _status(429, retry_after=True), _any),
    "429 without": Fault(1, _status(429), _any),
    "500": Fault(1, _status(500), _any),
    "502": Fault(1, _status(502), _any),
    "503": Fault(1, _status(503), _any),
    "connection reset": Fault(1, _reset, _any),
    "stall": Fault(0.1, _stall, _any),
    "breaks off": Fault(1, _breaks_off, _has_body),
    "half a gzip": Fault(1, _half_gzip, _has_body),
    "half a JSON": Fault(1, _half_json, _is_json),
    "web page with 200": Fault(1, _says(WEB_PAGE), _has_body),
    "DB Fail!null": Fault(3, _says(b"DB Fail!null"), _of("/aflow/")),
    "cursor that repeats": Fault(4, _leads_back, _leads, deep=True),
    "cursor to another host": Fault(4, _leads_away, _leads, deep=True),
    "redirect to another host": Fault(0.3, _redirects_away, _has_body, deep=True),
    "rows slide": Fault(2, _slides, _can_slide, deep=True),
    "record that crashes the parser": Fault(2, _crashes, _has_rows, deep=True),
    "wrong bytes under an MD5": Fault(4, _other_bytes, lambda moment: _has_body(moment) and ".tar" in moment.path),
    "wrong MD5 in the list": Fault(4, _other_digit, lambda moment: _of("/ocp/index.txt")(moment), deep=True),
}
