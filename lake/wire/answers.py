"""What counts as an answer: status, kind of body, and how long to wait where it is none.

What belongs here: judging one response. Asking again belongs to http.py, what an answer means to its source.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests

from lake.wire.down import SourceDown

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
    """JSON in an answer's body; raises NotData that quotes how anything else begins.

    A number that no float can hold, NaN and Infinity are refused, and so is what is nested deeper than 1024: the parser
    does both.
    """
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        raise NotData("an empty answer where JSON belongs")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        kind = "a web page" if body[:1] == b"<" else "something else or half of it"
        raise NotData(f"{kind} where JSON belongs ({fault.msg}), beginning {quoted(body)}") from None


def quoted(body: bytes) -> str:
    """The beginning of a body, for a message."""
    return repr(" ".join(body[:400].decode("utf-8", "replace").split())[:120])


def refuse(response: requests.Response, now: float) -> None:
    """Raise for a status that is no answer: TryAgain where it may pass, SourceDown where it will not.

    now: seconds since 1970, for a `Retry-After` that is a date.
    """
    status = response.status_code
    if status == 200:
        return
    found = f"HTTP {status} with {quoted(response.content)}"
    if status in PASSING:
        told = moment_of(response.headers.get("Date"))
        raise TryAgain(found, seconds_of(response.headers.get("Retry-After"), now if told is None else told))
    hint = "check the key and what it may do" if status in (401, 403) else "the database may have changed its interface"
    raise SourceDown(f"asked {response.url}, found {found}; {hint}")


def seconds_of(retry_after: str | None, now: float) -> float | None:
    """`Retry-After` in seconds, which comes as a number or as a date; None where it is neither.

    now: seconds since 1970 by the clock that the date was written by.
    """
    if retry_after and retry_after.strip().isascii() and retry_after.strip().isdigit():
        return float(retry_after)
    moment = moment_of(retry_after)
    return None if moment is None else max(0.0, moment - now)


def moment_of(date: str | None) -> float | None:
    """A date as headers write them, in seconds since 1970; None for anything else."""
    try:
        told = parsedate_to_datetime(date or "")
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
