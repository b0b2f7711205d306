"""Figures: what is drawn is what the tables say, and drawing leaves matplotlib's settings alone."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import lake.figures
from lake.figures.dot_matrix import binned, filled
from lake.figures.periodic_table import materials_per_element, place
from lake.figures.style import unit_text
from lake.figures.upset import counted
from lake.store import Lake
from tests.small_lake import CRYSTALS, learnt


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lake:
    return learnt(tmp_path_factory.mktemp("lake"))


@pytest.mark.parametrize("name", lake.figures.__all__)
def test_every_picture_draws_on_full_and_on_empty_lakes_and_sets_nothing(name, made, tmp_path):
    before = dict(matplotlib.rcParams)
    for water in (made, Lake(tmp_path)):
        assert isinstance(getattr(lake.figures, name)(water), Figure)
    assert dict(matplotlib.rcParams) == before


def test_coverage_counts_are_those_of_the_matrix(made):
    names, known = filled(made)
    counts = dict(zip(names, known.sum(axis=1).tolist(), strict=True))
    assert counts["thermal_conductivity_measured"] == sum(c[6] is not None for c in CRYSTALS)
    assert counts["band_gap"] == sum(c[4] is not None for c in CRYSTALS)
    assert list(counts.values()) == sorted(counts.values(), reverse=True)


def test_binning_loses_no_value():
    known = np.random.default_rng(0).random((3, 101)) < 0.3
    share, width = binned(known, 10)
    sizes = [width] * (share.shape[1] - 1) + [101 - width * (share.shape[1] - 1)]
    assert share.shape[1] <= 10
    assert share @ sizes == pytest.approx(known.sum(axis=1))


def test_overlap_combinations_add_up_to_the_materials(made):
    combinations, per_source = counted(made)
    assert combinations["n"].sum() == len(CRYSTALS)
    assert dict(per_source.iter_rows()) == {s: sum(s in c[2] for c in CRYSTALS) for s in ("mp", "aflow", "cod", "oqmd")}


def test_elements_are_counted_once_per_material(made):
    count = materials_per_element(made)
    assert count["B"] == 2 and count["O"] == 3 and count["C"] == 2


def test_the_periodic_table_has_a_place_of_its_own_for_every_element():
    places = {place(number) for number in range(1, 119)}
    assert len(places) == 118
    assert place(1) == (1, 1) and place(2) == (18, 1) and place(26) == (8, 4) and place(72) == (4, 6)


def test_units_are_printed_as_people_write_them():
    assert unit_text("kelvin") == "K" and unit_text("muB/atom") == "μB/atom" and unit_text("C/m^2") == "C/m²"
