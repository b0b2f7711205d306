"""POSCAR text to Crystal, by pymatgen. What it would guess is refused: a POSCAR of VASP 4 may not name its elements.

What belongs here: reading one POSCAR or CONTCAR. Where they come from belongs to `lake/sources`.
"""

from __future__ import annotations

import warnings

from lake.crystal import Crystal, CrystalError


def crystal_from_poscar(text: str) -> Crystal:
    """The cell and its sites, velocities left aside; CrystalError for text that is no POSCAR or names no elements."""
    from pymatgen.io.vasp import Poscar

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it warns of is told by `true_names`, or does not matter here
            poscar = Poscar.from_str(text, read_velocities=False)
    except Exception as fault:  # it fails in as many ways as a text can be broken
        raise CrystalError(
            f"a POSCAR must parse, found {type(fault).__name__}: {' '.join(str(fault).split())}"
        ) from None
    if not poscar.true_names:
        raise CrystalError("a POSCAR must name its elements, found none (VASP 4): write them above their numbers")
    return Crystal.from_pymatgen(poscar.structure)
