"""COD's engine: `/result` in its formats and `/<id>.cif`. PCOD runs the same engine, see `pcod.py`.

What belongs here: queries and the columns of the `data` table, read off the CIF that is served, so that row and
file never disagree. A telling with verbatim text is served byte for byte; any other is written by `written_cif.py`.
Source: https://wiki.crystallography.net/RESTful_API/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

import gemmi
import orjson
from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse, PlainTextResponse

from lake.sample.mirror.told import Told
from lake.sample.mirror.written_cif import written_cif

Row = dict[str, str | None]
_REVISION = re.compile(r"^#\$Revision: (\d+) \$", re.MULTILINE)
_DATE = re.compile(r"^#\$Date: (\S+) (\S+)", re.MULTILINE)
_ELEMENT = re.compile(r"([A-Z][a-z]?)(\d+\.?\d*)?")
# column of the data table -> CIF data name
TAGS = {
    "a": "_cell_length_a", "b": "_cell_length_b", "c": "_cell_length_c",
    "alpha": "_cell_angle_alpha", "beta": "_cell_angle_beta", "gamma": "_cell_angle_gamma",
    "vol": "_cell_volume", "celltemp": "_cell_measurement_temperature", "diffrtemp": "_diffrn_ambient_temperature",
    "cellpressure": "_cell_measurement_pressure", "diffrpressure": "_diffrn_ambient_pressure",
    "sg": "_symmetry_space_group_name_H-M", "sgHall": "_symmetry_space_group_name_Hall",
    "sgNumber": "_space_group_IT_number", "commonname": "_chemical_name_common",
    "chemname": "_chemical_name_systematic", "mineral": "_chemical_name_mineral", "Z": "_cell_formula_units_Z",
    "journal": "_journal_name_full", "year": "_journal_year", "volume": "_journal_volume", "issue": "_journal_issue",
    "firstpage": "_journal_page_first", "lastpage": "_journal_page_last", "doi": "_journal_paper_doi",
    "title": "_publ_section_title",
}  # fmt: skip
UNTOLD = (
    "siga", "sigb", "sigc", "sigalpha", "sigbeta", "siggamma", "sigvol", "sigcelltemp", "sigdiffrtemp",
    "sigcellpressure", "sigdiffrpressure", "thermalhist", "pressurehist", "compoundsource", "cellformula", "Zprime",
    "acce_code", "method", "radiation", "wavelength", "radType", "radSymbol", "Rall", "Robs", "Rref", "wRall", "wRobs",
    "wRref", "RFsqd", "RI", "gofall", "gofobs", "gofgt", "gofref", "duplicateof", "optimal", "status", "onhold",
)  # fmt: skip


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
        numbers = [number for number in self.shelf if self._matches(number, query)]
        return self._shaped(shape, numbers, str(request.url).partition("/result")[0])

    def cif(self, number: str) -> Response:
        """`/<id>.cif`: the file, byte for byte where it is verbatim."""
        if number not in self.shelf:
            return HTMLResponse("<html><body><h1>Not Found</h1></body></html>", status_code=404)
        return Response(_bytes(self.text(number)), media_type="chemical/x-cif")

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
            self._rows[number] = _row(self.shelf[number], self.text(number))
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


FILTER = re.compile(r"(id|formula|n?el[1-8]|strictmin|strictmax|year|(a|b|c|v|alp|bet|gam)(min|max))$")
BOUNDED = {"a": "a", "b": "b", "c": "c", "v": "vol", "alp": "alpha", "bet": "beta", "gam": "gamma"}


def _passes(row: Row, query: Mapping[str, str]) -> bool:
    elements = {element for element, _ in _ELEMENT.findall((row["formula"] or "").strip("- "))}
    for name, value in query.items():
        if name == "id":
            continue
        if not _passes_one(row, elements, name, value):
            return False
    return True


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


def made_revision(told: Told) -> int:
    """A revision number for what has none of its own: made from the content, beyond any real one of 2016."""
    return 200_000 + told.digest % 100_000_000


def _row(told: Told, text: str) -> Row:
    block = _block(text)
    revision, date = _REVISION.search(text), _DATE.search(text)
    row: Row = {"file": told.id}
    row |= {column: _value(block, tag) for column, tag in TAGS.items()}
    row |= dict.fromkeys(UNTOLD)
    formula = _value(block, "_chemical_formula_sum")
    row["formula"] = row["calcformula"] = None if formula is None else f"- {_in_hill_order(formula)} -"
    row["nel"] = None if formula is None else str(len(_ELEMENT.findall(formula)))
    row["authors"] = "; ".join(_column(block, "_publ_author_name")) or None
    row["flags"] = "has coordinates" if _column(block, "_atom_site_fract_x") else None
    row["text"] = row["title"]
    row["svnrevision"] = revision[1] if revision else str(made_revision(told))
    row["date"] = date[1] if date else f"{told.revised:%Y-%m-%d}"
    row["time"] = date[2] if date else f"{told.revised:%H:%M:%S}"
    return row


def _block(text: str) -> gemmi.cif.Block | None:
    """The first data block, None where gemmi cannot read the file (some of COD's test files are broken on purpose)."""
    try:
        return gemmi.cif.read_string(_bytes(text))[0]
    except (ValueError, IndexError, RuntimeError):
        return None


def _value(block: gemmi.cif.Block | None, tag: str) -> str | None:
    found = block.find_value(tag) if block is not None else None
    if found is None or gemmi.cif.is_null(found):
        return None
    return " ".join(gemmi.cif.as_string(found).split())


def _column(block: gemmi.cif.Block | None, tag: str) -> list[str]:
    return [] if block is None else [gemmi.cif.as_string(value) for value in block.find_values(tag)]


def _in_hill_order(formula: str) -> str:
    parts = dict(_ELEMENT.findall(formula))
    first = [element for element in ("C", "H") if "C" in parts and element in parts]
    order = first + [element for element in sorted(parts) if element not in first]
    return " ".join(element + (parts[element] if parts[element] not in ("", "1") else "") for element in order)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text.partition("(")[0])
    except ValueError:
        return None


def _csv(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    quoted: Callable[[str | None], str] = lambda value: '"' + (value or "").replace('"', '""') + '"'  # noqa: E731
    return "\n".join([",".join(rows[0]), *(",".join(map(quoted, row.values())) for row in rows)]) + "\n"


def _bytes(text: str) -> bytes:
    """Bytes of a file that may not be UTF-8: what could not be read was kept as surrogates."""
    return text.encode("utf-8", "surrogateescape")
