"""Strange input, from record to material: no crystal is a row of `rejects`; a crystal is kept and joins no stranger."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from benchmarks.identity import made
from lake.crawl import crawl
from lake.crystal import Crystal
from lake.entries import write_entries
from lake.sources.page import Entry
from lake.store import Lake
from lake.structures.materials import write_materials
from lake.tables import MATERIALS, REJECTS
from tests.lake.small_lake import rock_salt, zincblende
from tests.lake.test_crawl import Shelf


class Arrays(Shelf):
    """A shelf whose payloads are the arrays of a crystal."""

    def read(self, payload: str) -> Entry:
        told = json.loads(payload)
        return Entry(Crystal(told["lattice"], told["positions"], told["numbers"]), "PBE")


def payload(crystal: Crystal) -> str:
    arrays = {"lattice": crystal.lattice, "positions": crystal.positions, "numbers": crystal.numbers}
    return json.dumps({name: array.tolist() for name, array in arrays.items()})


CUBE = np.eye(3) * 4.2
PLACES = [[0, 0, 0], [0.5, 0.5, 0.5]]
BROKEN = {
    "overlapping atoms": (Crystal(CUBE, [[0, 0, 0], [0.01, 0, 0]], [12, 8]), "0.4 A apart"),
    "no volume": (Crystal(CUBE * [1, 1, 0], PLACES, [12, 8]), "volume per atom"),
    "not a number": (Crystal(CUBE, [[0, 0, 0], [np.nan, 0, 0]], [12, 8]), "finite"),
    "an infinite cell": (Crystal(CUBE * [1, 1, np.inf], PLACES, [12, 8]), "finite"),
    "no element": (Crystal(CUBE, PLACES, [12, 0]), "1 to 118"),
    "element 119": (Crystal(CUBE, PLACES, [12, 119]), "1 to 118"),
    "no atoms": (Crystal(CUBE, np.empty((0, 3)), []), "needs atoms"),
}
RNG = np.random.default_rng(0)
SALT, IRON = (
    rock_salt("Mg", "O", 4.21),
    Crystal(np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) * 1.43, [[0, 0, 0]], [26]),
)
GIANT = made.displaced(made.supercell(SALT, (5, 5, 5)), 0.02, RNG)  # 1,000 atoms
HYDROGEN = Crystal(np.eye(3) * 3.8, [[0.1, 0.1, 0.1], [0.295, 0.1, 0.1]], [1, 1])
# who is the same crystal; each is told by two entries
STRANGE = {
    "one atom": (IRON, made.supercell(IRON, (2, 2, 2))),
    "1,000 atoms": (SALT, GIANT),
    "hydrogen alone": (HYDROGEN, made.anyhow(HYDROGEN, RNG)),
    "a skewed cell": (zincblende("Zn", "S", 5.41), made.recut(made.recut(zincblende("Zn", "S", 5.41), RNG), RNG)),
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("strange"))
    told = {name: crystal for name, (crystal, _) in BROKEN.items()}
    told |= {f"{name} {n}": crystal for name, pair in STRANGE.items() for n, crystal in enumerate(pair)}
    source = Arrays({"a": {name: payload(crystal) for name, crystal in told.items()}})
    crawl(lake, source)
    write_entries(lake, source)
    write_materials(lake)
    return lake


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_crystal_is_refused_with_its_rule_and_stands_in_no_material(lake, name):
    refused = lake.read(REJECTS).row(by_predicate=pl.col("entry_id") == f"shelf:{name}", named=True)
    assert BROKEN[name][1] in refused["reason"]
    assert f"shelf:{name}" not in lake.read(MATERIALS)["members"].explode().to_list()


@pytest.mark.parametrize("name", STRANGE)
def test_an_unusual_crystal_is_recognised_in_another_cell_and_joins_nobody_else(lake, name):
    materials = lake.read(MATERIALS)
    holding = materials.filter(pl.col("members").list.contains(f"shelf:{name} 0"))
    assert [set(row) for row in holding["members"]] == [{f"shelf:{name} 0", f"shelf:{name} 1"}]


def test_nobody_else_is_refused(lake):
    assert set(lake.read(REJECTS)["entry_id"]) == {f"shelf:{name}" for name in BROKEN}
    assert len(lake.read(MATERIALS)) == len(STRANGE)
