"""A page of structures as arrays: the same crystals as one by one, and no bad one costs a good one anything."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crystal import SYMBOLS, CrystalError
from lake.sources.optimade.arrays import structures, structures_of
from lake.sources.page import Unusable

WIRE = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA", "../shared/data")) / "wire"
real = pytest.mark.skipif(not WIRE.is_dir(), reason=f"recorded answers of the real services are not at {WIRE}")
NUMBERS = st.floats(-20, 20, allow_nan=False)


@st.composite
def good(draw) -> dict:
    """Attributes of a structure whose cell spans a volume."""
    n = draw(st.integers(1, 5))
    cell = np.diag([4.0, 5.0, 6.0]) + np.array(draw(st.lists(st.floats(-0.9, 0.9), min_size=9, max_size=9))).reshape(
        3, 3
    )
    sites = draw(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=n, max_size=n))
    symbols = draw(st.lists(st.sampled_from(SYMBOLS[1:100]), min_size=n, max_size=n))
    row = {"lattice_vectors": cell.tolist(), "species_at_sites": symbols, "cartesian_site_positions": sites}
    if draw(st.booleans()):
        row["direct"] = [[x / 9 for x in site] for site in sites]
    if draw(st.booleans()):
        row["species"] = [{"name": e, "chemical_symbols": [e], "concentration": [1.0]} for e in set(symbols)]
    return row


CELL = [[4, 0, 0], [0, 4, 0], [0, 0, 4]]
GOOD = {"lattice_vectors": CELL, "species_at_sites": ["Fe"], "cartesian_site_positions": [[0, 0, 0]]}
BAD = {
    "no cell": ({"lattice_vectors": None}, "has None as lattice_vectors"),
    "no positions": ({"cartesian_site_positions": []}, "has .. as cartesian_site_positions"),
    "a cell of two": ({"lattice_vectors": CELL[:2]}, "three cell vectors"),
    "a vector of two": ({"lattice_vectors": [[1, 2], [3, 4, 5], [6, 7, 8]]}, "three cell vectors"),
    "a wire": ({"lattice_vectors": [[4, 0, 0], None, None]}, "three directions"),
    "a slab with nulls": ({"lattice_vectors": [[4, 0, 0], [0, 4, 0], [None, None, None]]}, "None among them"),
    "a slab by its own words": ({"nperiodic_dimensions": 2}, "three directions"),
    "flat": ({"lattice_vectors": [[4, 0, 0], [8, 0, 0], [0, 0, 4]]}, "span a volume"),
    "a null coordinate": ({"cartesian_site_positions": [[0, None, 0]]}, "None among them"),
    "a coordinate in words": ({"cartesian_site_positions": [[0, "0.5", 0]]}, "'0.5' among them"),
    "a truth": ({"cartesian_site_positions": [[0, True, 0]]}, "True among them"),
    "words for positions": ({"cartesian_site_positions": ["abc"]}, "'a' among them"),
    "two coordinates": ({"cartesian_site_positions": [[0, 0]]}, r"found \[0, 0\]"),
    "a position too many": ({"cartesian_site_positions": [[0, 0, 0], [1, 1, 1]]}, "2 positions and 1 elements"),
    "a vacancy": ({"species_at_sites": ["X"]}, "'X'"),
    "a label": ({"species_at_sites": ["Fe1"]}, "'Fe1'"),
    "a number for an element": ({"species_at_sites": [26]}, "26"),
    "a list for an element": ({"species_at_sites": [["Fe"]]}, "must be lists of numbers|what OPTIMADE says"),
    "disorder": (
        {"species": [{"name": "Fe", "chemical_symbols": ["Fe", "Ni"], "concentration": [0.5, 0.5]}]}, "disorder"
    ),
    "a vacancy now and then": (
        {"species": [{"name": "Fe", "chemical_symbols": ["Fe"], "concentration": [0.9]}]}, "disorder"
    ),
    "species that lack the site": (
        {"species": [{"name": "Ni1", "chemical_symbols": ["Ni"], "concentration": [1]}]}, "what OPTIMADE says"
    ),
    "species in words": ({"species": "Fe"}, "what OPTIMADE says"),
    "positions in words": ({"cartesian_site_positions": "a"}, "three numbers|must be lists"),
}  # fmt: skip


@given(st.lists(good(), max_size=8), st.lists(st.tuples(st.sampled_from(sorted(BAD)), st.integers(0, 8)), max_size=4))
def test_a_page_gives_for_each_row_what_the_row_gives_alone(rows, bad):
    for name, at in bad:
        rows.insert(at, GOOD | BAD[name][0])
    page = structures(rows, "direct")
    crystals = {row: page.crystal(k) for k, row in enumerate(page.rows.tolist())}
    assert sorted([*crystals, *page.refused]) == list(range(len(rows)))
    assert page.offsets[-1] == len(page.numbers) == len(page.positions)
    for number, row in enumerate(rows):
        alone = structures([row], "direct")
        if number in crystals:
            crystal, same = crystals[number], alone.crystal(0)
            assert crystal.lattice.tobytes() == same.lattice.tobytes()
            assert crystal.positions.tobytes() == same.positions.tobytes()
            assert crystal.numbers.tobytes() == same.numbers.tobytes()
        else:
            assert str(page.refused[number]) == str(alone.refused[0])
            assert type(page.refused[number]) is type(alone.refused[0])


@given(good())
def test_positions_are_where_they_were_told(row):
    crystal = structures([row]).crystal(0)
    assert crystal.lattice.tolist() == row["lattice_vectors"]
    assert np.allclose(crystal.positions @ crystal.lattice, row["cartesian_site_positions"], atol=1e-9)
    assert [SYMBOLS[z] for z in crystal.numbers] == row["species_at_sites"]


@given(good())
def test_fractional_positions_that_are_told_are_kept_to_the_last_digit(row):
    crystal = structures([row], "direct").crystal(0)
    if "direct" in row:
        assert crystal.positions.tolist() == row["direct"]


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_crystal_says_why(name):
    change, words = BAD[name]
    found = structures([GOOD | change])
    assert len(found) == 0
    with pytest.raises((Unusable, CrystalError), match=words):
        raise found.refused[0]


def test_missing_is_not_null():
    for row, word in (({}, "lacks lattice_vectors"), ({**GOOD, "lattice_vectors": None}, "None as lattice_vectors")):
        assert word in str(structures([row]).refused[0])


def test_a_species_is_what_its_symbols_say_not_what_it_is_called():
    species = [{"name": "Ti1_2_555", "chemical_symbols": ["Ti"], "concentration": [1.0]},
               {"name": "Fe", "chemical_symbols": ["O"], "concentration": [1.0]}]  # fmt: skip
    row = {**GOOD, "species_at_sites": ["Ti1_2_555", "Fe"], "cartesian_site_positions": [[0, 0, 0], [2, 2, 2]]}
    assert structures([row | {"species": species}]).numbers.tolist() == [22, 8]


def test_no_rows_are_no_structures():
    found = structures([])
    assert (len(found), found.lattices.shape, found.positions.shape) == (0, (0, 3, 3), (0, 3))
    assert found.offsets.tolist() == [0]


@real
def test_the_reference_servers_page_is_read_and_its_nulls_are_no_hindrance():
    found = structures_of((WIRE / "optimade/oqmdlike_local_p1.json").read_bytes())
    assert len(found) == 2 and not found.refused
    bundled = structures_of((WIRE / "optimade/bundled_structures_p1.json").read_bytes())
    assert len(bundled) + len(bundled.refused) == 3


@real
def test_all_recorded_structures_of_oqmd_stand_in_the_arrays():
    pages = [orjson.dumps(page) for page in json.loads((WIRE / "oqmd/optimade_five_pages.json").read_text())]
    found = [structures_of(page) for page in pages]
    assert sum(map(len, found)) == 1000 and not any(page.refused for page in found)
    assert all(len(page.crystal(k).checked()) for page in found for k in range(len(page)))
