"""A polite session with Materials Project: one that knows when it was blocked, and stops asking.

What belongs here: what its answers mean before they are documents: heartbeat, block. The rest of politeness is http.py.
"""

from __future__ import annotations

from typing import Any

import orjson
import requests

from lake.wire.answers import NotData, json_of, quoted
from lake.wire.down import NotNow
from lake.wire.http import Polite

SMALL = 4096  # bytes; the answer to a blocked address is one line


class Session(Polite):
    """Polite, and done with asking as soon as the server says that this address is blocked.

    It says so with status 429 and `"version": "blocked"` (materialsproject/api#1048); more requests might lengthen it.
    """

    def heartbeat(self) -> dict[str, Any]:
        """What the server says of itself, without a key; raises SourceDown."""
        return self.ask(self.base + "/heartbeat", _heartbeat_of).value

    def _once(self, method: str, url: str, **how: Any) -> requests.Response:
        response = super()._once(method, url, **how)
        if len(response.content) < SMALL and (words := _blocked(response.content)):
            self.give_up(words)
            raise NotNow(
                f"mp: this address is blocked for a while ({words}); wait some hours, run the crawl again (it goes on "
                "where it stopped) and lower CRYSTAL_LAKE_MP_RATE"
            )
        return response


def _blocked(body: bytes) -> str:
    """The server's words to a blocked address, else nothing."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    blocked = isinstance(answer, dict) and answer.get("version") == "blocked"
    return str(answer.get("error") or "it gives no reason")[:200] if blocked else ""


def _heartbeat_of(body: bytes) -> dict[str, Any]:
    beat = json_of(body)
    if not isinstance(beat, dict) or not beat.get("db_version"):
        raise NotData(f"a heartbeat without db_version: {quoted(body)}")
    return beat
