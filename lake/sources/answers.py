"""What counts as an answer: status, kind of body, and how long to wait where it is none.

What belongs here: judging one response. Asking again belongs to http.py, what an answer means to its source.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests

from lake.sources.page import SourceDown

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # what a database answers when it is only having a bad time
ABSENT = frozenset({404, 410})


class NotData(ValueError):
    """An answer that is not what was asked for; the message says what was found. It is asked for again."""


class TryAgain(Exception):
    """A passing failure; `after` are the seconds the database asked us to wait, None where it did not."""

    def __init__(self, found: str, after: float | None = None) -> None:
        super().__init__(found)
        self.after = after


def json_of(body: bytes) -> Any:
    """JSON in an answer's body; raises NotData that quotes how anything else begins."""
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        raise NotData("an empty answer where JSON belongs")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        kind = "a web page" if body[:1] == b"<" else "something else or half of it"
        raise NotData(f"{kind} where JSON belongs, beginning {quoted(body)}") from None


def check_json(body: bytes) -> None:
    """Raise NotData for a body that does not begin and end as JSON does; its client parses it."""
    if body[:1] not in b"{[" or body.rstrip()[-1:] not in b"}]" or not body:
        json_of(body)


def quoted(body: bytes) -> str:
    """The beginning of a body, for a message."""
    return repr(" ".join(body[:400].decode("utf-8", "replace").split())[:120])


def refuse(response: requests.Response) -> None:
    """Raise for a status that is no answer: TryAgain where it may pass, SourceDown where it will not."""
    status = response.status_code
    if status == 200:
        return
    found = f"HTTP {status} with {quoted(response.content)}"
    if status in PASSING:
        raise TryAgain(found, seconds_of(response.headers.get("Retry-After")))
    hint = "check the key and what it may do" if status in (401, 403) else "the database may have changed its interface"
    raise SourceDown(f"asked {response.url}, found {found}; {hint}")


def seconds_of(retry_after: str | None) -> float | None:
    """`Retry-After` in seconds, which comes as a number or as a date; None where it is neither."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
