"""The smallest cell: noise does not hide it, a real distortion keeps its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from pymatgen.core import Lattice

from lake.crystal import Crystal
from lake.structures.primitive import primitive
from tests.lake.small_lake import crystal
from tests.lake.structures.test_fingerprint import bases, displaced, moved, recut, seeds


@settings(max_examples=20, deadline=None)
@given(told=bases, rng=seeds)
def test_a_supercell_is_undone_though_its_atoms_moved_by_three_hundredths(told, rng):
    smaller = primitive(moved(displaced(recut(told, rng), 0.03, rng), rng))
    assert len(smaller) == len(primitive(told))
    assert smaller.volume / len(smaller) == pytest.approx(told.volume / len(told))


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


def test_a_distortion_that_doubles_the_cell_is_kept_and_a_trace_of_it_is_not():
    assert len(primitive(perovskite_doubled(0.2))) == 10
    assert len(primitive(perovskite_doubled(0.02))) == 5


def test_a_small_displacement_inside_the_cell_is_not_symmetrised_away():
    polar = crystal("P4mm", Lattice.cubic(4.0), ["Ba", "Ti", "O", "O"],
                    [[0, 0, 0], [0.5, 0.5, 0.52], [0.5, 0.5, 0], [0.5, 0, 0.5]])  # fmt: skip
    assert primitive(polar).positions == pytest.approx(polar.positions)


def test_what_has_no_volume_comes_back_as_it_is():
    flat = Crystal(np.zeros((3, 3)), [[0, 0, 0]], [1])
    assert primitive(flat) is flat
