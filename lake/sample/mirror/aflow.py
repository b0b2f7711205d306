"""AFLOW: the two shapes in which AFLUX gives pages of entries.

Un-muted `paging(n,k)` answers an object keyed "1 of 912" with every value a string; muted `$paging(n,k)` answers a
list with native types. What an entry says: `aflow_keywords.py`; the summons itself: `aflux.py`.

A page fails as a whole, in words, for one bad row: one whose fact `db_fail` names a keyword that the page asks for
(`positions_fractional`: the row cannot be had, but its id and date can; `auid`: it breaks every page it stands on).
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from fastapi import FastAPI, Request, Response
from starlette.responses import PlainTextResponse

from lake.sample.mirror.aflow_keywords import KEYWORDS
from lake.sample.mirror.aflux import LuxFail, Summons, read_summons
from lake.sample.mirror.told import Told


def speaking(shelf: Sequence[Told]) -> FastAPI:
    """AFLUX over these tellings: `/API/aflux/?<summons>` and its alias `/API/aflux/v1.0/`."""
    app = FastAPI(title="AFLOW, as a mirror tells it")

    @app.get("/API/aflux/")
    @app.get("/API/aflux/v1.0/")
    def aflux(request: Request) -> Response:
        try:
            return _answer(shelf, read_summons(request.url.query))
        except LuxFail as error:  # AFLUX fails in words, with status 200
            return PlainTextResponse(str(error))

    @app.get("/API/optimade/v1/structures")
    def optimade() -> Response:
        return PlainTextResponse("Internal Server Error", status_code=500)  # as others found it in 2026

    return app


def _answer(shelf: Sequence[Told], summons: Summons) -> Response:
    if "schema" in summons.directives or "help" in summons.directives:
        return _json(_help(summons.directives.get("help", "")))
    unknown = [term.keyword for term in summons.terms if term.keyword not in KEYWORDS]
    if unknown:
        return PlainTextResponse("DB Fail!null")
    found = [
        told for told in shelf
        if all(term.matches(KEYWORDS[term.keyword](told)) for term in summons.terms if term.argument)
    ]  # fmt: skip
    page, first = _page(_sorted(found, summons.sort_key), summons)
    if any(told.telling.facts.get("db_fail") in summons.columns for told in page):
        return PlainTextResponse("DB Fail!null")
    rows = [{name: KEYWORDS[name](told) for name in summons.columns} for told in page]
    if summons.paging_muted:
        return _json(rows)
    worded = [{name: _worded(value) for name, value in row.items()} for row in rows]
    return _json({f"{first + i} of {len(found)}": row for i, row in enumerate(worded, start=1)})


def _sorted(found: list[Told], keyword: str) -> list[Told]:
    """In ascending order of one keyword; what has no value, or a list, stands last in the order of auids."""
    by_auid = sorted(found, key=lambda told: told.id)
    if keyword == "auid":
        return by_auid
    values = {told.id: KEYWORDS[keyword](told) for told in by_auid}
    sortable = [told for told in by_auid if isinstance(values[told.id], int | float | str)]
    rest = [told for told in by_auid if not isinstance(values[told.id], int | float | str)]
    return sorted(sortable, key=lambda told: values[told.id]) + rest


def _page(found: list[Told], summons: Summons) -> tuple[list[Told], int]:
    """The rows of a page, and how many stand before it; page 0 is all, a negative page counts from the other end."""
    if summons.page == 0:
        return found, 0
    ordered = found if summons.page > 0 else found[::-1]
    first = (abs(summons.page) - 1) * summons.size
    return ordered[first : first + summons.size], first


def _worded(value: object) -> str | None:
    """A value as the un-muted answer writes it: lists by commas, lists of lists by semicolons too."""
    if value is None:
        return None
    if isinstance(value, list):
        return (";" if value and isinstance(value[0], list) else ",").join(_worded(one) or "" for one in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _help(keyword: str) -> dict:
    """What `help(keyword)` or `schema` lists: the keywords this mirror knows, with the first line about each."""
    names = [name for name in KEYWORDS if not keyword or name == keyword]
    return {name: {"description": (KEYWORDS[name].__doc__ or name).strip(), "verification": []} for name in names}


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
