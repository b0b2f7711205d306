"""Symmetry of a CIF: the operations it tells, and the sites they make of the listed ones.

What belongs here: from operations or space group symbols to every site in the cell. Finding the symmetry of a crystal
that does not tell it belongs to `lake/structures`.
"""

from __future__ import annotations

import gemmi
import numpy as np

from lake.crystal import SMALLEST_DISTANCE, CrystalError

OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
HERMANN_MAUGUIN = ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M", "_symmetry_space_group_name_h-m")
HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")


def operations_of(block: gemmi.cif.Block) -> list[gemmi.Op]:
    """Symmetry as listed, else by Hall symbol, else by Hermann-Mauguin symbol."""
    for name in OPERATIONS:
        listed = [gemmi.cif.as_string(value) for value in block.find_values(name)]
        if listed:
            try:
                return [gemmi.Op(triplet) for triplet in listed]
            except (ValueError, RuntimeError) as fault:
                raise CrystalError(f"symmetry operations must read as x,y,z, found {fault}") from None
    for name in (*HALL, *HERMANN_MAUGUIN):
        symbol = gemmi.cif.as_string(block.find_value(name) or "")
        if not symbol or symbol in "?.":
            continue
        found = _by_hall(symbol) if name in HALL else gemmi.find_spacegroup_by_name(symbol)
        if found:
            return list(found.operations())
    raise CrystalError("a crystal needs its symmetry, found neither operations nor a space group symbol that is known")


def _by_hall(symbol: str) -> gemmi.SpaceGroup | None:
    try:
        return gemmi.find_spacegroup_by_ops(gemmi.symops_from_hall(symbol))
    except (ValueError, RuntimeError):
        return None


def expanded(sites: np.ndarray, operations: list[gemmi.Op], lattice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every image (n, 3) of every site in one cell, those on special positions once, and the site each belongs to."""
    if len(operations) == 1:
        return sites, np.arange(len(sites))
    rotations = np.array([operation.rot for operation in operations]) / gemmi.Op.DEN
    shifts = np.array([operation.tran for operation in operations]) / gemmi.Op.DEN
    positions, owners = [], []
    for owner, site in enumerate(sites):
        images = (rotations @ site + shifts) % 1.0
        kept = _distinct(images, lattice)
        positions.append(images[kept])
        owners += [owner] * int(kept.sum())
    return np.concatenate(positions), np.array(owners)


def _distinct(images: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """Which images are no repetition of an earlier one: a mask (n,)."""
    difference = images[:, None, :] - images[None, :, :]
    difference -= np.round(difference)
    near = ((difference @ lattice) ** 2).sum(axis=-1) < SMALLEST_DISTANCE**2
    return ~np.tril(near, -1).any(axis=1)
