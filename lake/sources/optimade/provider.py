"""OPTIMADE, whoever provides it: how structures are planned, asked for and paged through.

What belongs here: what holds for every provider (https://www.optimade.org/optimade). What a provider calls its fields,
and what they mean, belongs to its own module; structures as arrays to arrays.py.

What providers do, and what this does about it:
- Fields come only when `response_fields` names them, and one unknown name may refuse the whole question: `/info` is
  asked once what there is. Where it says that `id` can be sorted by, pages are sorted, so that they neither repeat
  nor skip records; elsewhere a crawl counts distinct ids against `data_returned`, and reads a short part again.
- `more_data_available` is wrong at some; no link, or no data, is the end. A link is a string, an object or null, may be
  relative or speak http, and is followed on the provider's own host only, never to where it came from.
- ids may be integers; they are kept as text. A null is an answer, a missing field is none: both stay as told.
- 403 stands for a page that is too large: half of it is asked for, from then on. `request_delay` is obeyed.

Parts come from counts and pages from offsets (see offsets.py for why). `page_offset` is optional in OPTIMADE: where a
provider tells no number of records, its links are followed one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson

from lake.sources import offsets
from lake.sources.page import MAIN, Forecast, Page, Record, Unit
from lake.sources.parts import LARGEST, MOST_ELEMENTS, Part, parts
from lake.sources.scope import WHOLE, Scope
from lake.wire.answers import NotData, json_of, quoted
from lake.wire.down import SourceDown
from lake.wire.http import Answer, Polite

TOO_LARGE = "found HTTP 403"  # what the client's message says of a page_limit beyond a provider's own


@dataclass(frozen=True)
class Meta:
    """What an answer says of itself; None or empty where it does not.

    returned: records that match. available: records that there are. delay: seconds to leave before the next request.
    """

    returned: int | None
    available: int | None
    delay: float
    api_version: str
    provider: str
    time_stamp: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Meta:
        """From an answer's `meta`."""
        meta = answer.get("meta") or {}
        provider = meta.get("provider") or {}
        delay = meta.get("request_delay")
        return cls(
            _whole(meta.get("data_returned")), _whole(meta.get("data_available")),
            float(delay) if isinstance(delay, int | float) else 0.0,
            str(meta.get("api_version") or ""), str(provider.get("prefix") or ""), str(meta.get("time_stamp") or ""),
        )  # fmt: skip


class Optimade:
    """One provider's structures, as far as any provider's go. A source holds one, and says what payloads mean."""

    def __init__(
        self, http: Polite, impatient: Polite, prefix: str, fields: Sequence[str], page_limit: int, record_bytes: int
    ) -> None:
        """The provider below `<base>/optimade`.

        impatient: a client that asks once. prefix: the provider's, as in its own fields. fields: what is asked for, as
        far as it is there. page_limit: records a page, as long as they are granted. record_bytes: of one on disk.
        """
        self.prefix, self.fields, self.page_limit, self.record_bytes = prefix, tuple(fields), page_limit, record_bytes
        self.url = f"{http.base}/optimade"
        self._http, self._impatient = http, impatient
        self._info: Mapping[str, Any] | None = None

    def alive(self) -> None:
        """One record's id, asked for once; raises SourceDown."""
        self._impatient.ask(f"{self.url}/structures?response_fields=id&page_limit=1", self._page_of)

    def forecast(self, scope: Scope) -> Forecast:
        """From the number of records that match; raises SourceDown."""
        meta = self._count(Part.of(scope))
        n = min(meta.returned or 0, scope.limit or meta.returned or 0)
        note = f"OPTIMADE {meta.api_version} of {meta.provider}, {meta.available or 'an unknown number of'} structures"
        counts = 1 + (2 * MOST_ELEMENTS + 2 * n // LARGEST if n > LARGEST else 0)
        return Forecast(n, counts + -(-n // self.page_limit), n * self.record_bytes, note)

    def plan(self, scope: Scope, field: str = "") -> Iterator[Unit]:
        """Pages of parts that are small enough; of one field alone, where one is named. Raises SourceDown."""
        for part, n in parts(Part.of(scope), lambda part: self._count(part).returned, scope.limit):
            request = {"path": "optimade", "filter": filter_of(part), "counted": n is not None}
            request |= {"field": field} if field else {}
            size = min(self.page_limit, scope.limit or self.page_limit)
            yield from offsets.pages(str(part), request, 0, n or 1, size, last=scope.limit is None)

    def column(self, field: str) -> Iterator[Unit]:
        """Pages of one field; ValueError for a field that is kept anyway, or that the provider does not have."""
        if field in self.fields:
            raise ValueError(f"a column crawl fetches what a crawl does not keep, found {field}, which it does")
        there = self._properties()
        if there and field not in there:
            rest = ", ".join(sorted(set(there) - set(self.fields)))
            raise ValueError(f"a field must be told by {self.prefix} to be crawled, found {field}; there is {rest}")
        yield from self.plan(WHOLE, field)

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """One page, and what is left of its part after it. Raises SourceDown."""
        answer = self._ask(str(unit.request["link"])) if "link" in unit.request else self._ask_at(unit)
        rows, meta = answer.value["data"], Meta.of(answer.value)
        field = str(unit.request.get("field") or "")
        ids = [str(row["id"]) for row in rows]
        records = [
            Record(source_id, orjson.dumps(row).decode(), route=field or MAIN)
            for source_id, row in zip(ids, rows, strict=True) if not field or source_id in known
        ]  # fmt: skip
        following = self._following(unit, answer.value, len(rows))
        return Page(
            answer.url, records, answer.sha256, None, tuple(following), answer.attempts,
            route=field or MAIN, listed=ids, total=meta.returned,
        )  # fmt: skip

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """Two units for one; a link of the provider's own cannot be divided."""
        return () if "link" in unit.request else offsets.halves(unit)

    def _count(self, part: Part) -> Meta:
        query = {"filter": filter_of(part), "response_fields": "id", "page_limit": "1"}
        return Meta.of(self._ask(self._url(query)).value)

    def _ask(self, url: str, start: int | None = None) -> Answer:
        """A page of structures; one without any, where more than `start` are counted, is asked for again.

        The delay that it asks for lies before the next question.
        """

        def read(body: bytes) -> dict[str, Any]:
            answer = self._page_of(body)
            counted = Meta.of(answer).returned or 0
            if start is not None and start < counted and not answer["data"]:
                raise NotData(f"a page without data from record {start} on, in an answer that counts {counted}")
            return answer

        answer = self._http.ask(url, read)
        self._http.delay(Meta.of(answer.value).delay)
        return answer

    def _ask_at(self, unit: Unit) -> Answer:
        """The page of a unit, as large as it is granted."""
        start, end, _ = offsets.span(unit)
        while True:
            limit = min(end - start, self.page_limit)
            query = {
                "filter": str(unit.request["filter"]), "response_fields": self._wanted(unit), "sort": self._sort(),
                "page_limit": str(limit), "page_offset": str(start),
            }  # fmt: skip
            try:
                return self._ask(self._url(query), start)
            except SourceDown as fault:
                if limit == 1 or TOO_LARGE not in str(fault):
                    raise
                self.page_limit = limit // 2

    def _url(self, query: Mapping[str, str]) -> str:
        return f"{self.url}/structures?{urlencode({name: value for name, value in query.items() if value})}"

    def _page_of(self, body: bytes) -> dict[str, Any]:
        answer = page_of(body)
        promised = _whole((answer.get("meta") or {}).get(f"_{self.prefix}_data_in_response")) or 0
        if len(answer["data"]) < promised:
            raise NotData(f"{len(answer['data'])} structures on a page that counts {promised}")
        provider = Meta.of(answer).provider
        if provider and provider != self.prefix:
            raise SourceDown(f"{self.url} must be {self.prefix}'s, found an answer of {provider!r}: check its URL")
        return answer

    def _following(self, unit: Unit, answer: Mapping[str, Any], got: int) -> list[Unit]:
        """What is left: by offset where that can be said, else by the provider's link."""
        if got == 0:
            return []
        linked = "link" in unit.request
        left = [] if linked else offsets.after(unit, got, Meta.of(answer).returned, self.page_limit)
        link = next_link(answer)
        if left or not link or not (linked or offsets.span(unit)[2]):
            return left
        return [self._linked(unit, self._http.own(link))]

    def _linked(self, unit: Unit, link: str) -> Unit:
        """The unit of a link: by its offset where it has one that leads on."""
        request = {name: unit.request[name] for name in ("path", "filter", "counted", "field") if name in unit.request}
        at = parse_qs(urlsplit(link).query).get("page_offset", [""])[0]
        if "link" not in unit.request and at.isdigit() and int(at) > offsets.span(unit)[0]:
            return offsets.page(unit.partition, request, int(at), self.page_limit, last=True)
        here, walked = str(unit.request.get("link", "")), int(str(unit.request.get("walked", 0))) + 1
        mark = str(unit.request.get("mark", ""))
        if link in (here, mark):  # Brent: one link of the way is kept, a later one each time the way doubles
            raise SourceDown(f"{self.prefix}: links must lead on, found one back to {link[:200]}")
        mark = link if walked & (walked - 1) == 0 else mark
        key = f"{unit.key.partition('/after/')[0]}/after/{walked:06d}"
        return Unit(key, {**request, "link": link, "walked": walked, "mark": mark}, unit.partition)

    def _properties(self) -> Mapping[str, Any]:
        """Name -> definition of what the provider tells of a structure; asked once, nothing where it does not say."""
        if self._info is None:
            answer = self._http.ask(f"{self.url}/info/structures", json_of, may_be_absent=True).value
            data = answer.get("data") if isinstance(answer, dict) else None
            found = data.get("properties") if isinstance(data, dict) else None
            self._info = found if isinstance(found, dict) else {}
        return self._info

    def _wanted(self, unit: Unit) -> str:
        field = unit.request.get("field")
        if field:
            return f"id,{field}"
        there = self._properties()
        return ",".join(name for name in self.fields if not there or name in there or name == "id")

    def _sort(self) -> str:
        definition = self._properties().get("id")
        if not isinstance(definition, dict):
            return ""
        sortable = definition.get("sortable") or (definition.get("x-optimade-implementation") or {}).get("sortable")
        return "id" if sortable else ""


def filter_of(part: Part) -> str:
    """A part in OPTIMADE's filter language, in what every server must understand: comparisons, HAS and AND."""
    words = [f'elements HAS "{symbol}"' for symbol in part.elements]
    for name, (low, high) in (("nelements", part.nelements), ("nsites", part.nsites)):
        if low == high:
            words.append(f"{name}={low}")
        else:
            words += [f"{name}>={low}"] if low > 1 else []
            words += [f"{name}<={high}"] if high is not None else []
    return " AND ".join(words)


def page_of(body: bytes) -> dict[str, Any]:
    """An OPTIMADE answer with a list of structures; raises NotData for an error told as JSON, or anything else."""
    answer = json_of(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        raise NotData(f"JSON without a list of structures: {quoted(body)}")
    rows = answer["data"]
    if not all(isinstance(row, dict) and _named(row) and isinstance(row.get("attributes"), dict) for row in rows):
        raise NotData(f"structures without id and attributes: {quoted(body)}")
    return answer


def next_link(answer: Mapping[str, Any]) -> str | None:
    """The next page's URL, told as a string or as an object with `href`; None at the end."""
    link = (answer.get("links") or {}).get("next")
    link = link.get("href") if isinstance(link, dict) else link
    return link if isinstance(link, str) and link else None


def _named(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("id"), str | int) and not isinstance(row["id"], bool)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
