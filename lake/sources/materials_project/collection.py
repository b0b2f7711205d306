"""Materials Project from its public Delta tables: the same records without a key, a thousand rows at a time.

What belongs here: what the tables' rows are to a crawl. How they are read: tables.py. The setting
`mp_collection` names their folder, on S3 `s3://materialsproject-build/collections` (region us-east-1, unsigned); each
route is a table below it (`summary`, `thermo`, core as `materials`), as mp-api 0.46.5 finds them. Phonon has none there
and is left out.

What differs from REST: documents under BY-NC (GNoME) are there, and kept with that licence; a whole number may stand as
`1.0`; keys that a document lacks and others have are null in a table, and left out of the record as all nulls are.
Deprecated rows are left out, as REST does.

Assumed: rows keep their places within a release, of which the newest is read. Tried on tables that the tests write with
emmet-core's own Arrow types; never on S3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import ceil
from typing import Any

import pyarrow as pa

from lake.settings import Settings
from lake.sources.materials_project.columns import column_named, told_under
from lake.sources.materials_project.documents import Document, normal_id, record_of, with_run_types
from lake.sources.materials_project.rest import BYTES, MaterialsProject
from lake.sources.materials_project.routes import CORE, PHONON, ROUTES, SUMMARY, Route
from lake.sources.materials_project.tables import Table
from lake.sources.page import Forecast, Page, Record, Unit
from lake.sources.scope import Scope
from lake.wire.down import SourceDown

PER_UNIT = 1000  # rows
ELEMENTS = "elements"


class MaterialsProjectCollection(MaterialsProject):
    """The inorganic materials of the Materials Project, read from Delta tables."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.routes = tuple(route for route in self.routes if route is not PHONON)
        self.keeps = {route.name: route.fields for route in self.routes}
        self._tables: dict[str, Table] = {}

    def marker(self) -> str:
        """The newest release of summary, written as the heartbeat writes it."""
        return self._open(SUMMARY).release.replace("-", ".")

    def alive(self) -> None:
        """Read the newest entry of summary's log."""
        self._open(SUMMARY)

    def forecast(self, scope: Scope) -> Forecast:
        """Rows as the files' footers tell them; a scope of elements counts as the whole: all of it must be read."""
        counts = {route: self._table(route).count(_meant(route)) for route in self.routes}
        kept = {route: min(number, scope.limit or number) for route, number in counts.items()}
        told = ", ".join(f"{route.title} {number:,}" for route, number in counts.items())
        size = sum(BYTES[route.name] * number for route, number in kept.items())
        units = ceil(sum(counts.values()) / PER_UNIT)
        return Forecast(sum(kept.values()), units, size, f"{told} in {self._settings.mp_collection}")

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """A thousand rows after the other, file by file, of every route's table."""
        asked = {"elements": list(scope.elements), "chemsys": list(scope.chemsys)}
        for route in self.routes:
            yield from self._units(route, {name: symbols for name, symbols in asked.items() if symbols})

    def column(self, field: str, known: Mapping[str, str]) -> Iterator[Unit]:
        """All rows of the tables that tell it; what is not known is passed over as it comes."""
        column = column_named(field)
        for route in column.routes:
            yield from self._units(route, {"column": column.name} if column.field else {})

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """The rows of one unit; raises SourceDown where there are fewer than the file's footer says."""
        asked, route = dict(unit.request), ROUTES[str(unit.request["route"])]
        table, file, start, count = self._table(route), str(asked["file"]), asked["start"], asked["count"]
        column = column_named(str(asked["column"])) if "column" in asked else None
        fields = ("material_id", "last_updated", column.field.split(".")[0]) if column else route.fields
        judged_by = (ELEMENTS, *_meant(route))
        rows = table.rows(file, (*fields, *judged_by), start, count)
        where = f"{table.path}/{file} rows {start} to {start + count}"
        if len(rows) < count:
            raise SourceDown(f"mp: {where} must be {count} rows, found {len(rows)}; run the crawl again later")
        scope = Scope(elements=tuple(asked.get("elements", ())), chemsys=tuple(asked.get("chemsys", ())))
        rows = [row for row in rows if _is_meant(route, row) and scope.holds(row.get(ELEMENTS) or ())]
        documents = [{name: held for name, held in row.items() if name in fields} for row in rows]
        if column:
            records = [record_of(route, document, column.name) for document in documents]
            records = [r for r in records if r.source_id in known and told_under(column, r.payload)]
        else:
            records = self._records(route, documents)
        return Page(where, records, "", route=column.name if column else route.name)

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """Its rows in two."""
        start, count = unit.request["start"], unit.request["count"]
        if count < 2:
            return ()
        middle = count // 2
        pieces = (start, middle), (start + middle, count - middle)
        return tuple(_rows_of(unit.partition, unit.request, *piece) for piece in pieces)

    def _units(self, route: Route, asked: Mapping[str, Any]) -> Iterator[Unit]:
        for file, rows in self._table(route).files.items():
            request = {"route": route.name, "file": file, **asked}
            for start in range(0, rows, PER_UNIT):
                yield _rows_of(asked.get("column") or route.title, request, start, min(PER_UNIT, rows - start))

    def _records(self, route: Route, documents: Sequence[Document]) -> list[Record]:
        if route is SUMMARY:
            documents = [with_run_types(d, self._run_types(normal_id(d["material_id"]))) for d in documents]
        return [record_of(route, document) for document in documents]

    def _run_types(self, material_id: str) -> Mapping[str, str]:
        places, run_types = self._core
        return dict(run_types[places[material_id]].as_py() or ()) if material_id in places else {}

    @cached_property
    def _core(self) -> tuple[dict[str, int], pa.ChunkedArray]:
        """Material id -> place, and the run types of every material's tasks: some hundred bytes of memory for each."""
        ids, run_types = self._table(CORE).column_pair(*CORE.fields)
        return {normal_id(each): place for place, each in enumerate(ids)}, run_types.combine_chunks()

    def _table(self, route: Route) -> Table:
        if route.path not in self._tables:
            self._tables[route.path] = self._open(route)
        return self._tables[route.path]

    def _open(self, route: Route) -> Table:
        name = "materials" if route is CORE else route.path
        return Table(f"{self._settings.mp_collection.rstrip('/')}/{name}")


def _rows_of(partition: str, request: Mapping[str, Any], start: int, count: int) -> Unit:
    key = f"{partition} {request['file']} row={start:07d}+{count}"
    return Unit(key, {**request, "start": start, "count": count}, partition, alone=count == 1)


def _meant(route: Route) -> dict[str, list[Any]]:
    """Column -> values of the rows that are this route's: one mixing scheme of thermo, what is not deprecated."""
    meant = {"thermo_type": str(route.always["thermo_types"]).split(",")} if route.has_schemes else {}
    return meant | ({"deprecated": [False]} if "deprecated" in route.always else {})


def _is_meant(route: Route, row: Mapping[str, Any]) -> bool:
    return all(row.get(name) in values for name, values in _meant(route).items())
