"""An OPTIMADE provider of its own ways, behind the door of the small internet: what providers are free to do."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response

_TERM = re.compile(r'(\w+)(<=|>=|=)(\d+)|elements HAS "(\w+)"')


@dataclass
class Provider:
    """base: of the internet it stands in. n structures, of which number k has k % 3 + 1 elements and k % 7 + 1 sites.

    link: how `next` is written: string, object, relative, cursor (no offset in it), elsewhere, back (to the first
    page) or circle (two cursors that lead to each other). counts: whether `data_returned` is told. most: largest page
    granted; refused with 403 beyond it, or cut to it where `cuts`. orders: whether pages have an order; without one
    they repeat and skip. delay: `request_delay`. bad: a structure whose pages fail.
    """

    base: str
    n: int = 20
    link: str = "string"
    counts: bool = True
    most: int = 1000
    cuts: bool = False
    orders: bool = True
    sortable: bool = False
    delay: float | None = None
    prefix: str = "oqmd"
    bad: int | None = None
    numeric: bool = True
    fields: tuple[str, ...] = ("nelements", "nsites", "lattice_vectors", "species_at_sites", "cartesian_site_positions")
    asked: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, path: str) -> Response | None:
        place, _, query = path.partition("?")
        if place.endswith("/info/structures"):
            properties = {name: {"sortable": self.sortable} for name in ("id", *self.fields, "_oqmd_more")}
            return JSONResponse({"data": {"properties": properties}})
        words = {name: values[0] for name, values in parse_qs(query).items()}
        self.asked.append(words)
        return self._page(words)

    def _page(self, words: dict[str, str]) -> Response:
        limit = int(words.get("page_limit", 10))
        if limit > self.most and not self.cuts:
            return JSONResponse({"errors": [{"status": "403", "title": "Forbidden"}]}, 403)
        limit = min(limit, self.most)
        start = int(words.get("page_offset", words.get("cursor", "0")).lstrip("x"))
        there = [k for k in range(self.n) if self._matches(k, words.get("filter", ""))]
        if not self.orders and words.get("sort") != "id":
            random.Random(len(self.asked)).shuffle(there)
        page = there[start : start + limit]
        if self.bad in page:
            return Response("Internal Server Error", 500)
        names = words.get("response_fields", "").split(",")
        rows = [{"id": k if self.numeric else str(k), "type": "structures", "attributes": self._attributes(k, names)}
                for k in page]  # fmt: skip
        meta: dict[str, Any] = {
            "provider": {"prefix": self.prefix},
            "more_data_available": True,
            "api_version": "1.1.0",
        }
        if self.counts:
            meta |= {"data_returned": len(there), "data_available": self.n}
        if self.delay is not None:
            meta["request_delay"] = self.delay
        more = start + limit < len(there) or self.link in ("back", "circle")
        following = self._link(words, start, limit) if more else None
        return JSONResponse({"data": rows, "links": {"next": following}, "meta": meta})

    def _link(self, words: dict[str, str], start: int, limit: int) -> object:
        rest = f"page_limit={limit}&response_fields={words.get('response_fields', '')}"
        if "filter" in words:
            rest += f"&filter={words['filter']}"
        base = "" if self.link == "relative" else self.base
        if self.link in ("cursor", "circle"):
            number = start + limit if self.link == "cursor" else (2 if start == 4 else 4)
            return f"{base}/oqmd/optimade/structures?cursor=x{number}&{rest}"
        if self.link == "elsewhere":
            return f"http://evil.example/optimade/structures?page_offset={start + limit}&{rest}"
        url = f"{base}/oqmd/optimade/structures?page_offset={0 if self.link == 'back' else start + limit}&{rest}"
        return {"href": url, "meta": {}} if self.link == "object" else url

    def _attributes(self, k: int, names: list[str]) -> dict[str, Any]:
        a = 3.0 + k / 10
        told = {
            "nelements": k % 3 + 1, "nsites": k % 7 + 1, "_oqmd_more": k / 2,
            "lattice_vectors": [[a, 0, 0], [0, a, 0], [0, 0, a]], "species_at_sites": ["Cs", "Cl"],
            "cartesian_site_positions": [[0, 0, 0], [a / 2, a / 2, a / 2]],
        }  # fmt: skip
        return {name: value for name, value in told.items() if name in names}

    def _matches(self, k: int, words: str) -> bool:
        for name, sign, number, _ in _TERM.findall(words):
            value, other = {"nelements": k % 3 + 1, "nsites": k % 7 + 1}.get(name, 0), int(number or 0)
            if name and not {"=": value == other, "<=": value <= other, ">=": value >= other}[sign]:
                return False
        return True
