"""Overlap: the same crystal told otherwise is found, polymorphs and neighbours are not, and ids count beside."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crystal import Crystal
from models.published.chang2022 import ReadSet, entry
from models.published.overlap import Overlap, overlap, same
from tests.models._made import entry as row
from tests.models._made import filled, material, observation, rock_salt, split

NAME, OTHER = "chang2022.mp_phonons", "chang2022.jarvis_2d_eform"
SALT = rock_salt(11, 17, 5.6)
NEAR = rock_salt(11, 17, 5.61)  # the same crystal, relaxed by somebody else
CUBE = Crystal(np.eye(3) * 3.5, [[0, 0, 0], [0.5, 0.5, 0.5]], [11, 17])  # a polymorph
OXIDE = rock_salt(12, 8, 4.2)


def doubled(crystal: Crystal) -> Crystal:
    cell = crystal.lattice * np.array([[2], [1], [1]])
    halves = [crystal.positions / [2, 1, 1] + [shift, 0, 0] for shift in (0, 0.5)]
    return Crystal(cell, np.vstack(halves), [*crystal.numbers, *crystal.numbers])


def read(name: str, crystals: list[Crystal], ids: list[str | None]) -> ReadSet:
    entries = [entry(name, at) for at in range(len(crystals))]
    frame = pl.DataFrame(
        {
            "entry_id": entries,
            "structure_hash": [crystal.structure_hash for crystal in crystals],
            "material_id": [told or own for told, own in zip(ids, entries, strict=True)],
            "value": [1.0] * len(crystals),
        }
    )
    return ReadSet(name, frame, tuple(crystals), (), (), {})


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Overlap:
    crystals = {"mp:1": NEAR, "mp:2": CUBE, "aflow:1": rock_salt(11, 17, 5.62), "mp:3": OXIDE, "mp:4": OXIDE}
    entries = [row(name, crystal) for name, crystal in crystals.items()]
    of = {"m1": ["mp:1", "aflow:1"], "m2": ["mp:2"], "m3": ["mp:3"], "m4": ["mp:4"]}
    formulas = {"m1": "NaCl", "m2": "NaCl", "m3": "MgO", "m4": "MgO"}
    lake = filled(
        tmp_path_factory.mktemp("overlap"),
        entries,
        [observation(name, "band_gap", 1.0) for name in crystals],
        [material(name, members, formulas[name]) for name, members in of.items()],
        [split(name, "train", formulas[name]) for name in of],
    )
    bulk = read(NAME, [doubled(SALT)], [None])
    sheets = read(OTHER, [rock_salt(19, 35, 6.6), SALT], ["3", None])
    return overlap([bulk, sheets], lake, 1)


def test_a_crystal_is_found_in_another_cell_and_its_material_with_it_but_no_polymorph(found):
    twins = found.twins.filter(pl.col("set") == NAME)
    assert twins["twin"].to_list() == ["aflow:1", "mp:1"]


def test_an_id_that_is_told_counts_beside_the_structure(found):
    twins = found.twins.filter(pl.col("entry_id") == entry(OTHER, 0))
    assert twins["twin"].to_list() == ["mp:3"]
    counts = found.counts().filter(pl.col("set") == OTHER).row(0, named=True)
    assert (counts["entries"], counts["in_lake"], counts["by_id_only"], counts["in_other_sets"]) == (2, 1, 1, 1)


def test_sets_are_compared_with_each_other(found):
    assert found.crystals([entry(NAME, 0)]) == found.crystals([entry(OTHER, 1)])
    assert not found.crystals([entry(OTHER, 0)]) & found.crystals([entry(NAME, 0)])


def test_what_is_written_is_read(found, tmp_path):
    again = Overlap.read(found.write(tmp_path).read(tmp_path).write(tmp_path / "b") and tmp_path / "b")
    assert again.frame.equals(found.frame) and again.named.equals(found.named)


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(4)))
def test_order_plays_no_part_and_a_chain_is_one_crystal(order):
    bucket = [("a", None, SALT), ("b", None, NEAR), ("c", None, doubled(NEAR)), ("d", None, CUBE)]
    told = same([bucket[at] for at in order])
    assert told == {"a": "a", "b": "a", "c": "a", "d": "d"}
