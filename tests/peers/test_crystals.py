"""The crystals that the tests make, and what they tell of them: sound, distinct, and in the servers' own words."""

from tests.peers.crystals import COUNT, PROTOTYPES, made_crystals
from tests.peers.materials_project_documents import documents


def test_all_crystals_are_distinct_and_sound():
    made = made_crystals()
    assert len({(crystal.prototype, tuple(crystal.crystal.numbers)) for crystal in made}) == COUNT
    assert len({crystal.crystal.checked().structure_hash for crystal in made}) == COUNT
    assert {crystal.prototype for crystal in made} == set(PROTOTYPES)


def test_fewer_crystals_are_the_first_of_many():
    few, many = made_crystals(20), made_crystals(50)
    assert [c.crystal.structure_hash for c in few] == [c.crystal.structure_hash for c in many[:20]]
    assert [c.values for c in few] == [c.values for c in many[:20]]


def test_documents_are_what_materials_projects_own_models_read(subtests):
    from emmet.core.elasticity import ElasticityDoc
    from emmet.core.magnetism import MagnetismDoc
    from emmet.core.phonon import PhononBSDOSDoc
    from emmet.core.polar import DielectricDoc, PiezoelectricDoc
    from emmet.core.summary import SummaryDoc
    from emmet.core.thermo import ThermoDoc
    from emmet.core.vasp.material import MaterialsDoc

    models = {
        "summary": SummaryDoc, "core": MaterialsDoc, "thermo": ThermoDoc, "elasticity": ElasticityDoc,
        "dielectric": DielectricDoc, "piezoelectric": PiezoelectricDoc, "magnetism": MagnetismDoc,
        "phonon": PhononBSDOSDoc,
    }  # fmt: skip
    told = documents(made_crystals(30))
    assert set(told) == set(models)
    for route, model in models.items():
        with subtests.test(route):
            read = [model(**document) for document in told[route]]
            assert [document.volume for document in read] == [document["volume"] for document in told[route]]
            assert {name for document in told[route] for name in document} <= {*model.model_fields, "thermo_id"}
