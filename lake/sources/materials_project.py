"""Materials Project: summary documents by its own client, mp-api, over our polite session.

Reads `/materials/summary/` page by page, in the order of material_id (the server has no order of its own).
A criterion (`deprecated=False`) keeps mp-api on REST: without one it downloads the whole collection from S3.
Summary documents do not say which functional they stand on: the run type of the task behind the structure is asked
from `/materials/core/` and kept in the record as `run_type`, the one key that the summary itself does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from math import ceil
from typing import Any

import orjson

from lake.crystal import Crystal, CrystalError
from lake.settings import Settings
from lake.sources.answers import NotData, json_of, quoted
from lake.sources.http import Polite
from lake.sources.page import Entry, Known, Page, Record, SourceDown, Unit, Unusable
from lake.sources.reading import atomic_numbers, cell_vectors, site_positions

PER_PAGE = 1000  # the server's own maximum
PER_QUESTION = 200  # ids in one question: longer URLs are refused
CRITERIA = {"deprecated": False}
FIELDS = [
    "material_id", "formula_pretty", "structure", "symmetry", "theoretical", "deprecated", "last_updated", "origins",
    "builder_meta", "database_IDs", "task_ids",
    "formation_energy_per_atom", "energy_above_hull", "energy_per_atom", "uncorrected_energy_per_atom", "is_stable",
    "band_gap", "cbm", "vbm", "efermi", "is_gap_direct", "is_metal",
    "ordering", "total_magnetization", "total_magnetization_normalized_formula_units",
    "bulk_modulus", "shear_modulus", "universal_anisotropy", "homogeneous_poisson",
    "e_total", "e_ionic", "e_electronic", "n", "e_ij_max", "weighted_surface_energy", "weighted_work_function",
]  # fmt: skip
LICENCES = {"BY-C": "CC BY 4.0", "BY-NC": "CC BY-NC 4.0"}
LEVELS = {"GGA": "PBE", "GGA+U": "PBE+U", "GGA_U": "PBE+U", "R2SCAN": "r2SCAN", "HSE06": "HSE06"}
ASSUMED_LEVEL = "PBE"  # where the task's run type is not told; most of the collection is GGA


class MaterialsProject:
    """The inorganic materials of the Materials Project; needs an API key (MP_API_KEY)."""

    name = "mp"
    title = "Materials Project"
    citation = "Jain et al., APL Materials 1, 011002 (2013), doi:10.1063/1.4812323"
    licence = "CC BY 4.0"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = Polite(self.name, settings)

    def marker(self) -> str:
        """The heartbeat's `db_version`, which moves with each release, one to three times a year."""
        beat = self._http.ask(self._http.base + "/heartbeat", _heartbeat_of).value
        return str(beat["db_version"])

    def plan(self, known: Known) -> Iterator[Unit]:
        """Pages of 1000 documents; what is known does not matter, since nothing can be filtered by date."""
        total = self._search(lambda rester: rester.summary.count(dict(CRITERIA)))
        for number in range(1, ceil(total / PER_PAGE) + 1):
            expected = min(PER_PAGE, total - (number - 1) * PER_PAGE)
            yield Unit(f"page={number:06d}", {"page": number, "expected": expected})

    def fetch(self, unit: Unit) -> Page:
        """One page, as mp-api gives it without its document model."""
        number = unit.request["page"]
        documents = self._search(
            # `search` proper builds its document's JSON schema once per field, two seconds a page
            lambda rester: rester.summary._search(
                **CRITERIA, **_only(FIELDS), chunk_size=PER_PAGE, _page=number, _sort_fields="material_id"
            )
        )
        answer = self._http.last
        run_types = self._run_types([document["material_id"] for document in documents])
        records = []
        for document in documents:
            source_id = normal_id(document["material_id"])
            document["run_type"] = _run_type_behind(document, run_types.get(source_id, {}))
            records.append(Record(source_id, orjson.dumps(document).decode()))
        return Page(answer.url, records, answer.sha256, unit.request["expected"], attempts=answer.attempts)

    def stamp(self, payload: str) -> str:
        """When the document was last updated."""
        return str(orjson.loads(payload).get("last_updated") or "")

    def fields(self, payload: str) -> Mapping[str, object]:
        """The document itself; moduli are nested (`bulk_modulus.vrh`)."""
        return orjson.loads(payload)

    def read(self, payload: str) -> Entry:
        """The relaxed structure, at the level of the task behind it, PBE where that is not told (assumed)."""
        document = orjson.loads(payload)
        if not document.get("structure"):
            raise Unusable("a summary document must hold a structure, found none")
        told = (document.get("builder_meta") or {}).get("license") or "BY-C"
        level = _level(document.get("run_type"))
        return Entry(_crystal(document["structure"]), level, licence=LICENCES.get(told, told))

    def _run_types(self, material_ids: list[str]) -> dict[str, dict[str, str]]:
        """Material id -> task id -> run type (`GGA`, `GGA+U`, `r2SCAN`)."""
        found = {}
        for start in range(0, len(material_ids), PER_QUESTION):
            asked = material_ids[start : start + PER_QUESTION]
            documents = self._search(
                lambda rester, asked=asked: rester._search(
                    material_ids=",".join(asked), **_only(["material_id", "run_types"]), chunk_size=PER_QUESTION
                )
            )
            for document in documents:
                tasks = document.get("run_types") or {}
                found[normal_id(document["material_id"])] = {normal_id(task): run for task, run in tasks.items()}
        return found

    def _search(self, question: Callable[[Any], Any]) -> Any:
        """Put a question to mp-api's materials rester; its errors, whatever they are, come back as SourceDown."""
        try:
            return question(self._rester.materials)
        except SourceDown:
            raise
        except Exception as fault:  # mp-api lets several kinds escape
            raise SourceDown(f"mp: mp-api could not read {self._http.base}: {type(fault).__name__}: {fault}") from fault

    @cached_property
    def _rester(self) -> Any:
        key = self._settings.mp_key.get_secret_value() if self._settings.mp_key else ""
        if len(key) != 32:
            raise SourceDown(
                f"mp: Materials Project needs an API key of 32 characters, found {len(key)}; "
                "get one at https://materialsproject.org/api and export it as MP_API_KEY"
            )
        from mp_api.client import MPRester  # takes seconds to import

        self.marker()  # mp-api's own first requests know neither patience nor timeout: knock politely before
        return MPRester(
            key, endpoint=self._http.base + "/", session=self._http, use_document_model=False, mute_progress_bars=True
        )


def source(settings: Settings) -> MaterialsProject:
    """The configured source."""
    return MaterialsProject(settings)


def _heartbeat_of(body: bytes) -> dict[str, Any]:
    beat = json_of(body)
    if not isinstance(beat, dict) or not beat.get("db_version"):
        raise NotData(f"a heartbeat without db_version: {quoted(body)}")
    return beat


def normal_id(identifier: str) -> str:
    """`mp-149`, also where the server writes it in its new alphabetical form."""
    from emmet.core.mpid import AlphaID

    return AlphaID(identifier).string


def _only(fields: list[str]) -> dict[str, Any]:
    return {"all_fields": False, "_fields": ",".join(fields)}


def _run_type_behind(document: Mapping[str, Any], run_types: Mapping[str, str]) -> str | None:
    """Run type of the task that gave the structure; of all its tasks where they agree; else None."""
    origins = document.get("origins") or []
    tasks = [normal_id(origin["task_id"]) for origin in origins if origin.get("name") == "structure"]
    told = {run_types[task] for task in tasks if task in run_types} or set(run_types.values())
    return told.pop() if len(told) == 1 else None


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
