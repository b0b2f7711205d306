"""A crawl through mp-api against Materials Project's own server, which other people wrote."""

from collections import Counter

import polars as pl

from lake.crawl import crawl
from lake.entries import write_entries
from lake.extract import write_observations
from lake.settings import MIRROR_KEY, Settings
from lake.sources.materials_project import MaterialsProject
from lake.store import Lake
from lake.tables import ENTRIES
from tests.peers.fidelity import crystals_that_differ, ids_told_twice, values_that_differ
from tests.peers.materials_project_documents import source_id
from tests.peers.materials_project_server import DB_VERSION

LEVELS = {"GGA": "PBE", "GGA+U": "PBE+U"}
VALUES = ("band_gap", "formation_energy_per_atom", "bulk_modulus", "refractive_index", "piezoelectric_modulus")


def test_a_crawl_of_materials_projects_own_server_loses_nothing(materials_project_peer, tmp_path, subtests):
    made = {source_id(crystal): crystal for crystal in materials_project_peer.crystals}
    settings = Settings(mp_url=materials_project_peer.base, mp_rate=0, mp_key=MIRROR_KEY)
    lake, source = Lake(tmp_path), MaterialsProject(settings)
    first = crawl(lake, source)
    with subtests.test("the crawl closes at the server's version"):
        assert (first.state, first.marker, first.poisoned, first.error) == ("closed", DB_VERSION, 0, None)
    with subtests.test("every material comes, once"):
        assert (first.records_seen, first.records_new) == (5000, 5000)
        assert ids_told_twice(lake, "mp") == []
    with subtests.test("every entry is the crystal that was made"):
        assert write_entries(lake, source) == {"entries": 5000, "rejects": 0}
        assert crystals_that_differ(lake, "mp", made) == []
    with subtests.test("every entry stands at the level of the task behind its structure"):
        kept = lake.scan(ENTRIES).filter(pl.col("source") == "mp").collect()["level_of_theory"]
        assert Counter(kept) == Counter(LEVELS[crystal.run_type] for crystal in made.values())
    with subtests.test("every value is the one that was made, and none stands where none was"):
        for name in VALUES:
            wanted = {key: crystal.values[name] for key, crystal in made.items() if name in crystal.values}
            assert write_observations(lake, name) == {"observations": len(wanted), "rejects": 0}
            assert values_that_differ(lake, "mp", name, wanted) == []
    with subtests.test("a second crawl changes nothing"):
        assert crawl(lake, source).state == "unchanged"
        second = crawl(lake, source, anew=True)
        assert (second.state, second.records_seen, second.records_new) == ("closed", 5000, 0)
