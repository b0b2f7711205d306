"""The peer, in an environment of its own: AMD and PDD of handed-over structures. Knows nothing of Crystal Lake.

    AMD-PYTHON average_minimum_distance.py structures.npz answers.npz

Structures: lattice (m, 3, 3), positions, numbers and counts; pairs (p, 2) whose PDDs are compared. The package
`average-minimum-distance` is CC BY-NC-SA: it is measured here, and nothing depends on it.
"""

import sys
import time

import amd
import numpy as np

K = 100


def main(told: str, answers: str) -> None:
    """Write the AMDs (m, K), the distances of the pairs, and the CPU seconds that the AMDs took."""
    with np.load(told) as file:
        lattices, positions, counts, pairs = (file[name] for name in ("lattice", "positions", "counts", "pairs"))
    places = np.split(positions, np.cumsum(counts)[:-1])
    sets = [amd.PeriodicSet(place @ cell, cell) for place, cell in zip(places, lattices, strict=True)]
    amd.AMD(sets[0], K)
    began = time.process_time()
    found = np.array([amd.AMD(each, K) for each in sets])
    seconds = time.process_time() - began
    prints = {i: amd.PDD(sets[i], K) for i in np.unique(pairs)}
    apart = np.array([amd.EMD(prints[one], prints[other]) for one, other in pairs])
    np.savez(answers, amd=found, pdd=apart, seconds=seconds)


main(*sys.argv[1:])
