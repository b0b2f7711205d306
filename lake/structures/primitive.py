"""The smallest cell of a crystal as it stands: reduced by translations alone, not idealised to any symmetry.

What belongs here: undoing a supercell whose atoms two relaxations have moved apart a little, without wiping out the
small distortions by which two polymorphs differ. Symmetrised cells: canonical.py.
"""

from __future__ import annotations

import numpy as np

from lake.crystal import Crystal

# A; the search is generous, since it compares differences of noisy atoms, and the result is then judged
TOLERANCES = (0.3, 0.1, 0.03, 0.01)
# A; atoms a translation maps onto each other lie this near to their mean. A displacement of 0.05 A by noise stays
# below; an octahedral tilt that doubles the cell (SrTiO3: 0.1 A) does not, and keeps its cell.
LARGEST_SPREAD = 0.08


def primitive(crystal: Crystal) -> Crystal:
    """The smallest cell whose copies agree within LARGEST_SPREAD; the crystal itself where there is no smaller one."""
    import moyopy

    cell = moyopy.Cell(crystal.lattice.tolist(), crystal.positions.tolist(), crystal.numbers.tolist())
    for tolerance in TOLERANCES:
        try:
            found = moyopy.MoyoDataset(cell, symprec=tolerance)
        except ValueError:  # the tolerance exceeds a bond, or symmetry and tolerance contradict each other
            continue
        if len(found.prim_std_cell.numbers) == len(crystal):
            return crystal
        smaller, spread = _folded(crystal, np.array(found.prim_std_linear), np.array(found.mapping_std_prim))
        if spread <= LARGEST_SPREAD:
            return smaller
    return crystal


def _folded(crystal: Crystal, linear: np.ndarray, onto: np.ndarray) -> tuple[Crystal, float]:
    """The crystal in the cell `linear` (columns, in cell vectors), and how far its copies spread, in A.

    onto: (n,) the site of the smaller cell each site falls on. Copies are averaged.
    """
    lattice = linear.T @ crystal.lattice
    places = crystal.positions @ np.linalg.inv(linear).T
    _, first, onto = np.unique(onto, return_index=True, return_inverse=True)
    steps = places - places[first][onto]
    steps -= np.round(steps)
    mean = np.zeros((len(first), 3))
    np.add.at(mean, onto, steps)
    mean /= np.bincount(onto)[:, None]
    spread = np.linalg.norm((steps - mean[onto]) @ lattice, axis=1).max()
    return Crystal(lattice, places[first] + mean, crystal.numbers[first]), float(spread)
