"""The canonical form of a crystal: its primitive standard cell, and the space group that cell shows.

What belongs here: symmetry, by moyo (package moyopy). A space group is told to people and never decides
identity: 0.01 A of noise lowers it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from lake.crystal import Crystal, CrystalError

SYMPREC = 0.01  # A, the field's usual tolerance
LOOSE_SYMPREC = 0.1  # A, tried where the search fails at the first: rounded coordinates of old records

# moyo warns that it leaves out symmetry operations of supercells; the group itself is right, and only that is read here
logging.getLogger("moyo").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Canonical:
    """A crystal in its primitive standard cell.

    crystal: that cell, idealised to its symmetry.
    number: space group number, 1..230. symbol: short Hermann-Mauguin symbol, `F m -3 m`.
    symprec: tolerance it was found with, A.
    """

    crystal: Crystal
    number: int
    symbol: str
    symprec: float


def canonical(crystal: Crystal) -> Canonical:
    """The crystal's canonical form; raises CrystalError where no tolerance gives a symmetry."""
    import moyopy

    cell = moyopy.Cell(crystal.lattice.tolist(), crystal.positions.tolist(), crystal.numbers.tolist())
    for symprec in (SYMPREC, LOOSE_SYMPREC):
        try:
            found = moyopy.MoyoDataset(cell, symprec=symprec)
        except ValueError:
            continue
        standard = found.prim_std_cell
        primitive = Crystal(standard.basis, standard.positions, standard.numbers)
        return Canonical(primitive, found.number, moyopy.SpaceGroupType(found.number).hm_short, symprec)
    raise CrystalError(f"moyo finds no symmetry within {LOOSE_SYMPREC} A: overlapping sites or a flat cell?")
