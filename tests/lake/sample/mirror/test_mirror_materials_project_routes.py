"""Materials Project's routes beside summary: documents that emmet-core and mp-api read, questions that are refused."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
import requests

from lake.sample.mirror.materials_project_properties import PROPERTIES
from tests.lake.sample.mirror.conftest import KEY

MODELS = {
    "elasticity": "elasticity.ElasticityDoc", "dielectric": "polar.DielectricDoc",
    "piezoelectric": "polar.PiezoelectricDoc", "magnetism": "magnetism.MagnetismDoc", "thermo": "thermo.ThermoDoc",
    "phonon": "phonon.PhononBSDOSTask",
}  # fmt: skip
NEEDED = {"thermo": {"energy_per_atom": 0.0, "uncorrected_energy_per_atom": 0.0}}  # no telling knows them


def ask(mirror: str, route: str, **query: object) -> requests.Response:
    return requests.get(f"{mirror}/mp/materials/{route}/", params=query, headers=KEY)


def model(route: str) -> type:
    module, _, name = MODELS[route].rpartition(".")
    return getattr(import_module(f"emmet.core.{module}"), name)


@pytest.mark.parametrize("route", MODELS)
def test_every_field_is_one_of_emmet_s(route):
    fields, key, _ = PROPERTIES[route]
    assert set(fields) <= set(model(route).model_fields) and key in fields


@pytest.mark.parametrize("route", [route for route in MODELS if route != "phonon"])
def test_emmet_reads_the_documents(mirror, route):
    documents = ask(mirror, route, _all_fields="true").json()["data"]
    assert documents and all(model(route)(**document | NEEDED.get(route, {})) for document in documents)


def test_mp_api_reads_an_elastic_tensor_that_has_the_moduli_told(mirror, told):
    from mp_api.client import MPRester

    with MPRester("k" * 32, endpoint=f"{mirror}/mp/", use_document_model=False, mute_progress_bars=True) as client:
        (document,) = client.materials.elasticity.search(material_ids=["mp-22862"])
    tensor = np.array(document["elastic_tensor"]["raw"])
    values = told["mp", "mp-22862"].values
    assert tensor[:3, :3].sum() / 9 == pytest.approx(values["bulk_modulus"])
    assert tensor[3, 3] == pytest.approx(values["shear_modulus"])
    assert 200 < document["debye_temperature"] < 400  # 321 K from measured elastic constants of rock salt


@pytest.mark.parametrize(
    ("route", "query"),
    [("elasticity", {"_sort_fields": "material_id"}), ("core", {"_sort_fields": "material_id"}),
     ("magnetism", {"deprecated": "False"}), ("dielectric", {"elements": "Na"}), ("phonon", {"material_ids": "mp-1"}),
     ("piezoelectric", {"chemsys": "Cl-Na"}), ("thermo", {"elements": "Na"})],
)  # fmt: skip
def test_a_route_refuses_what_it_does_not_know(mirror, route, query):
    answer = ask(mirror, route, **query)
    assert answer.status_code == 400 and "parameters which cannot be used" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query", [{"chemsys": "Na-Cl"}, {"nelements_max": 2}, {"nsites_min": 3}, {"is_stable": "true"}]
)
def test_thermo_is_asked_by_system_and_size(mirror, query):
    answer = ask(mirror, "thermo", thermo_types="GGA_GGA+U", **query).json()
    assert [document["material_id"] for document in answer["data"]] == ["mp-22862"]
    assert answer["meta"]["total_doc"] == 1


def test_a_material_is_found_by_the_older_and_the_newer_form_of_its_id_on_every_route(mirror):
    for route in ("elasticity", "dielectric", "thermo"):
        old, new = (ask(mirror, route, material_ids=i).json()["data"] for i in ("mp-22862", "mp-aaaabhvi"))
        assert old and old == new
