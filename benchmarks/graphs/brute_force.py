"""The referee: neighbours by looking at every image that may lie within the cutoff. Plain numpy, and slow."""

from __future__ import annotations

import itertools

import numpy as np

from lake.crystal import Crystal


def by_brute_force(crystal: Crystal, k: int, cutoff: float, tie: float) -> list[list[tuple[float, int, float]]]:
    """For each atom its (distance, atomic number, weight), sorted: up to the k-th, and the whole shell of that one."""
    volume = abs(np.linalg.det(crystal.lattice))
    faces = [np.linalg.norm(np.cross(crystal.lattice[axis - 2], crystal.lattice[axis - 1])) for axis in range(3)]
    positions = crystal.positions - np.floor(crystal.positions)
    reach = [int((cutoff + tie) * face / volume) + 1 for face in faces]  # positions are less than one cell apart
    shifts = np.array(list(itertools.product(*(range(-r, r + 1) for r in reach))))
    found = []
    for site in range(len(crystal)):
        lengths = np.linalg.norm((positions[None] + shifts[:, None] - positions[site]) @ crystal.lattice, axis=-1)
        numbers = np.broadcast_to(crystal.numbers, lengths.shape)
        own = (shifts == 0).all(axis=1)[:, None] & (np.arange(len(crystal)) == site)
        near = (lengths <= cutoff + tie) & ~own
        order = np.argsort(lengths[near])
        found.append(_weighted(lengths[near][order].tolist(), numbers[near][order].tolist(), k, tie))
    return found


def _weighted(lengths: list[float], numbers: list[int], k: int, tie: float) -> list[tuple[float, int, float]]:
    shells: list[list[int]] = []
    for place, length in enumerate(lengths):
        if shells and length - lengths[place - 1] <= tie:
            shells[-1].append(place)
        else:
            shells.append([place])
    told, room = [], k
    for shell in shells:
        weight = min(1.0, room / len(shell))
        if weight > 0:
            told += [(lengths[place], numbers[place], weight) for place in shell]
        room = max(room - len(shell), 0)
    return sorted(told)
