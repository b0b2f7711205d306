"""Look-up: every id that an entry or a material has, had or could have finds what it names."""

from __future__ import annotations

import pytest

from lake.lookup import UnknownId, named
from lake.store import Lake
from lake.structures.explained import verdict
from lake.structures.material_id import material_id
from lake.structures.materials import write_materials
from lake.tables import ENTRIES
from tests.lake.small_lake import entries, entry, rock_salt
from tests.lake.structures.test_disordered_materials import mixed

SALT = rock_salt("Mg", "O", 4.21)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    rows = [
        entry("mp:1", SALT),
        entry("oqmd:1", SALT),
        entry("cod:1", mixed(SALT, 20)),
        entry("cod:2", mixed(SALT, 30)),
    ]
    lake.append(ENTRIES, entries(*rows))
    write_materials(lake)
    return lake


@pytest.mark.parametrize("name", ["oqmd:1", material_id("mp:1"), material_id("oqmd:1")])
def test_an_entry_its_materials_id_and_the_id_that_a_member_could_give_find_one_material(lake, name):
    assert named(lake, name).material["material_id"] == material_id("mp:1")


def test_a_disordered_entry_is_no_ordered_one_of_its_majority_nor_one_of_other_occupancy(lake):
    ordered, fifth, third = (named(lake, name).candidate for name in ("mp:1", "cod:1", "cod:2"))
    assert not verdict(ordered, fifth).same
    assert not verdict(third, fifth).same
    assert verdict(fifth, named(lake, material_id("cod:1")).candidate).same


def test_what_names_nothing_is_told_what_an_id_looks_like(lake):
    for name in ("mp:0", "m-0000000000000000", "nothing"):
        with pytest.raises(UnknownId, match="no id of this lake"):
            named(lake, name)
