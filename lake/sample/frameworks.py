"""Predicted frameworks for PCOD: silica and AlPO4 on four-connected nets.

What belongs here: nets, their decoration (a tetrahedral atom on each vertex, an oxygen on each edge), and the
geometry model that gives them bond lengths. It has the spirit of GRINSP, which predicted PCOD's zeolites: known
distances are the whole cost function, and no energy is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lake.crystal import NUMBER, Crystal
from lake.sample.prototypes import orbit

BRIDGE = {"Si": 1.61, "Ge": 1.74, "Al": 1.74, "P": 1.53}  # A, distance to oxygen

NEIGHBOURS = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)  # cells around one


@dataclass(frozen=True, eq=False)
class Framework:
    """One predicted framework; `name` is its truth, `net` the four-connected net it decorates."""

    name: str
    net: str
    crystal: Crystal


@dataclass(frozen=True, eq=False)
class Net:
    """A four-connected net with edges of mean length 1: vertices in a cell, and which of two colours each has.

    All colours are 0 where the net has a ring of odd length, or where its colouring is not given here.
    """

    lattice: np.ndarray
    vertices: np.ndarray
    colours: np.ndarray


@lru_cache(maxsize=1)
def frameworks() -> list[Framework]:
    """Every framework of the sample, silica first."""
    silica = [(name, net, ("Si", "Si")) for name, net in _nets().items()]
    two_coloured = [(name, net) for name, net in _nets().items() if net.colours.any()]
    mixed = [(name, net, pair) for pair in (("Al", "P"), ("Si", "Ge")) for name, net in two_coloured]
    return [_framework(name, net, pair) for name, net, pair in silica + mixed]


def _nets() -> dict[str, Net]:
    stacked = {f"stacking {layers}": _stacked(layers) for layers in ("AB", "ABC", "ABAC", "ABCAB", "ABCACB")}
    return stacked | {
        # zeolite codes; vertices of the highest symmetry
        "SOD": _from_orbits(229, (1, 1, 1), [(0.25, 0.5, 0.0)], split=218, halves=[(0.25, 0.5, 0.0), (0.25, 0.0, 0.5)]),
        "ACO": _from_orbits(229, (1, 1, 1), [(0.157, 0.157, 0.157)]),
        "LTA": _from_orbits(221, (1, 1, 1), [(0.0, 0.183, 0.370)]),
        "quartz": _from_orbits(180, (1, 1, 1.09), [(0.5, 0.0, 0.0)]),
    }


def _stacked(layers: str) -> Net:
    """Tetrahedral layers over the columns A, B, C: `ABC` is the diamond net, `AB` lonsdaleite, longer ones between."""
    column = {"A": (0.0, 0.0), "B": (1 / 3, 2 / 3), "C": (2 / 3, 1 / 3)}
    lower = np.array([(*column[layer], i / len(layers)) for i, layer in enumerate(layers)])
    upper = lower + np.array([0.0, 0.0, 0.75 / len(layers)])
    side, height = np.sqrt(8 / 3), 4 / 3 * len(layers)  # for edges of length 1
    lattice = np.array([[side, 0, 0], [-side / 2, side * np.sqrt(3) / 2, 0], [0, 0, height]])
    return Net(lattice, np.vstack([lower, upper]), np.repeat([0, 1], len(layers)))


def _from_orbits(group: int, axes: tuple, points: list, split: int | None = None, halves: list | None = None) -> Net:
    """A net from one symmetric set of vertices, coloured by two sets of the subgroup `split` where one is given."""
    lattice = np.diag(axes).astype(float)
    if 143 <= group <= 194:
        lattice[1, :2] = -0.5 * axes[0], np.sqrt(3) / 2 * axes[0]
    sets = [np.array(orbit(split or group, point)) for point in (halves or points)]
    vertices, colours = np.vstack(sets), np.repeat(np.arange(len(sets)), [len(s) for s in sets])
    edge = np.sort(_distances(lattice, vertices))[: 4 * len(vertices)].mean()
    return Net(lattice / edge, vertices, colours)


def _framework(name: str, net: Net, pair: tuple[str, str]) -> Framework:
    symbols = [pair[colour] for colour in net.colours]
    crystal = _relaxed(net, symbols).checked()
    return Framework(f"framework {crystal.reduced_formula} {name}", name, crystal)


# The geometry model: bonds are springs between squared distances, so that the gradient is a few lines.


def _relaxed(net: Net, symbols: list[str]) -> Crystal:
    """Positions and cell that bring T-O bonds and O-O edges of the tetrahedra to their lengths."""
    from scipy.optimize import minimize

    edges = _edges(net)
    bonds = np.array([BRIDGE[symbol] for symbol in symbols])
    oxygens = [
        net.vertices[i] + bonds[i] / (bonds[i] + bonds[j]) * (net.vertices[j] + shift - net.vertices[i])
        for i, j, shift in edges
    ]
    first, second, shift, length = _springs(net, edges, symbols)

    def cost(packed: np.ndarray) -> tuple[float, np.ndarray]:
        lattice, fractional = packed[:9].reshape(3, 3), packed[9:].reshape(-1, 3)
        step = fractional[second] + shift - fractional[first]
        vectors = step @ lattice
        excess = (vectors**2).sum(axis=1) - length**2
        pull = 4 * excess[:, None] * vectors
        by_site = np.zeros_like(fractional)
        np.add.at(by_site, second, pull @ lattice.T)
        np.add.at(by_site, first, -pull @ lattice.T)
        return float((excess**2).sum()), np.concatenate([(step.T @ pull).ravel(), by_site.ravel()])

    # straight bridges of the right length: where the tetrahedra are regular, nothing is left to relax
    edge = np.mean([bonds[i] + bonds[j] for i, j, _ in edges])
    start = np.concatenate([(edge * net.lattice).ravel(), np.vstack([net.vertices, oxygens]).ravel()])
    found = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-10, "gtol": 1e-6})
    numbers = [NUMBER[symbol] for symbol in symbols] + [NUMBER["O"]] * len(edges)
    # rounding keeps the last bits of an optimiser out of the identity of a crystal
    return Crystal(found.x[:9].reshape(3, 3).round(5), found.x[9:].reshape(-1, 3).round(6) % 1.0, np.array(numbers))


def _edges(net: Net) -> list[tuple[int, int, np.ndarray]]:
    """Each edge once as (vertex, vertex, cell of the second): the four nearest of every vertex."""
    edges = []
    for i, vertex in enumerate(net.vertices):
        vectors = (net.vertices[None, :, :] + NEIGHBOURS[:, None, :] - vertex) @ net.lattice
        distances = np.linalg.norm(vectors, axis=-1)
        near = [(int(j), NEIGHBOURS[s]) for s, j in np.argwhere((distances > 0.1) & (distances < 1.2))]
        if len(near) != 4:
            raise ValueError(f"a four-connected net has 4 edges at every vertex, found {len(near)} at vertex {i}")
        edges += [(i, j, shift) for j, shift in near if i < j or (i == j and tuple(shift) > (0, 0, 0))]
    return edges


def _springs(net: Net, edges: list, symbols: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """T-O bonds and O-O edges of every tetrahedron: first site, second site, cell of the second, length in A."""
    around: dict[int, list[tuple[int, np.ndarray]]] = {i: [] for i in range(len(symbols))}
    for k, (i, j, shift) in enumerate(edges):
        around[i].append((len(symbols) + k, np.zeros(3)))
        around[j].append((len(symbols) + k, -shift))
    rows = []
    for vertex, oxygens in around.items():
        bond = BRIDGE[symbols[vertex]]
        rows += [(vertex, oxygen, shift, bond) for oxygen, shift in oxygens]
        for n, (one, at_one) in enumerate(oxygens):
            rows += [(one, two, at_two - at_one, bond * np.sqrt(8 / 3)) for two, at_two in oxygens[n + 1 :]]
    first, second, shifts, lengths = zip(*rows, strict=True)
    return np.array(first), np.array(second), np.array(shifts), np.array(lengths)


def _distances(lattice: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    vectors = (vertices[:, None, None, :] - vertices[None, :, None, :] + NEIGHBOURS) @ lattice
    distances = np.linalg.norm(vectors, axis=-1).ravel()
    return distances[distances > 1e-3]
