"""How a database misbehaves: down, slow, stumbling now and then, or answering a web page where data was asked for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True)
class Faults:
    """What goes wrong, by database slug. Pass a set or dict and change it later: it is looked at for every request.

    down: answers 503 to everything.
    html: answers 200 and a web page.
    slow: seconds to wait before every answer.
    stumble: every n-th request fails, AFLOW with `DB Fail!null` and status 200 as AFLUX does, the others with 502.
    """

    down: Collection[str] = ()
    html: Collection[str] = ()
    slow: Mapping[str, float] = field(default_factory=dict)
    stumble: Mapping[str, int] = field(default_factory=dict)


class FaultyDatabases:
    """ASGI middleware that plays the faults before the databases are asked."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app, self.faults = app, faults
        self.asked: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            slug = scope["path"].split("/")[1]
            await asyncio.sleep(self.faults.slow.get(slug, 0.0))
            failure = self._failure(slug)
            if failure is not None:
                await failure(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _failure(self, slug: str) -> Response | None:
        self.asked[slug] += 1
        if slug in self.faults.down:
            return PlainTextResponse("Service Unavailable", status_code=503)
        if slug in self.faults.html:
            return HTMLResponse("<!DOCTYPE html><html><body><h1>We are doing maintenance</h1></body></html>")
        every = self.faults.stumble.get(slug)
        if every and self.asked[slug] % every == 0:
            if slug == "aflow":
                return PlainTextResponse("DB Fail!null")
            return PlainTextResponse("Bad Gateway", status_code=502)
        return None
