"""Symmetry as crystallographers write it: operations `x,y,z` or a symbol, and the sites they make of the listed ones.

What belongs here: from operations or space group symbols to every site in the cell. Where a CIF keeps them belongs to
`lake/cif.py`; finding the symmetry of a crystal that does not tell it belongs to `lake/structures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np

from lake.crystal import SMALLEST_DISTANCE
from lake.refusal import Refusal

MOST_IN_A_GROUP = 192  # operations of F m -3 m in its conventional cell; no group has more
MOST_OPERATIONS = 4 * MOST_IN_A_GROUP  # cells larger than the conventional one list more, up to here
MOST_SITES = 200_000  # in one cell; the largest measured ones have some ten thousand
SAME_METRIC = 0.01  # by which an operation may change the cell, relative, and still keep distances


@dataclass(frozen=True, eq=False)
class Operations:
    """The operations x -> rotation x + shift of a cell, in the order of their list.

    rotations: (m, 3, 3). shifts: (m, 3), in parts of the cell. earlier: (m, m) bool, or None where the list is no
    group; earlier[g, h] says that the product g h comes before g in the list.
    """

    rotations: np.ndarray
    shifts: np.ndarray
    earlier: np.ndarray | None

    def __len__(self) -> int:
        return len(self.rotations)


def operations_listed(triplets: tuple[str, ...]) -> Operations:
    """Operations written as `x,y,z`, in their order. Raises CrystalError for too many, and where one does not read."""
    if len(triplets) > MOST_OPERATIONS:
        raise Refusal.NO_SYMMETRY.told(f"a cell has at most {MOST_OPERATIONS} operations, found {len(triplets)}")
    try:
        return _operations([gemmi.Op(triplet) for triplet in triplets])
    except (ValueError, RuntimeError) as fault:
        raise Refusal.NO_SYMMETRY.told(f"symmetry operations must read as x,y,z, found {fault}") from None


@lru_cache(maxsize=512)
def operations_of_hall(symbol: str) -> Operations | None:
    """The operations of a Hall symbol in the tables; None for any other."""
    try:
        group = gemmi.find_spacegroup_by_ops(gemmi.symops_from_hall(symbol))
    except (ValueError, RuntimeError):
        return None
    return _of_group(group.hall) if group and symbol else None


def operations_of_hermann_mauguin(symbol: str, alpha: float, gamma: float) -> Operations | None:
    """The operations of a Hermann-Mauguin symbol, None for an unknown one; angles in degrees tell R 3:H from R 3:R."""
    group = gemmi.find_spacegroup_by_name(symbol, alpha, gamma)
    return _of_group(group.hall) if group and symbol else None


def expanded(
    sites: np.ndarray, operations: Operations, lattice: np.ndarray, nearest: float = SMALLEST_DISTANCE
) -> tuple[np.ndarray, np.ndarray]:
    """Every image (n, 3) of every site in one cell, those on special positions once, and the site each belongs to.

    An image nearer to an earlier one than `nearest`, by default than two atoms can be, is that one again. Raises
    CrystalError for too many.
    """
    if len(operations) == 1:
        return sites, np.arange(len(sites))
    if len(sites) * len(operations) > MOST_SITES:
        raise Refusal.TOO_LARGE.told(
            f"a cell has at most {MOST_SITES:,} sites, found {len(sites):,} and {len(operations)} operations"
        )
    images = (np.tensordot(sites, operations.rotations, axes=(1, 2)) + operations.shifts) % 1.0
    if operations.earlier is not None and _keep_distances(operations.rotations, lattice):
        fixes = _near(images - sites[:, None, :], lattice, nearest)
        repeated = fixes.astype(np.float32) @ operations.earlier.T.astype(np.float32) > 0
    else:
        repeated = np.array([_repeated(of_one, lattice, nearest) for of_one in images])
    return images[~repeated], np.nonzero(~repeated)[0]


@lru_cache(maxsize=512)
def _of_group(hall: str) -> Operations:
    return _operations(list(gemmi.symops_from_hall(hall)))


def _operations(listed: list[gemmi.Op]) -> Operations:
    rotations = np.array([operation.rot for operation in listed])
    shifts = np.array([operation.tran for operation in listed])
    return Operations(rotations / gemmi.Op.DEN, shifts / gemmi.Op.DEN, _earlier(rotations, shifts))


def _earlier(rotations: np.ndarray, shifts: np.ndarray) -> np.ndarray | None:
    """Operations.earlier, from rotations and shifts in parts of gemmi.Op.DEN."""
    if len(rotations) > MOST_IN_A_GROUP or (rotations % gemmi.Op.DEN).any() or (abs(rotations) > gemmi.Op.DEN).any():
        return None
    rotations = rotations // gemmi.Op.DEN
    names = _names(rotations, shifts)
    order = np.argsort(names)
    moved = (rotations[:, None] @ shifts[None, :, :, None])[..., 0]
    products = _names(rotations[:, None] @ rotations[None, :], moved + shifts[:, None])
    places = np.searchsorted(names[order], products).clip(max=len(names) - 1)
    is_group = len(np.unique(names)) == len(names) and (names[order][places] == products).all()
    return order[places] < np.arange(len(names))[:, None] if is_group else None


def _names(rotations: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """One integer per operation, the same for the same one: entries of -3..3 and shifts of whole cells aside."""
    digits = (rotations.reshape(*rotations.shape[:-2], 9) + 3) @ 7 ** np.arange(9)
    return digits * gemmi.Op.DEN**3 + shifts % gemmi.Op.DEN @ gemmi.Op.DEN ** np.arange(3)


def _keep_distances(rotations: np.ndarray, lattice: np.ndarray) -> bool:
    """Whether every operation turns the cell into itself; where it does not, the CIF is at odds with itself."""
    metric = lattice @ lattice.T
    lengths = np.sqrt(np.diag(metric))
    change = rotations.transpose(0, 2, 1) @ metric @ rotations - metric
    return bool((abs(change) <= SAME_METRIC * np.outer(lengths, lengths)).all())


def _near(difference: np.ndarray, lattice: np.ndarray, nearest: float) -> np.ndarray:
    """Which fractional differences (..., 3) are shorter than that, in A."""
    cartesian = (difference - np.round(difference)) @ lattice
    return np.einsum("...i,...i->...", cartesian, cartesian) < nearest**2


def _repeated(images: np.ndarray, lattice: np.ndarray, nearest: float) -> np.ndarray:
    """Which images of one site repeat an earlier one: a mask (m,)."""
    return np.tril(_near(images[:, None, :] - images[None, :, :], lattice, nearest), -1).any(axis=1)
