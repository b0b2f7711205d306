"""The one polite client: who asks, how often, how patiently, how much, and whether the answer is data at all.

What belongs here: everything true of any database on the network. What an answer means belongs to its source.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests
import stamina
from pyrate_limiter import Limiter, Rate

from lake.settings import Settings
from lake.sources.answers import ABSENT, NotData, TryAgain, check_json, refuse
from lake.sources.page import SourceDown

T = TypeVar("T")
CHUNK = 1 << 18
AGAIN = "run the crawl again later: it goes on where it stopped"


@dataclass(frozen=True)
class Answer:
    """One good answer: what was read from it, where it came from, SHA-256 of its bytes, requests it took."""

    value: Any
    url: str
    sha256: str
    attempts: int


class Polite(requests.Session):
    """A requests session that keeps to the settings. What takes a session, as mp-api does, becomes polite."""

    def __init__(self, source: str, settings: Settings) -> None:
        super().__init__()
        self.source = source
        self.base = settings.url(source)
        self.settings = settings
        self.headers["User-Agent"] = settings.user_agent
        self.last: Answer | None = None

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
                refuse(response)
            return (None if absent else read(response.content)), response

        return self._remember(*self.patiently(url, once))

    def request(self, method: str, url: str, **how: Any) -> requests.Response:
        """As in requests, for clients with words of their own: politely, and only for answers that look like JSON."""
        how.pop("timeout", None)

        def once() -> tuple[Any, requests.Response]:
            response = self._once(method, url, **how)
            refuse(response)
            check_json(response.content)
            return None, response

        value, response = self.patiently(url, once)
        self._remember(value, response)
        return response

    def download(self, url: str, file: BinaryIO, md5: str | None) -> Answer:
        """GET a file of any size into `file` (emptied first), verified by its MD5. Raises SourceDown."""

        def once() -> tuple[str, requests.Response]:
            file.seek(0)
            file.truncate()
            response = super(Polite, self).request("GET", url, stream=True, timeout=self.settings.timeout)
            if response.status_code != 200:
                self._body(response)
                refuse(response)
            found, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
            for chunk in response.iter_content(CHUNK):
                found.update(chunk)
                sha256.update(chunk)
                file.write(chunk)
            if md5 and found.hexdigest() != md5:
                raise NotData(f"a file whose MD5 is {found.hexdigest()} where {md5} was promised")
            return sha256.hexdigest(), response

        sha256, response = self.patiently(url, once)
        file.seek(0)
        return Answer(None, response.url, sha256, self._attempts)

    def own(self, link: str) -> str:
        """A link as an absolute URL of this database, http raised to https; SourceDown where it leads elsewhere."""
        home, there = urlsplit(self.base), urlsplit(urljoin(self.base + "/", link))
        if there.scheme == "http" and home.scheme == "https" and there.hostname == home.hostname and not there.port:
            there = there._replace(scheme="https")
        if (there.scheme, there.netloc) != (home.scheme, home.netloc):
            raise SourceDown(
                f"{self.source}: a link must stay on {home.scheme}://{home.netloc}, found {urlunsplit(there)}; "
                "it is not followed. If the database has moved, configure its new URL"
            )
        return urlunsplit(there)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where a redirect leads, if it stays at home: a key in the headers must not travel."""
        target = super().get_redirect_target(resp)
        return self.own(urljoin(resp.url, target)) if target else None

    def _once(self, method: str, url: str, **how: Any) -> requests.Response:
        response = super().request(method, url, stream=True, timeout=self.settings.timeout, **how)
        self._body(response)
        return response

    def _body(self, response: requests.Response) -> None:
        """Read the body within the limits of size (unpacked: a bomb stops here) and time."""
        parts, size, start = [], 0, time.monotonic()
        for part in response.iter_content(CHUNK):
            parts.append(part)
            size += len(part)
            if size > self.settings.largest_body:
                response.close()
                raise SourceDown(
                    f"{self.source}: an answer must stay below {self.settings.largest_body:,} bytes, "
                    f"{response.url} gives more; ask for smaller pages or raise CRYSTAL_LAKE_LARGEST_BODY"
                )
            if time.monotonic() - start > self.settings.slowest:
                response.close()
                raise TryAgain(f"an answer still incomplete after {self.settings.slowest:g} s")
        response._content = b"".join(parts)

    def patiently(self, url: str, once: Callable[[], T]) -> T:
        """What `once` returns, tried again while it fails in a way that may pass. Raises SourceDown, naming `url`."""
        limit = _limiter(self.source, self.settings.rate(self.source))
        s = self.settings
        patience = stamina.retry_context(
            on=self._again, attempts=s.attempts, timeout=None,
            wait_initial=s.wait_initial, wait_max=s.wait_max, wait_jitter=s.wait_initial,
        )  # fmt: skip
        number = 0
        try:
            for attempt in patience:
                with attempt:
                    number = self._attempts = attempt.num
                    if limit:
                        limit.try_acquire(self.source)
                    return once()
        except (TryAgain, NotData, requests.RequestException) as fault:
            found = str(fault) or type(fault).__name__
            times = "once" if number == 1 else f"{number} times"
            raise SourceDown(f"{self.source}: asked {url[:200]} {times}, found {found}; {AGAIN}") from fault
        raise AssertionError("patience ends in an answer or a fault")

    def _again(self, fault: Exception) -> bool | float:
        if isinstance(fault, TryAgain) and fault.after is not None:
            return fault.after if fault.after <= self.settings.wait_asked else False
        return isinstance(fault, (TryAgain, NotData, requests.ConnectionError, requests.Timeout, *BROKEN))

    def _remember(self, value: Any, response: requests.Response) -> Answer:
        digest = hashlib.sha256(response.content).hexdigest()
        self.last = Answer(value, response.url, digest, self._attempts)
        return self.last


BROKEN = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)


def _say(retry: stamina.instrumentation.RetryDetails) -> None:
    """One line per retry, for whoever watches at night; the fault's words hold no key."""
    found = " ".join((str(retry.caused_by) or type(retry.caused_by).__name__).split())[:160]
    logging.getLogger(__name__).warning("asking again in %.1f s, retry %d: %s", retry.wait_for, retry.retry_num, found)


stamina.instrumentation.set_on_retry_hooks([_say])


@cache
def _limiter(source: str, rate: float) -> Limiter | None:
    """One limiter per database and process, whoever asks."""
    return Limiter(Rate(1, max(1, round(1000 / rate)))) if rate > 0 else None
