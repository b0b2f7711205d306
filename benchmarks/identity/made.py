"""Made duplicates: one crystal, written or relaxed differently, by a known transformation of a known size.

What belongs here: the transformations of the definition (docs/identity.md), exact ones and those with a tolerance, and
the swap of two elements that makes a stranger. Each takes a crystal and a random generator and gives another crystal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.spatial.transform import Rotation

from lake.crystal import Crystal

Change = Callable[[Crystal, np.random.Generator], Crystal]


def rotated(told: Crystal, rng: np.random.Generator) -> Crystal:
    """Turned as a whole, any way."""
    return Crystal(told.lattice @ Rotation.random(rng=rng).as_matrix(), told.positions, told.numbers)


def shifted(told: Crystal, rng: np.random.Generator) -> Crystal:
    """Another origin."""
    return Crystal(told.lattice, told.positions + rng.random(3), told.numbers)


def shuffled(told: Crystal, rng: np.random.Generator) -> Crystal:
    """Its sites in another order."""
    order = rng.permutation(len(told))
    return Crystal(told.lattice, told.positions[order], told.numbers[order])


def recut(told: Crystal, rng: np.random.Generator) -> Crystal:
    """Another cell of the same volume, skewed as it comes."""
    while True:
        cut = rng.integers(-1, 2, (3, 3))
        if abs(round(np.linalg.det(cut))) == 1:
            return _cut(told, cut)


def supercell(told: Crystal, times: tuple[int, int, int]) -> Crystal:
    """So many cells along each vector."""
    return _cut(told, np.diag(times))


def niggli(told: Crystal, rng: np.random.Generator) -> Crystal:
    """In its Niggli reduced cell."""
    from moyopy import niggli_reduce

    lattice = np.array(niggli_reduce(told.lattice.tolist())[0])
    return Crystal(lattice, told.positions @ told.lattice @ np.linalg.inv(lattice), told.numbers)


def conventional(told: Crystal, rng: np.random.Generator) -> Crystal:
    """In its conventional standard cell, as moyo finds it at 1e-4 A; not idealised by more than that."""
    return _standard(told, primitive=False)


def primitive(told: Crystal, rng: np.random.Generator) -> Crystal:
    """In its primitive standard cell, as moyo finds it at 1e-4 A; not idealised by more than that."""
    return _standard(told, primitive=True)


def scaled(told: Crystal, by: float) -> Crystal:
    """All lengths times 1 + by."""
    return Crystal(told.lattice * (1 + by), told.positions, told.numbers)


def strained(told: Crystal, by: float, rng: np.random.Generator) -> Crystal:
    """Longer by this part along one random direction, and no wider across it."""
    along = rng.normal(size=3)
    along /= np.linalg.norm(along)
    return Crystal(told.lattice @ (np.eye(3) + by * np.outer(along, along)), told.positions, told.numbers)


def displaced(told: Crystal, length: float, rng: np.random.Generator) -> Crystal:
    """Every atom moved by this length, in A, each in a random direction of its own."""
    steps = rng.normal(size=(len(told), 3))
    steps *= length / np.linalg.norm(steps, axis=1, keepdims=True)
    return Crystal(told.lattice, told.positions + steps @ np.linalg.inv(told.lattice), told.numbers)


def swapped(told: Crystal, rng: np.random.Generator) -> Crystal | None:
    """Two elements of equal counts exchanged, so that the formula stays; None where no two elements are as many.

    It may be the same crystal (rock salt): who asks must find out.
    """
    elements, counts = np.unique(told.numbers, return_counts=True)
    pairs = [
        (one, other)
        for i, one in enumerate(elements)
        for j, other in enumerate(elements)
        if i < j and counts[i] == counts[j]
    ]
    if not pairs:
        return None
    one, other = pairs[rng.integers(len(pairs))]
    numbers = np.where(told.numbers == one, other, np.where(told.numbers == other, one, told.numbers))
    return Crystal(told.lattice, told.positions, numbers)


def anyhow(told: Crystal, rng: np.random.Generator) -> Crystal:
    """Rotated, shifted, shuffled and recut at once: what costs no tolerance."""
    for change in (recut, rotated, shifted, shuffled):
        told = change(told, rng)
    return told


# What changes nothing about the crystal
EXACT: Mapping[str, Change] = {
    "rotation": rotated,
    "shift of the origin": shifted,
    "order of sites": shuffled,
    "another cell": recut,
    "Niggli cell": niggli,
    "conventional cell": conventional,
    "primitive cell": primitive,
    "supercell 2x1x1": lambda told, rng: supercell(told, (2, 1, 1)),
    "supercell 1x2x2": lambda told, rng: supercell(told, (1, 2, 2)),
    "supercell 2x2x2": lambda told, rng: supercell(told, (2, 2, 2)),
    "all of these": lambda told, rng: anyhow(supercell(told, (1, 1, 2)), rng),
}
NOISE = (0.003, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1)  # A
# What the definition tolerates, and beyond
TOLERATED: Mapping[str, Change] = {
    **{f"scaled by {by:+.0%}": lambda told, rng, by=by: scaled(told, by) for by in (-0.03, -0.01, 0.01, 0.02, 0.03)},
    **{f"strained by {by:+.0%}": lambda told, rng, by=by: strained(told, by, rng) for by in (-0.02, 0.01, 0.02)},
    **{f"noise {size} A": lambda told, rng, size=size: displaced(told, size, rng) for size in NOISE},
}
COMBINED: Mapping[str, Change] = {
    "scaled 2 %, strained 1 %, noise 0.02 A, another cell": lambda told, rng: anyhow(
        displaced(strained(scaled(told, 0.02), 0.01, rng), 0.02, rng), rng
    ),
    "scaled 3 %, strained 2 %, noise 0.03 A, another cell": lambda told, rng: anyhow(
        displaced(strained(scaled(told, 0.03), 0.02, rng), 0.03, rng), rng
    ),
    "supercell 2x1x1, noise 0.03 A, another cell": lambda told, rng: anyhow(
        displaced(supercell(told, (2, 1, 1)), 0.03, rng), rng
    ),
    "supercell 2x2x2, noise 0.03 A": lambda told, rng: displaced(supercell(told, (2, 2, 2)), 0.03, rng),
    "supercell 1x1x2, scaled 3 %, strained 2 %, noise 0.03 A, another cell": lambda told, rng: anyhow(
        displaced(strained(scaled(supercell(told, (1, 1, 2)), 0.03), 0.02, rng), 0.03, rng), rng
    ),
}


def _cut(told: Crystal, cut: np.ndarray) -> Crystal:
    """The crystal in the cell whose vectors are `cut` times the old ones; every lattice point inside it once."""
    cut = np.asarray(cut)
    times = abs(round(np.linalg.det(cut)))
    lattice = cut @ told.lattice
    if times == 1:
        return Crystal(lattice, told.positions @ np.linalg.inv(cut), told.numbers)
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) @ cut
    ranges = [np.arange(low, high + 1) for low, high in zip(corners.min(0), corners.max(0), strict=True)]
    points = np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, 3)
    inside = points @ np.linalg.inv(cut)
    points = points[((inside > -1e-9) & (inside < 1 - 1e-9)).all(1)]
    places = (told.positions[None] + points[:, None]).reshape(-1, 3) @ np.linalg.inv(cut)
    return Crystal(lattice, places, np.tile(told.numbers, times))


def _standard(told: Crystal, primitive: bool) -> Crystal:
    import moyopy

    cell = moyopy.Cell(told.lattice.tolist(), told.positions.tolist(), told.numbers.tolist())
    found = moyopy.MoyoDataset(cell, symprec=1e-4)
    standard = found.prim_std_cell if primitive else found.std_cell
    return Crystal(standard.basis, standard.positions, standard.numbers)
