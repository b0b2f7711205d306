"""Partners: which site of one crystal each site of another falls on, where the second is shifted.

What belongs here: that search alone. Which shifts are tried, and what follows: superpose.py, primitive.py.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def partners(xa, xb, counts, times, shift, metric, reach, steps, found, hits):
    """Give each site of b, shifted, its nearest site of a; whether all find one, each as often as it should be found.

    xa (n, 3), xb (n times, 3): fractional, in the lattice of a, both sorted by element as counts (s,) says.
    metric: (3, 3) lower triangle, the lattice as a Cholesky factor. reach: in A; must stay below half the distance of
    opposite faces of the cell, or the nearest image may be missed.
    Fills steps (n times, 3), from partner to site, and found (n times,), the partners; hits (n,) is room for counting.
    """
    hits[:] = 0
    start = 0
    limit = reach * reach
    for s in range(len(counts)):
        stop = start + counts[s]
        for site in range(start * times, stop * times):
            u, v, w = xb[site, 0] + shift[0], xb[site, 1] + shift[1], xb[site, 2] + shift[2]
            nearest, chosen = limit, -1
            for partner in range(start, stop):
                du, dv, dw = u - xa[partner, 0], v - xa[partner, 1], w - xa[partner, 2]
                du, dv, dw = du - np.rint(du), dv - np.rint(dv), dw - np.rint(dw)
                x = du * metric[0, 0]  # the metric is a lower triangle
                x += dv * metric[1, 0] + dw * metric[2, 0]
                y = dv * metric[1, 1] + dw * metric[2, 1]
                z = dw * metric[2, 2]
                squared = x * x + y * y + z * z
                if squared < nearest:
                    nearest, chosen = squared, partner
                    steps[site, 0], steps[site, 1], steps[site, 2] = du, dv, dw
            if chosen < 0:
                return False
            found[site] = chosen
            hits[chosen] += 1
            if hits[chosen] > times:
                return False
        start = stop
    return True
