"""The smallest cell: noise does not hide it, a real distortion keeps its own, and what was averaged is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice

from lake.crystal import Crystal
from lake.structures.cell import Cell
from lake.structures.primitive import Folded, primitive
from tests.lake.small_lake import crystal
from tests.lake.structures.test_fingerprint import bases, displaced, moved, recut, seeds


def smallest(told: Crystal) -> Folded:
    return primitive(Cell.of(told))


@settings(max_examples=20, deadline=None)
@given(told=bases, rng=seeds, noise=st.sampled_from([0.0, 0.003, 0.03]))
def test_a_supercell_is_undone_though_its_atoms_moved(told, rng, noise):
    other = recut(told, rng)
    other = moved(displaced(other, noise, rng) if noise else other, rng)
    found = smallest(other)
    assert len(found.cell) == len(smallest(told).cell)
    assert found.cell.volume / len(found.cell) == pytest.approx(told.volume / len(told))
    assert found.spread <= 2 * noise + 1e-9


@settings(max_examples=20, deadline=None)
@given(told=bases, rng=seeds)
def test_nothing_is_lost_in_folding(told, rng):
    found = smallest(recut(told, rng)).cell
    assert dict(zip(found.elements, found.counts / len(found), strict=True)) == pytest.approx(
        {z: (told.numbers == z).mean() for z in np.unique(told.numbers)}
    )
    assert (found.fractional >= 0).all() and (found.fractional <= 1).all()


def perovskite_doubled(tilt: float) -> Crystal:
    """SrTiO3 in a cell twice as long along c, its two octahedra turned by opposite shifts of their oxygen, in A."""
    edge = 3.905
    cubic = crystal("Pm-3m", Lattice.cubic(edge), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]])
    structure = cubic.to_pymatgen()
    structure.make_supercell([1, 1, 2])
    doubled = Crystal.from_pymatgen(structure)
    steps = np.zeros((len(doubled), 3))
    upper = np.flatnonzero((doubled.numbers == 8) & (np.abs(doubled.positions[:, 2] - 0.75) < 0.1))
    lower = np.flatnonzero((doubled.numbers == 8) & (np.abs(doubled.positions[:, 2] - 0.25) < 0.1))
    steps[upper, 0], steps[lower, 0] = tilt / edge, -tilt / edge
    return Crystal(doubled.lattice, doubled.positions + steps, doubled.numbers)


def test_a_distortion_that_doubles_the_cell_is_kept_and_a_trace_of_it_is_told_as_spread():
    assert len(smallest(perovskite_doubled(0.2)).cell) == 10
    trace = smallest(perovskite_doubled(0.02))
    assert len(trace.cell) == 5
    assert trace.spread == pytest.approx(0.02)


def test_a_small_displacement_inside_the_cell_is_not_symmetrised_away():
    polar = crystal("P4mm", Lattice.cubic(4.0), ["Ba", "Ti", "O", "O"],
                    [[0, 0, 0], [0.5, 0.5, 0.52], [0.5, 0.5, 0], [0.5, 0, 0.5]])  # fmt: skip
    found = smallest(polar)
    assert len(found.cell) == 5
    assert found.spread == 0


def test_what_has_no_volume_is_refused():
    with pytest.raises(ValueError):
        smallest(Crystal(np.zeros((3, 3)), [[0, 0, 0]], [1]))
