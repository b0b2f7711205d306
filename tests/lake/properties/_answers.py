"""What the databases were seen to answer: recorded answers as records, read by each source's own `fields`.

What belongs here: finding out whether a path of the catalog was ever seen. The committed answers are in tests/recorded;
those of the services themselves are no part of the project.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import tarfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import orjson
from pydantic import BaseModel

from lake.extract import at_path
from lake.properties.definition import Reading
from lake.settings import Settings
from lake.sources import source_named
from lake.sources.aflow.rows import rows_of
from lake.sources.crystallography_open.engine import cif_of
from lake.sources.materials_project.columns import model_of
from lake.sources.materials_project.documents import phonon_record, record_of
from lake.sources.materials_project.routes import ROUTES
from lake.sources.open_catalyst.relaxations import contents, relaxations
from lake.sources.page import MAIN, Record, Source

COMMITTED = Path(__file__).parents[2] / "recorded"
WIRE = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire"


class Seen(NamedTuple):
    """One record: its source and route, its payload, and the fields that the source reads in it."""

    source: str
    route: str
    payload: str
    fields: Mapping[str, Any]


@cache
def source(name: str) -> Source:
    """A source that asks nobody."""
    return source_named(name, Settings())


@cache
def committed() -> tuple[Seen, ...]:
    """The answers in tests/recorded."""
    told = [*_materials_project(), *_open_catalyst()]
    for file in ("aflow/unmuted.json", "aflow/muted.json", "aflow/complete_entry.json"):
        told += _aflow(COMMITTED / file)
    for file in ("oqmd/structures.json", "oqmd/formationenergy.json"):
        told += _oqmd(json.loads((COMMITTED / file).read_text())["data"])
    told += _cod(sorted((COMMITTED / "cod").glob("*.cif")))
    return tuple(told)


@cache
def of_the_services() -> tuple[Seen, ...]:
    """What AFLOW, OQMD and COD themselves answered."""
    complete = WIRE / "aflow/propnet_three_entries.json"
    pages = json.loads((WIRE / "oqmd/optimade_five_pages.json").read_text())
    rows = [row for page in pages for row in page["data"]]
    rows += json.loads((WIRE / "oqmd/oqmdapi_formationenergy_200rows.json").read_text())["data"]
    return (*_aflow(complete), *_oqmd(rows), *_cod(sorted((WIRE / "cod").rglob("*.cif"))))


def seen(source: str, route: str, path: str, answers: tuple[Seen, ...]) -> list[object]:
    """What stood at the path, in every answer that has it."""
    told = (each.fields for each in answers if (each.source, each.route) == (source, route))
    return [value for fields in told if (value := at_path(fields, path)) is not None]


def modelled(reading: Reading) -> bool:
    """Whether emmet-core's document of the reading's route has the path, step by step.

    Summary's moduli are dictionaries there: copies of elasticity's, whose class names their keys.
    """
    if reading.route not in ROUTES:
        return False
    route = ROUTES[reading.route]
    words = ".".join(route.words)
    below = reading.path.removeprefix(f"{words}.") if words else reading.path
    if words and below == reading.path:
        return False
    model: type[BaseModel] | None = model_of(route)
    for step in (reading.field or below).split("."):
        if model is None or step not in model.model_fields:
            return False
        model = _class_of(model, step) or _class_of(model_of(ROUTES["elasticity"]), step)
    return True


def _class_of(model: type[BaseModel], field: str) -> type[BaseModel] | None:
    """The class of a field that is a document itself, alone or where it is not null."""
    told = model.model_fields[field].annotation if field in model.model_fields else None
    classes = (each for each in (told, *get_args(told)) if isinstance(each, type) and issubclass(each, BaseModel))
    return next(classes, None)


def _materials_project() -> Iterator[Seen]:
    for name, answer in json.loads((COMMITTED / "mp/emmet_routes.json").read_text()).items():
        route = ROUTES[name]
        for document in answer["data"]:
            record = phonon_record(route, "mp-1060", [document]) if route.has_own_ids else record_of(route, document)
            yield _read("mp", record.payload, route.name)


def _aflow(file: Path) -> Iterator[Seen]:
    for row in rows_of(file.read_bytes()).rows:
        yield _read("aflow", orjson.dumps(row).decode())


def _oqmd(rows: list[dict[str, Any]]) -> Iterator[Seen]:
    for row in rows:
        yield _read("oqmd", orjson.dumps(row).decode())


def _cod(files: list[Path]) -> Iterator[Seen]:
    for file in files:
        yield _read("cod", orjson.dumps({"row": {"file": file.stem[:7]}, "cif": cif_of(file.read_bytes())}).decode())


def _open_catalyst() -> Iterator[Seen]:
    """The trajectory and its reference energy as an archive holds them."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, text in {
            "0/random1.extxyz.xz": lzma.compress((COMMITTED / "ocp/random1.extxyz").read_bytes()),
            "0/system.txt": (COMMITTED / "ocp/system.txt").read_bytes(),
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    held.seek(0)
    for _, _, record in relaxations(held, contents(held).members):
        if isinstance(record, Record):
            yield _read("ocp", record.payload)


def _read(name: str, payload: str, route: str = MAIN) -> Seen:
    return Seen(name, route, payload, source(name).fields(payload))
