"""Materials Project: summary documents with the crystals, and the routes that hold what a summary lacks; by mp-api.

What belongs here: which questions a crawl by REST puts, and what their answers are to it. What the routes are and how
each may be asked: routes.py; documents as records and entries: documents.py; the same from the public Delta tables:
collection.py.

What the service does. Summary comes sorted by material_id, but none of the indexes that the server picks gives that
order: every page costs it a sort of all that matches. So a collection above 20,000 documents is asked in parts, by
numbers of elements and sites. The other routes cannot be sorted at all; MongoDB gives an unchanging collection in one
order [assumed], and where it does not, the count of distinct ids against `total_doc` says so. What cannot be asked for
a part (dielectric by elements, phonon by anything) is asked by id, for the materials of which summary's `has_props`
says that it is there. Nothing can be filtered by date, and an energy above the hull may move without its document's
`last_updated` (another material came to the hull) [assumed]: after each release, told by the heartbeat's `db_version`,
everything is read again, and the lake keeps what differs. Documents under BY-NC (GNoME) come only to accounts that
accepted those terms.

Tried on recorded answers, on the mirror, and on the real emmet-api 0.87.3 on loopback; never seen live.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Any

import orjson

from lake.settings import Settings
from lake.sources.materials_project.columns import Column, column_named, told_under
from lake.sources.materials_project.documents import (
    Document,
    entry_of,
    normal_id,
    normal_task_id,
    phonon_record,
    record_of,
    with_means,
    with_run_types,
)
from lake.sources.materials_project.routes import ROUTES, SUMMARY, Route, parts, routes_named
from lake.sources.materials_project.run_types import PER_QUESTION, TasksBehind
from lake.sources.materials_project.session import Session
from lake.sources.page import MAIN, Entry, Forecast, Page, Record, Unit
from lake.sources.scope import Scope

if TYPE_CHECKING:
    from lake.sources.materials_project.client import Client, Told

PER_PAGE = 1000  # the server's own maximum
LARGEST = 20_000  # documents that are read as one part
# bytes of one record on disk: twice what `python benchmarks/materials_project.py` measured on 5,000 materials that the
# mirror tells (849, 250, 196, 198, 128, 113), since real documents name more tasks; phonon's are a guess
BYTES = {
    MAIN: 1700, "elasticity": 500, "dielectric": 400, "piezoelectric": 400, "magnetism": 260,
    "thermo/GGA_GGA+U": 230, "thermo/GGA_GGA+U_R2SCAN": 230, "thermo/R2SCAN": 230, "phonon": 1000,
}  # fmt: skip

Criteria = Mapping[str, object]


class MaterialsProject:
    """The inorganic materials of the Materials Project; needs an API key (MP_API_KEY)."""

    name = "mp"
    title = "Materials Project"
    citation = "Jain et al., APL Materials 1, 011002 (2013), doi:10.1063/1.4812323"
    licence = "CC BY 4.0"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = Session(self.name, settings)
        self.routes = routes_named(settings.mp_routes)
        self.keeps = {route.name: route.fields for route in self.routes}

    def marker(self) -> str:
        """The heartbeat's `db_version`, which moves with each release, one to three times a year."""
        return str(self._session.heartbeat()["db_version"])

    def alive(self) -> None:
        """Ask for one document, once: a heartbeat would come without a key, and to a blocked address."""
        hasty = self._settings.model_copy(update={"attempts": 1})
        self._client_of(Session(self.name, hasty)).count(SUMMARY, {})

    def forecast(self, scope: Scope) -> Forecast:
        """One count for each route; a part is counted by what summary says that it has."""
        criteria = _criteria_of(scope)
        counts = {route: self._count(route, criteria) for route in self.routes}
        if scope.limit:
            counts = {route: min(number, scope.limit) for route, number in counts.items()}
        told = ", ".join(f"{route.title} {number:,}" for route, number in counts.items())
        return Forecast(
            sum(counts.values()),
            sum(_questions(route, number, criteria) for route, number in counts.items()),
            sum(BYTES[route.name] * number for route, number in counts.items()),
            f"{told}; what your account may see of them",
        )

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """The first page of each part of each route; each page leads to the next."""
        for route in self.routes:
            yield from self._first_pages(route, scope)

    def column(self, field: str, known: Mapping[str, str]) -> Iterator[Unit]:
        """A field or route beyond `keeps`: all pages of a route, a field by id for 200 known ids at a time."""
        column = column_named(field)
        if not column.field:
            for route in column.routes:
                yield from self._first_pages(route, Scope())
            return
        ids = iter(known)
        while some := list(islice(ids, PER_QUESTION)):
            yield _by_ids(column, [normal_id(each) for each in some])

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """One page, or one column of some ids."""
        before = self._session.requests_made
        page = self._column_of_ids(unit) if "ids" in unit.request else self._page(unit)
        return replace(page, attempts=self._session.requests_made - before)

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """A page in two that end there, and the page after it; some ids in two."""
        if "ids" in unit.request:
            ids, column = unit.request["ids"], column_named(str(unit.request["column"]))
            middle = len(ids) // 2
            return (_by_ids(column, ids[:middle]), _by_ids(column, ids[middle:])) if middle else ()
        request, skip, limit = unit.request, unit.request["skip"], unit.request["limit"]
        if unit.alone:
            return ()
        middle = ceil(limit / 2)
        route = ROUTES[request["route"]]
        pieces = [_page_of(route, request["criteria"], skip, middle, leads=False)]
        if limit > middle:
            pieces.append(_page_of(route, request["criteria"], skip + middle, limit - middle, leads=False))
        if request["leads"]:
            pieces.append(_page_of(route, request["criteria"], skip + limit, limit))
        return tuple(pieces)

    def fields(self, payload: str) -> Mapping[str, object]:
        """The document itself; moduli are nested (`bulk_modulus.vrh`), other routes stand under their names.

        Beside a phonon document's dielectric tensors stand their means, `epsilon_static_mean`.
        """
        return with_means(orjson.loads(payload))

    def read(self, payload: str) -> Entry:
        """The relaxed structure, at the level of the task behind it, PBE where that is not told (assumed)."""
        return entry_of(payload)

    def _first_pages(self, route: Route, scope: Scope) -> Iterator[Unit]:
        criteria = _criteria_of(scope)
        direct = route.may_be_asked(criteria)
        large = direct and scope.limit is None and not criteria and route.may_be_asked(parts()[0])
        chosen = parts() if large and self._count(route, criteria) > LARGEST else [criteria]
        limit = min(PER_PAGE if direct else PER_QUESTION, scope.limit or PER_PAGE)
        for each in chosen:
            yield _page_of(route, each, 0, limit)

    def _count(self, route: Route, criteria: Criteria) -> int:
        """How many documents meet the criteria; by summary where the route does not know them."""
        if route.may_be_asked(criteria):
            return self._client.count(route, criteria)
        return self._client.count(SUMMARY, {**criteria, "has_props": route.told_as})

    def _page(self, unit: Unit) -> Page:
        request, route = unit.request, ROUTES[str(unit.request["route"])]
        criteria, skip, limit = request["criteria"], request["skip"], request["limit"]
        direct = route.may_be_asked(criteria)
        page = self._direct(route, criteria, skip, limit) if direct else self._told_of(route, criteria, skip, limit)
        total, came_to = page.total or 0, skip + limit
        following = (_page_of(route, criteria, came_to, limit),) if request["leads"] and came_to < total else ()
        exact = direct or not route.has_schemes  # has_props does not say which mixing schemes there are
        expected = min(limit, max(0, total - skip)) if exact else None
        return replace(page, following=following, expected=expected, total=total if exact else None)

    def _direct(self, route: Route, criteria: Criteria, skip: int, limit: int) -> Page:
        """A page of the route's own documents."""
        told = self._client.ask(route, criteria, route.fields, skip, limit)
        documents = self._with_run_types(told.documents, criteria) if route is SUMMARY else told.documents
        records = [record_of(route, document) for document in documents]
        return Page(told.url, records, told.sha256, route=route.name, total=told.total)

    def _told_of(self, route: Route, criteria: Criteria, skip: int, limit: int) -> Page:
        """The route's documents of those materials of which summary says that it has them."""
        asked = {**criteria, "has_props": route.told_as}
        told = self._client.ask(SUMMARY, asked, ["material_id", "phonon_IDs"], skip, limit)
        ids = [normal_id(document["material_id"]) for document in told.documents]
        records = self._records_of(route, told, route.fields)
        page = Page(told.url, records, told.sha256, route=route.name, total=told.total)
        if route.has_schemes:
            return page
        lacking = set(ids) - {record.source_id for record in records}
        why = f"summary says that there is {route.told_as}, and its route does not tell it"
        return replace(page, listed=ids, missing=dict.fromkeys(sorted(lacking), why))

    def _records_of(self, route: Route, summary: Told, fields: Sequence[str], column: str = "") -> list[Record]:
        """A route's records of the materials on a page of summary, which tells the ids."""
        if not summary.documents:
            return []
        if not route.has_own_ids:
            ids = ",".join(normal_id(document["material_id"]) for document in summary.documents)
            told = self._client.ask(route, {"material_ids": ids}, fields, 0, PER_PAGE)
            return [record_of(route, document, column) for document in told.documents]
        of = {normal_id(d["material_id"]): _phonon_ids(d) for d in summary.documents}
        wanted = [each for ids in of.values() for each in ids]
        documents: dict[str, Document] = {}
        for start in range(0, len(wanted), PER_QUESTION):
            asked = {"identifiers": ",".join(wanted[start : start + PER_QUESTION])}
            told = self._client.ask(route, asked, [*fields, "identifier", "phonon_method"], 0, PER_PAGE)
            documents |= {normal_task_id(document["identifier"]): document for document in told.documents}
        found = {each: [documents[i] for i in map(normal_task_id, ids) if i in documents] for each, ids in of.items()}
        return [phonon_record(route, each, told, column) for each, told in found.items() if told]

    def _column_of_ids(self, unit: Unit) -> Page:
        """One field of known materials; a material that does not tell it is no fault."""
        column, ids = column_named(str(unit.request["column"])), unit.request["ids"]
        (route,) = column.routes
        asked, fields = {"material_ids": ",".join(ids)}, ["material_id", "last_updated", column.field]
        if route.has_own_ids:
            told = self._client.ask(SUMMARY, asked, ["material_id", "phonon_IDs"], 0, PER_PAGE)
            records = self._records_of(route, told, fields[1:], column.name)
        else:
            told = self._client.ask(route, asked, fields, 0, PER_PAGE)
            records = [record_of(route, document, column.name) for document in told.documents]
        records = [record for record in records if told_under(column, record.payload)]
        return Page(told.url, records, told.sha256, route=column.name)

    def _with_run_types(self, documents: Sequence[Document], criteria: Criteria) -> list[Document]:
        ids = [normal_id(document["material_id"]) for document in documents]
        run_types = self._tasks.of(ids, criteria)
        return [with_run_types(d, run_types.get(each, {})) for each, d in zip(ids, documents, strict=True)]

    @cached_property
    def _client(self) -> Client:
        return self._client_of(self._session)

    @cached_property
    def _tasks(self) -> TasksBehind:
        return TasksBehind(self._client)

    def _client_of(self, session: Session) -> Client:
        from lake.sources.materials_project.client import Client  # mp-api takes seconds to import

        key = self._settings.mp_key.get_secret_value() if self._settings.mp_key else ""
        return Client(session, key)


def _criteria_of(scope: Scope) -> dict[str, Any]:
    if scope.chemsys:
        return {"chemsys": "-".join(scope.chemsys)}
    return {"elements": ",".join(scope.elements)} if scope.elements else {}


def _questions(route: Route, number: int, criteria: Criteria) -> int:
    """Requests for so many documents of a route."""
    if not route.may_be_asked(criteria):
        return 2 * ceil(number / PER_QUESTION)
    pages = ceil(number / PER_PAGE) + (len(parts()) if number > LARGEST and route.may_be_asked(parts()[0]) else 0)
    return 2 * pages if route is SUMMARY else pages  # core is read beside summary


def _page_of(route: Route, criteria: Criteria, skip: int, limit: int, leads: bool = True) -> Unit:
    """A page; one that leads goes on to the next, the piece of a page that was halved does not."""
    partition = " ".join([route.title, *(f"{name}={value}" for name, value in criteria.items())])
    request = {"route": route.name, "criteria": dict(criteria), "skip": skip, "limit": limit, "leads": leads}
    key = f"{partition} skip={skip:07d}" + ("" if leads else f"+{limit}")
    return Unit(key, request, partition, alone=limit == 1 and not leads)


def _by_ids(column: Column, ids: Sequence[str]) -> Unit:
    key = f"{column.name} {ids[0]}..{ids[-1]}"
    return Unit(key, {"column": column.name, "ids": list(ids)}, column.name, alone=len(ids) == 1)


def _phonon_ids(summary: Document) -> list[str]:
    return [each for ids in (summary.get("phonon_IDs") or {}).values() for each in ids]
