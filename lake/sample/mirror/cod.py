"""COD's engine: `/result` in its formats and `/<id>.cif`. PCOD runs the same engine, see `pcod.py`.

What belongs here: queries and answers; the columns of a row are in `cod_rows.py`. A telling with verbatim text is
served byte for byte; any other is written by `written_cif.py`, where its facts `method`, `status`, `duplicateof` and
`onhold` stand too. The same files in folders, as rsync gives them: `cod_tree.py`.
Source: https://wiki.crystallography.net/RESTful_API/
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import orjson
from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse, PlainTextResponse

from lake.sample.mirror.cod_rows import ELEMENT, Row, file_bytes, made_revision, row_of
from lake.sample.mirror.told import Told
from lake.sample.mirror.written_cif import written_cif

FILTER = re.compile(r"(id|formula|n?el[1-8]|strictmin|strictmax|year|(a|b|c|v|alp|bet|gam)(min|max))$")
BOUNDED = {"a": "a", "b": "b", "c": "c", "v": "vol", "alp": "alpha", "bet": "beta", "gam": "gamma"}


def speaking(shelf: Sequence[Told]) -> FastAPI:
    """COD over these tellings: `/result?format=..` and `/<7 digits>.cif`."""
    app = FastAPI(title="COD, as a mirror tells it")
    engine = Engine(shelf, "cod")
    app.get("/result")(engine.result)
    app.get("/{number}.cif")(engine.cif)
    return app


class Engine:
    """One crystallographic database: its files, and the rows of its `data` table."""

    def __init__(self, shelf: Sequence[Told], database: str) -> None:
        self.database = database
        self.shelf = {told.id: told for told in sorted(shelf, key=lambda told: told.id)}
        self._texts: dict[str, str] = {}
        self._rows: dict[str, Row] = {}

    def result(self, request: Request) -> Response:
        """`/result`: json, csv, lst, urls, count or html of the entries that match."""
        query = dict(request.query_params)
        shape = query.pop("format", "html")
        unknown = [name for name in query if not FILTER.match(name)]
        if unknown:
            return PlainTextResponse(f"the mirror does not search by {', '.join(unknown)}", status_code=400)
        try:
            numbers = [number for number in self.shelf if self._matches(number, query)]
        except ValueError as error:
            return PlainTextResponse(f"bounds must be numbers: {error}", status_code=400)
        return self._shaped(shape, numbers, str(request.url).partition("/result")[0])

    def cif(self, number: str) -> Response:
        """`/<id>.cif`: the file, byte for byte where it is verbatim."""
        if number not in self.shelf:
            return HTMLResponse("<html><body><h1>Not Found</h1></body></html>", status_code=404)
        return Response(file_bytes(self.text(number)), media_type="chemical/x-cif")

    def text(self, number: str) -> str:
        """The CIF of one entry."""
        if number not in self._texts:
            told = self.shelf[number]
            text = told.telling.verbatim
            self._texts[number] = text or written_cif(told, self.database, number, made_revision(told))
        return self._texts[number]

    def row(self, number: str) -> Row:
        """One row of the `data` table; every value a string or null."""
        if number not in self._rows:
            self._rows[number] = row_of(self.shelf[number], self.text(number))
        return self._rows[number]

    def _shaped(self, shape: str, numbers: Sequence[str], base: str) -> Response:
        if shape == "count":
            return PlainTextResponse(str(len(numbers)))
        if shape == "lst":
            return PlainTextResponse("".join(f"{number}\n" for number in numbers))
        if shape == "urls":
            return PlainTextResponse("".join(f"{base}/{number}.cif\n" for number in numbers))
        rows = [self.row(number) for number in numbers]
        if shape == "json":
            return Response(orjson.dumps(rows), media_type="application/json")
        if shape == "csv":
            return PlainTextResponse(_csv(rows), media_type="text/csv")
        return HTMLResponse(f"<html><body><h1>Search results</h1>{len(numbers)} entries</body></html>")

    def _matches(self, number: str, query: Mapping[str, str]) -> bool:
        if "id" in query:
            patterns = [pattern.strip().replace("%", "*") for pattern in query["id"].split(",")]
            if not any(fnmatchcase(number, pattern) for pattern in patterns):
                return False
        return len(query) == ("id" in query) or _passes(self.row(number), query)


def _passes(row: Row, query: Mapping[str, str]) -> bool:
    elements = {element for element, _ in ELEMENT.findall((row["formula"] or "").strip("- "))}
    return all(_passes_one(row, elements, name, value) for name, value in query.items() if name != "id")


def _passes_one(row: Row, elements: set[str], name: str, value: str) -> bool:
    if name.startswith("el"):
        return value in elements
    if name.startswith("nel"):
        return value not in elements
    if name == "formula":
        return row["formula"] == f"- {value} -"
    if name == "year":
        return row["year"] == value
    if name.startswith("strict"):
        return len(elements) >= int(value) if name.endswith("min") else len(elements) <= int(value)
    found = _number(row[BOUNDED[name[:-3]]])
    return found is not None and (found >= float(value) if name.endswith("min") else found <= float(value))


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text.partition("(")[0])
    except ValueError:
        return None


def _csv(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
