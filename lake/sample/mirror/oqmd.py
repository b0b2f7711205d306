"""OQMD: its OPTIMADE interface and its REST interface, as qmpy serves them, traps included.

What belongs here: routes, envelopes and paging. What a row says: `oqmd_rows.py`; filters: `oqmd_filter.py`; the whole
database as one file: `oqmd_dump.py`.
Traps kept: ids are integers, `links.next` is a bare string, `more_data_available` stays true on the last page,
`last_modified` is null, `data_returned` is the total that matches in OPTIMADE and this page's count in REST.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI, Request, Response

from lake.sample.mirror.oqmd_filter import BadFilter, read_filter
from lake.sample.mirror.oqmd_rows import OPTIMADE, OPTIMADE_DEFAULT, REST, formation_energy_id, optimade_value
from lake.sample.mirror.told import Told

PAGE = 50
REST_MAXIMUM = 200  # rows a page: what recorded pages had
PROVIDER = {
    "name": "OQMD",
    "description": "The Open Quantum Materials Database",
    "prefix": "oqmd",
    "homepage": "http://oqmd.org",
}
# what /info tells of a property; nothing can be sorted by there
PROPERTIES = {
    name: {"description": name.strip("_").replace("_", " "), "sortable": False} for name in ("id", "type", *OPTIMADE)
}


class BadQuery(ValueError):
    """A query that OQMD answers with status 400."""


def speaking(shelf: Sequence[Told]) -> FastAPI:
    """OQMD over these tellings: `/optimade/structures` (also under /v1) and `/oqmdapi/formationenergy`."""
    app = FastAPI(title="OQMD, as a mirror tells it")

    @app.get("/optimade/structures")
    @app.get("/optimade/v1/structures")
    def structures(request: Request) -> Response:
        return _answered(_structures, shelf, request)

    @app.get("/optimade/info/structures")
    @app.get("/optimade/v1/info/structures")
    def structures_info() -> Response:
        return _json({"data": {"formats": ["json"], "properties": PROPERTIES}, "meta": {"api_version": "1.0.0"}})

    @app.get("/oqmdapi/formationenergy")
    @app.get("/oqmdapi/formationenergy/")
    def formation_energies(request: Request) -> Response:
        return _answered(_formation_energies, shelf, request)

    @app.get("/oqmdapi/formationenergy/{number}/")
    def formation_energy(number: int) -> Response:
        found = [told for told in shelf if formation_energy_id(told) == number]
        return _json({name: REST[name](found[0]) for name in REST}) if found else _json({"detail": "Not found."}, 404)

    return app


def _answered(answer: Callable, shelf: Sequence[Told], request: Request) -> Response:
    try:
        return _json(answer(shelf, request))
    except (BadQuery, BadFilter) as error:
        return _json({"errors": [{"status": "400", "title": "Bad Request", "detail": str(error)}]}, 400)


def _structures(shelf: Sequence[Told], request: Request) -> dict:
    query = request.query_params
    found = _found(shelf, query.get("filter", ""), optimade_value)
    limit, offset = _whole(query.get("page_limit"), PAGE), _whole(query.get("page_offset"), 0)
    names = _asked(query.get("response_fields"))
    page = found[offset : offset + limit]
    data = [
        {
            "id": formation_energy_id(told),
            "type": "structures",
            "attributes": {name: optimade_value(told, name) for name in names},
        }
        for told in page
    ]
    links = _links(request, "page_offset", "page_limit", limit, offset, len(found), "/optimade")
    meta = {
        "query": {
            "representation": f"/structures?{request.url.query}",
            "_oqmd_final_query": query.get("filter") or None,
        },
        "api_version": "1.0.0",
        "time_stamp": _now(),
        "_oqmd_data_in_response": len(page),
        "data_returned": len(found),
        "data_available": len(shelf),
        # qmpy asks whether a next or a previous page exists, so the last page says true as well
        "more_data_available": bool(links["next"] or links["previous"]),
        "provider": PROVIDER,
        "warnings": [],
        "response_message": "OK",
    }
    return {"links": links, "resource": {}, "data": data, "meta": meta}


def _formation_energies(shelf: Sequence[Told], request: Request) -> dict:
    query = request.query_params
    found = _found(shelf, query.get("filter", ""), _rest_value)
    if query.get("noduplicate") in ("T", "True", "true", "TRUE", "t"):
        found = [told for told in found if REST["duplicate_entry_id"](told) == REST["entry_id"](told)]
    limit, offset = min(_whole(query.get("limit"), PAGE), REST_MAXIMUM), _whole(query.get("offset"), 0)
    names = [name for name in REST if name in (query.get("fields") or ",".join(REST)).split(",")]
    page = found[offset : offset + limit]
    links = _links(request, "offset", "limit", limit, offset, len(found), "/oqmdapi")
    meta = {
        "query": {"representation": f"/formationenergy?{request.url.query}"},
        "api_version": "1.0",
        "time_stamp": _now(),
        "data_returned": len(page),
        "data_available": len(found),
        "more_data_available": bool(links["next"]),
    }
    rows = [{name: REST[name](told) for name in names} for told in page]
    return {"links": links, "resource": {}, "data": rows, "meta": meta, "response_message": "OK"}


def _rest_value(told: Told, name: str) -> object:
    return told.elements if name == "element_set" else REST[name](told)


def _found(shelf: Sequence[Told], text: str, value: Callable[[Told, str], object]) -> list[Told]:
    tests = read_filter(text) if text else []
    unknown = [name for name, _ in tests if name not in OPTIMADE and name not in REST and name != "element_set"]
    if unknown:
        raise BadQuery(f"cannot filter by {', '.join(unknown)}")
    return [told for told in shelf if all(test(value(told, name)) for name, test in tests)]


def _asked(response_fields: str | None) -> Sequence[str]:
    """Attributes to give: exactly those asked for (`id` and `type` stand outside), or the default set."""
    if not response_fields:
        return OPTIMADE_DEFAULT
    names = [name for name in response_fields.split(",") if name not in ("", "id", "type")]
    unknown = [name for name in names if name not in OPTIMADE]
    if unknown:
        raise BadQuery(f"unknown response_fields: {', '.join(unknown)}")
    return names


def _links(request: Request, at: str, size: str, limit: int, offset: int, total: int, below: str) -> dict:
    """next and previous as bare strings or null, with the whole query in them."""

    def link(start: int) -> str:
        query = dict(request.query_params) | {size: str(limit), at: str(start)}
        if start == 0:
            query.pop(at)
        return f"{str(request.url).partition('?')[0]}?{urlencode(query)}"

    return {
        "next": link(offset + limit) if offset + limit < total else None,
        "previous": link(max(0, offset - limit)) if offset else None,
        "base_url": {"href": f"{str(request.url).partition(below)[0]}{below}", "meta": {"_oqmd_version": "1.0"}},
    }


def _whole(word: str | None, default: int) -> int:
    try:
        number = default if word is None else int(word)
    except ValueError as error:
        raise BadQuery(f"paging takes whole numbers, found {word!r}") from error
    if number < 0:
        raise BadQuery(f"paging takes numbers from 0 up, found {number}")
    return number


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
