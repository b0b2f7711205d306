"""From Materials Project's documents to records and entries: ids in one form, nulls left out, crystals.

What belongs here: what a document says, whichever way it came. How it is asked for belongs to the ways themselves.
A record is the document as served but for three things: ids stand in the form `mp-149` (the server keeps them as
`mp-aaaaaaft`, and tells either), what is null is left out, and a summary gains the run types of the tasks behind it,
which the summary itself does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from lake.crystal import Crystal, CrystalError
from lake.sources.materials_project.routes import Route, within
from lake.sources.page import Entry, Record, Unusable
from lake.sources.reading import atomic_numbers, cell_vectors, site_positions

Document = dict[str, Any]
LICENCES = {"BY-C": "CC BY 4.0", "BY-NC": "CC BY-NC 4.0"}
LEVELS = {"GGA": "PBE", "GGA+U": "PBE+U", "GGA_U": "PBE+U", "R2SCAN": "r2SCAN", "HSE06": "HSE06"}
ASSUMED_LEVEL = "PBE"  # where the task's run type is not told; most of the collection is GGA
TENSORS = frozenset({"epsilon_static", "epsilon_electronic"})
COMMON_FORM = re.compile(r"mp-[1-9]\d*\Z")


def normal_id(identifier: str) -> str:
    """A material's id as people write it, `mp-149`, also of `mp-aaaaaaft`; what is no such id stays as it is."""
    return identifier if COMMON_FORM.match(identifier) else _read_id(identifier)


def normal_task_id(identifier: str) -> str:
    """A calculation's id as `mp-149`, also of `aaaaaaft`; what is no such id stays as it is."""
    return identifier if COMMON_FORM.match(identifier) else _read_task_id(identifier)


def as_told(document: Mapping[str, Any]) -> Document:
    """A document without its nulls, with every id in one form and every moment in one way of writing."""
    told = _without_nulls(document)
    if "material_id" in told:
        told["material_id"] = normal_id(told["material_id"])
    if "identifier" in told:
        told["identifier"] = normal_task_id(told["identifier"])
    if "task_ids" in told:
        told["task_ids"] = [normal_task_id(task) for task in told["task_ids"]]
    for origin in told.get("origins", ()):
        if "task_id" in origin:
            origin["task_id"] = normal_task_id(origin["task_id"])
    for product in told.get("decomposes_to", ()):
        if "material_id" in product:
            product["material_id"] = normal_id(product["material_id"])
    if "phonon_IDs" in told:
        told["phonon_IDs"] = {how: [normal_task_id(i) for i in ids] for how, ids in told["phonon_IDs"].items()}
    return told


def record_of(route: Route, document: Mapping[str, Any], column: str = "") -> Record:
    """One document as a record, under the route's name; as a record of its own route where it is one column alone."""
    told = as_told(document)
    material_id, stamp = told["material_id"], told.get("last_updated", "")
    if route.words:
        told = {"material_id": material_id, **within(route.words, told)}
    return Record(material_id, _text(told), stamp=stamp, route=column or route.name)


def phonon_record(route: Route, material_id: str, documents: Iterable[Mapping[str, Any]], column: str = "") -> Record:
    """A material's phonon documents as one record: method -> the latest document of that method."""
    told = sorted(map(as_told, documents), key=lambda document: document.get("last_updated", ""))
    methods = {document.get("phonon_method", "unknown"): document for document in told}
    payload = {"material_id": material_id, **within(route.words, methods)}
    stamp = told[-1].get("last_updated", "") if told else ""
    return Record(material_id, _text(payload), stamp=stamp, route=column or route.name)


def with_run_types(document: Document, run_types: Mapping[str, str]) -> Document:
    """A summary with the functionals it stands on: `run_types` by name of origin, and `run_type` of the structure.

    run_types: of the material's tasks. Where no origin tells the structure's task: what all tasks agree on, or nothing.
    """
    known = {normal_task_id(task): run for task, run in run_types.items()}
    origins = {o["name"]: known.get(normal_task_id(o["task_id"])) for o in document.get("origins") or ()}
    agreed = next(iter(known.values())) if len(set(known.values())) == 1 else None
    return document | {"run_type": origins.get("structure") or agreed, "run_types": origins or None}


def with_means(told: Document) -> Document:
    """A record with a third of the trace beside each dielectric tensor of its phonons; others as they are.

    The mean is emmet's own (DielectricDoc's e_total); the phonon route tells tensors alone.
    """
    for method in told.get("phonon", {}).values():
        if isinstance(method, dict):
            for name in TENSORS & method.keys():
                method[f"{name}_mean"] = sum(row[i] for i, row in enumerate(method[name])) / 3
    return told


def entry_of(payload: str) -> Entry:
    """A summary's relaxed structure, at the level of the task behind it, PBE where that is not told (assumed)."""
    document = orjson.loads(payload)
    if not document.get("structure"):
        raise Unusable("a summary document must hold a structure, found none")
    told = (document.get("builder_meta") or {}).get("license") or "BY-C"
    return Entry(_crystal(document["structure"]), _level(document.get("run_type")), licence=LICENCES.get(told, told))


@lru_cache(maxsize=100_000)  # a conversion takes 30 microseconds, and a document names its tasks two or three times
def _read_id(identifier: str) -> str:
    from emmet.core.types.typing import format_identifier

    return format_identifier(identifier, legacy=True)


@lru_cache(maxsize=100_000)
def _read_task_id(identifier: str) -> str:
    from emmet.core.types.typing import format_task_id

    return format_task_id(identifier, legacy=True)


def _without_nulls(value: Any) -> Any:
    """A new value without keys that hold null; moments as Materials Project writes them, in UTC without a zone."""
    if isinstance(value, dict):
        return {key: _without_nulls(held) for key, held in value.items() if held is not None}
    if isinstance(value, list):
        return [_without_nulls(held) for held in value] if value and not isinstance(value[0], float | str) else value
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat()
    return value


def _text(document: Document) -> str:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def _level(run_type: str | None) -> str:
    return LEVELS.get(run_type.upper(), run_type) if run_type else ASSUMED_LEVEL


def _crystal(structure: Mapping[str, Any]) -> Crystal:
    sites = structure.get("sites") or []
    for site in sites:
        species = site["species"]
        if len(species) != 1 or abs(species[0].get("occu", 1) - 1) > 1e-3:
            raise CrystalError(f"sites must be fully occupied by one element, found {species} (disorder)")
    symbols = [site["species"][0]["element"] for site in sites]
    lattice = cell_vectors((structure.get("lattice") or {}).get("matrix"))
    return Crystal(lattice, site_positions([site["abc"] for site in sites]), atomic_numbers(symbols))
