"""Folded graphs: atoms that no network of messages can tell apart stand in it once, with how many they are.

What belongs here: which atoms are alike, and the smaller graph. Two atoms are alike where they are of one element and
have alike neighbours at equal distances, over and over (colour refinement; Weisfeiler and Leman, 1968): atoms that a
symmetry of the crystal exchanges always are. Edges to atoms that are alike become one, with the sum of their weights.
A network that counts atoms by `times` and edges by `weight`, in its sums and its normalisations, says of the folded
graph what it says of the whole one, and a supercell costs what its primitive cell costs. Distances are equal up to
SAME, ten times the grain of float32 distances; of equal ones the mean is kept.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from lake.graphs.arrays import Graphs

SAME = 1e-5  # A; part of `build.VERSION`


def fold(graphs: Graphs) -> Graphs:
    """These graphs, each folded, in the same order; distances of a shell are the same number."""
    return Graphs(*_fold(graphs.numbers, graphs.offsets, graphs.starts, graphs.index, graphs.distance, graphs.weight))


@njit(cache=True)
def _fold(numbers, offsets, starts, index, distance, weight):
    atoms, edges, graphs = len(numbers), len(index), len(offsets) - 1
    numbers_out, times_out, starts_out = (
        np.empty(atoms, np.uint8),
        np.empty(atoms, np.float32),
        np.zeros(atoms + 1, np.int64),
    )
    index_out, distance_out, weight_out = (
        np.empty(edges, np.int32),
        np.empty(edges, np.float32),
        np.empty(edges, np.float32),
    )
    offsets_out = np.zeros(graphs + 1, np.int64)
    kept, written = 0, 0
    for g in range(graphs):
        a, b = offsets[g], offsets[g + 1]
        low, high = starts[a], starts[b]
        shell, mean = _shells(distance[low:high])
        colour, count = _colours(numbers[a:b], starts[a : b + 1] - low, index[low:high], shell, weight[low:high])
        times = np.zeros(count, np.float32)
        for atom in range(b - a):
            times[colour[atom]] += 1
        found = 0
        for atom in range(b - a):
            if colour[atom] < found:
                continue
            found += 1  # colours are numbered by first appearance, so this atom speaks for its own
            numbers_out[kept], times_out[kept] = numbers[a + atom], times[colour[atom]]
            begin = written
            for edge in range(starts[a + atom], starts[a + atom + 1]):
                length, to = mean[shell[edge - low]], colour[index[edge]]
                place = written
                while place > begin and distance_out[place - 1] == length:
                    place -= 1
                    if index_out[place] == to:
                        weight_out[place] += weight[edge]
                        break
                else:
                    index_out[written], distance_out[written], weight_out[written] = to, length, weight[edge]
                    written += 1
            kept += 1
            starts_out[kept] = written
        offsets_out[g + 1] = kept
    return (
        numbers_out[:kept].copy(), offsets_out, starts_out[: kept + 1].copy(), index_out[:written].copy(),
        distance_out[:written].copy(), weight_out[:written].copy(), times_out[:kept].copy(),
    )  # fmt: skip


@njit(cache=True)
def _shells(distance):
    """Which distances are equal: a number for each edge, and the mean of each, float32."""
    edges = len(distance)
    order, shell, mean = np.argsort(distance), np.empty(edges, np.int64), np.empty(edges, np.float32)
    count, at = 0, 0
    while at < edges:
        first, total, behind = distance[order[at]], 0.0, at
        while behind < edges:
            here = distance[order[behind]]
            if here - first > 2 * SAME or (behind > at and here - distance[order[behind - 1]] > SAME):
                break
            shell[order[behind]] = count
            total += here - first
            behind += 1
        mean[count] = first + total / (behind - at)
        count, at = count + 1, behind
    return shell, mean


@njit(cache=True)
def _colours(numbers, starts, index, shell, weight):
    """Which atoms are alike: a number for each, by first appearance, and how many numbers there are."""
    n = len(numbers)
    colour, count = _renumbered(numbers.astype(np.uint64))
    seen = np.empty(n, np.uint64)
    while True:
        for atom in range(n):
            total = _mixed(np.uint64(colour[atom]))
            for edge in range(starts[atom], starts[atom + 1]):
                told = np.uint64(colour[index[edge]]) + (np.uint64(shell[edge]) << np.uint64(20))
                share = np.uint64(weight[edge] * np.float32(1 << 20))
                total += _mixed(_mixed(told + np.uint64(1 << 50)) + share)
            seen[atom] = total
        colour, more = _renumbered(seen)
        if more == count:
            return colour, count
        count = more


@njit(cache=True)
def _renumbered(values):
    """Numbers by first appearance: (n,) int64, and how many there are."""
    n = len(values)
    order, number = np.argsort(values, kind="mergesort"), np.empty(n, np.int64)
    first = np.empty(n, np.int64)  # of each atom's equals, the one that comes first
    for place in range(n):
        same = place > 0 and values[order[place]] == values[order[place - 1]]
        first[order[place]] = first[order[place - 1]] if same else order[place]
    count = 0
    for atom in range(n):
        if first[atom] == atom:
            number[atom] = count
            count += 1
        else:
            number[atom] = number[first[atom]]
    return number, count


@njit(cache=True)
def _mixed(x):
    """Sixty-four bits, well stirred (splitmix64's finaliser; Steele, Lea and Flood, OOPSLA 2014)."""
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
