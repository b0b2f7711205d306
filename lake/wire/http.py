"""The one polite client: whatever is asked of a database goes through here, with all that is owed to it.

What belongs here: putting the manners together, in their order. Each has a module of its own: pace.py (how fast),
lanes.py (how many at once), budget.py (how much a night), patience.py (how often again), circuit.py (whether at all),
body.py (how large and how long), links.py (where to), download.py (whole files). What an answer means belongs to its
source.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urljoin, urlsplit

import requests

from lake.settings import Settings
from lake.wire.answers import ABSENT, NotData, TryAgain, json_of, refuse
from lake.wire.body import body_of
from lake.wire.budget import Budget, Spent
from lake.wire.circuit import Circuit, Fuse
from lake.wire.clock import Clock, current
from lake.wire.down import SourceDown
from lake.wire.download import Download, Rest, part_of
from lake.wire.lanes import Lanes
from lake.wire.links import Elsewhere, at_home
from lake.wire.pace import Line, Pace
from lake.wire.patience import retrying, too_long, words_of
from lake.wire.shared_state import Shared

T = TypeVar("T")
AGAIN = "run the crawl again later: it goes on where it stopped"


@dataclass(frozen=True)
class Answer:
    """One good answer: what was read from it, where it came from, SHA-256 of its bytes, requests it took."""

    value: Any
    url: str
    sha256: str
    attempts: int


class Polite(requests.Session):
    """A requests session that keeps to the settings. What takes a session, as mp-api does, becomes polite.

    Rate and lanes are one per host, budget and circuit one per database, shared by all processes of this machine; where
    the rate is 0 (a mirror) they are this session's own. clock: what all waiting goes by.
    requests_made, bytes_received: what this session has cost so far, repeated requests and redirects included.
    """

    def __init__(self, source: str, settings: Settings, clock: Clock | None = None) -> None:
        super().__init__()
        self.source = source
        self.base = settings.url(source)
        self.settings = settings
        self.clock = clock or current()
        self.headers["User-Agent"] = settings.user_agent
        self.headers["Accept-Encoding"] = "gzip"  # what body.py unpacks
        self.last: Answer | None = None
        self.requests_made = 0
        self.bytes_received = 0
        self._attempts = 0
        rate, s = settings.rate(source), settings
        home = urlsplit(self.base)
        host = f"{home.hostname}_{home.port}" if home.port else str(home.hostname)
        kept = s.politeness.expanduser() if rate > 0 else None
        self._pace = Pace(rate, Shared(kept and kept / "pace" / f"{host}.json", Line), self.clock, s.wait_asked)
        self._lanes = Lanes(kept and kept / "lanes", host, s.connections, self.clock)
        self._budget = Budget(
            source, s.budget_of(source), Shared(kept and kept / "budget" / f"{source}@{host}.json", Spent), self.clock
        )
        self._circuit = Circuit(
            source, Shared(kept and kept / "circuit" / f"{source}@{host}.json", Fuse), self.clock,
            s.circuit_after, s.circuit_first, s.circuit_longest,
        )  # fmt: skip

    def ask(
        self, url: str, read: Callable[[bytes], T], params: dict[str, Any] | None = None, may_be_absent: bool = False
    ) -> Answer:
        """GET `url` and read its body; value None for a 404 that is allowed. Raises SourceDown.

        read: body -> value; raises NotData for a body that is no answer, which is then asked for again.
        """

        def once() -> tuple[Any, requests.Response]:
            response = self._once("GET", url, params=params)
            absent = may_be_absent and response.status_code in ABSENT
            if not absent:
                refuse(response, self.clock.now())
            return (None if absent else read(response.content)), response

        return self._remember(*self.patiently(url, once))

    def request(self, method: str, url: str, **how: Any) -> requests.Response:
        """As in requests, for clients with words of their own: politely, and only for answers that are JSON."""

        def once() -> requests.Response:
            response = self._once(method, url, **how)
            refuse(response, self.clock.now())
            json_of(response.content)
            return response

        response = self.patiently(url, once)
        self._remember(None, response)
        return response

    def download(self, url: str, file: BinaryIO | Path, md5: str | None) -> Answer:
        """GET a file of any size, verified by its MD5, resumed where it was cut off. Raises SourceDown.

        file: an open file, emptied first; or a path, which then comes as `<name>.part` that survives a kill, and is not
        asked for where it stands already with this MD5.
        """
        if isinstance(file, Path):
            if md5 and (told := _digests_of(file, md5)):
                return Answer(file, url, told, 0)
            with part_of(file) as part:
                return self._bring(url, part, md5, file)
        file.seek(0)
        file.truncate()
        answer = self._bring(url, Download(file), md5, None)
        file.seek(0)
        return answer

    def own(self, link: str) -> str:
        """A link as an absolute URL of this database, http raised to https; SourceDown where it leads elsewhere."""
        try:
            return at_home(self.base, link)
        except Elsewhere as fault:
            told = self._hide(str(fault))
        raise SourceDown(f"{self.source}: {told}; it is not followed. If the database has moved, configure its new URL")

    def delay(self, seconds: object) -> None:
        """What an answer asks for (OPTIMADE's `meta.request_delay`): nobody's next request leaves earlier.

        Held to `wait_max`; what is no number of seconds is no request for delay.
        """
        if isinstance(seconds, int | float) and seconds > 0:  # not true of NaN
            self._pace.hold(min(float(seconds), self.settings.wait_max))

    def give_up(self, reason: str) -> None:
        """Judge the database down: until a cool-down is over it is asked nothing, by any process."""
        self._circuit.open(self._hide(reason))

    def patiently(self, url: str, once: Callable[[], T]) -> T:
        """What `once` returns, tried again while it fails in a way that may pass. Raises SourceDown, naming `url`."""
        number = 0

        def attempt() -> T:
            nonlocal number
            self._circuit.check()
            number += 1
            self._attempts = number
            try:
                return once()
            except TryAgain as fault:
                if fault.after and not too_long(fault, self.settings):
                    self._pace.hold(fault.after)  # the other processes are meant as well
                raise

        try:
            value = retrying(self.settings, self.clock, self._say)(attempt)
        except (TryAgain, NotData, requests.RequestException) as fault:
            down = self._unanswered(url, number, fault)
        else:
            self._circuit.good()
            return value
        raise down  # without its cause: requests puts into some what must not be read

    def turn(self) -> None:
        """Wait for the turn of one request and count it: for what a foreign client asks past this session."""
        self._budget.spend()
        self._pace.turn()
        self.requests_made += 1

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        """Every request passes here, those of redirects too."""
        self.turn()
        return super().send(request, **how)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where a redirect leads, if it stays at home: a key in the headers must not travel."""
        target = super().get_redirect_target(resp)
        if not target:
            return None
        self._body(resp)  # requests would read it without a limit
        return self.own(urljoin(resp.url, target))

    def _once(self, method: str, url: str, **how: Any) -> requests.Response:
        with self._lanes.one():
            response = super().request(method, url, **{**how, "stream": True, "timeout": self.settings.timeout})
            self._body(response)
        return response

    def _body(self, response: requests.Response) -> None:
        body = body_of(response, self.settings, self.clock, self._count)
        for secret in self.settings.secrets:  # what a server echoes must not reach a message or a table
            body = body.replace(secret.encode(), b"***")
        response._content, response._content_consumed = body, True

    def _bring(self, url: str, part: Download, md5: str | None, path: Path | None) -> Answer:
        def ask(headers: dict[str, str]) -> requests.Response:
            how = {"stream": True, "timeout": self.settings.timeout, "headers": headers}
            response = super(Polite, self).request("GET", url, **how)
            if response.status_code not in (200, 206, 416):
                self._body(response)
                refuse(response, self.clock.now())
            return response

        rest = Rest(part, md5, ask, self.settings, self.clock, self._count)

        def once() -> str:
            with self._lanes.one():
                return rest()

        if md5 and part.size and part.md5 == md5.lower():  # complete when it was cut off
            return Answer(path, url, part.sha256, 0)
        came_from = self.patiently(url, once)
        return Answer(path, came_from, part.sha256, self._attempts)

    def _unanswered(self, url: str, number: int, fault: Exception) -> SourceDown:
        found = self._hide(words_of(fault))
        if too_long(fault, self.settings):
            self._circuit.open(f"it asked for {fault.after:.0f} s of patience with {found}", fault.after)
        else:
            self._circuit.exhausted(found)
        times = "once" if number == 1 else f"{number} times"
        return SourceDown(f"{self.source}: asked {self._hide(url)[:200]} {times}, found {found}; {AGAIN}")

    def _remember(self, value: Any, response: requests.Response) -> Answer:
        digest = hashlib.sha256(response.content).hexdigest()
        self.last = Answer(value, response.url, digest, self._attempts)
        return self.last

    def _count(self, size: int) -> None:
        self.bytes_received += size

    def _hide(self, words: str) -> str:
        for secret in self.settings.secrets:
            words = words.replace(secret, "***").replace(repr(secret)[1:-1], "***")
        return words

    def _say(self, words: str) -> None:
        """One line per retry, for whoever watches at night."""
        logging.getLogger(__name__).warning("%s: %s", self.source, self._hide(words))


def _digests_of(path: Path, md5: str) -> str | None:
    """SHA-256 of a file that stands with this MD5; None where it does not."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        there = Download(file)
    return there.sha256 if there.md5 == md5.lower() else None
