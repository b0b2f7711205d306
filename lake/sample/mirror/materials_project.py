"""Materials Project's REST interface, as mp-api 0.46.5 calls it and emmet-api 0.87.3 answers it.

What belongs here: routes, paging and errors. What a summary document says: `materials_project_summary.py`; those of the
other routes: `materials_project_properties.py`; which documents a query selects: `materials_project_filters.py`.
Only summary can be sorted, and only by one field; a field it does not know changes nothing. Source: https://api.materialsproject.org/docs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property

import orjson
from fastapi import FastAPI, Request, Response
from starlette.middleware.gzip import GZipMiddleware

from lake.sample.mirror.materials_project_filters import BadFilter, UnknownParameter, selected
from lake.sample.mirror.materials_project_properties import PROPERTIES
from lake.sample.mirror.materials_project_summary import CORE, SUMMARY, TASK, Field
from lake.sample.mirror.told import Told

VERSION = "0.87.3"  # of emmet-api, whose answers these are shaped after
MAX_LIMIT, DEFAULT_LIMIT = 1000, 100
PAGING = ("_limit", "_skip", "_page", "_per_page", "_fields", "_all_fields", "id_format")
SORTED = "summary"  # the one route that takes `_sort_fields`
SORTABLE = (
    "material_id", "task_id", "nsites", "nelements", "formula_pretty", "chemsys", "volume", "density",
    "energy_above_hull", "formation_energy_per_atom", "band_gap",
)  # fmt: skip


class Refused(ValueError):
    """A query that Materials Project answers with status 400."""


def speaking(shelf: Sequence[Told]) -> FastAPI:
    """Materials Project over these tellings: `/heartbeat` and `/materials/{summary,core,tasks,elasticity ...}/`."""
    app = FastAPI(title="Materials Project, as a mirror tells it")
    # level 1: on loopback time matters more than size
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    ordered = sorted(shelf, key=lambda told: _number(told.id))
    collections = {
        "summary": Collection("summary", ordered, SUMMARY, "material_id"),
        "core": Collection("core", ordered, CORE, "material_id"),
        "tasks": Collection("tasks", ordered, TASK, "task_id"),
    } | {
        name: Collection(name, [row for told in ordered for row in rows(told)], fields, key)
        for name, (fields, key, rows) in PROPERTIES.items()
    }

    @app.api_route("/heartbeat", methods=["GET", "HEAD"])
    def heartbeat() -> Response:
        return _json(_heartbeat(collections["summary"].version))

    @app.get("/materials/{name}/")
    def page(name: str, request: Request) -> Response:
        if not request.headers.get("x-api-key"):
            return _json({"message": "No API key found in request"}, 401)
        if name not in collections:
            return _json({"detail": "Not Found"}, 404)
        try:
            return _json(collections[name].page(dict(request.query_params)))
        except (Refused, UnknownParameter, BadFilter) as error:
            return _json({"detail": str(error)}, 400)

    return app


class Collection:
    """One route's documents: which there are, and how a page of them is cut out."""

    def __init__(self, route: str, shelf: Sequence[Told], fields: Mapping[str, Field], key: str) -> None:
        self.route, self.shelf, self.fields, self.key = route, shelf, fields, key
        self._selections: dict[tuple, Sequence[Told]] = {}

    @cached_property
    def version(self) -> str:
        """A release that stands for exactly this content: a date, with the suffix that same-day releases get."""
        content = sum(told.digest for told in self.shelf) % 2**64
        day = datetime(2012, 1, 1) + timedelta(days=content % 5000)
        return f"{day:%Y.%m.%d}.post{content // 5000 % 100000}"

    def page(self, query: Mapping[str, str]) -> dict:
        """The answer to one query: `data` and `meta`."""
        paging = {name: value for name, value in query.items() if name in PAGING}
        filters = {name: value for name, value in query.items() if name not in PAGING}
        sort = filters.pop("_sort_fields", None) if self.route == SORTED else None
        limit, skip = _window(paging)
        names = self._names(paging)
        found = self._found(filters, sort)
        documents = [{name: self.fields[name](told) for name in names} for told in found[skip : skip + limit]]
        return {"data": documents, "meta": self._meta(len(found))}

    def _names(self, paging: Mapping[str, str]) -> list[str]:
        """Top-level fields to give; the key alone unless more is asked for."""
        if paging.get("_all_fields", "").lower() == "true":
            return list(self.fields)
        asked = [name.split(".")[0] for name in paging.get("_fields", self.key).split(",") if name]
        return [name for name in self.fields if name in asked]

    def _found(self, filters: Mapping[str, str], sort: str | None) -> Sequence[Told]:
        """The selected documents in order; the last few selections are kept, because a crawl asks page by page."""
        key = (tuple(sorted(filters.items())), sort)
        if key not in self._selections:
            found = selected(self.route, self.shelf, self.fields, filters)
            if len(self._selections) >= 8:
                self._selections.clear()
            self._selections[key] = self._sorted(found, sort)
        return self._selections[key]

    def _sorted(self, found: list[Told], sort: str | None) -> list[Told]:
        name = (sort or "").lstrip("-")
        if "," in name:
            raise Refused("Please provide at most 1 field(s) to sort with")
        if name not in SORTABLE or not sort:
            return found
        if name == self.key:  # the shelf stands in the order of ids already
            return found[::-1] if sort.startswith("-") else found
        field = self.fields[name]
        known = [told for told in found if field(told) is not None]
        return sorted(known, key=field, reverse=sort.startswith("-")) + [t for t in found if field(t) is None]

    def _meta(self, total: int) -> dict:
        return {
            "api_version": VERSION,
            "time_stamp": datetime.now(UTC).isoformat(),
            "total_doc": total,
            "facet": None,
            "max_limit": MAX_LIMIT,
            "default_fields": [self.key],
        }


def _window(paging: Mapping[str, str]) -> tuple[int, int]:
    """(limit, skip); `_page` and `_per_page` override `_limit` and `_skip`."""
    try:
        numbers = {name: int(paging[name]) for name in ("_limit", "_skip", "_page", "_per_page") if name in paging}
    except ValueError as error:
        raise Refused(f"paging parameters must be integers: {error}") from error
    limit, skip = numbers.get("_limit", DEFAULT_LIMIT), numbers.get("_skip", 0)
    if "_page" in numbers or "_per_page" in numbers:
        limit = numbers.get("_per_page", DEFAULT_LIMIT)
        skip = (numbers.get("_page", 1) - 1) * limit
    if limit > MAX_LIMIT:
        raise Refused(
            "Requested more data per query than allowed by this endpoint. "
            f"The max limit is {MAX_LIMIT} entries"
        )  # fmt: skip
    if limit < 0 or skip < 0:
        raise Refused("paging parameters must not be negative")
    return limit, skip


def _heartbeat(version: str) -> dict:
    import pymatgen.core

    return {
        "status": "OK",
        "time": datetime.now().isoformat(),
        "version": VERSION,
        "pymatgen": getattr(pymatgen.core, "__version__", "unknown"),
        "db_version": version,
        "suffix": None,
        "access_controlled_batch_ids": [""],
    }


def _number(material_id: str) -> tuple[int, str]:
    digits = material_id.rpartition("-")[2]
    return (int(digits) if digits.isdigit() else 0, material_id)


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
