"""A pair of crystals as a picture: one laid over the other, and beside it how far their neighbours are.

What belongs here: one panel, and a sheet of panels. Which pairs are worth one: disagreements.py.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import moyopy
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from lake.crystal import SYMBOLS, Crystal
from lake.figures.style import GRID, INK, MUTED, drawn
from lake.structures import fingerprint as fp
from lake.structures.canonical import SYMPREC
from lake.structures.cell import Cell
from lake.structures.compare import EVEN, Candidate
from lake.structures.superpose import overlay

ENLARGED, LESS = 5, 2  # times; a displacement of 0.05 A is drawn as a quarter of an angstrom
WIDELY = 0.04, 0.1  # strain and displacement (A) from which on differences are enlarged less
COLOURS = ("#0a6aa1", "#d9822b", "#8f3f97", "#4f7d2f", "#7a5c48", "#55656f")  # of a panel's elements
FIRST, SECOND = "#17252f", "#c4262e"
CRYSTAL = 2.25  # inches, the height of a picture and what parts it from the next
THIN = 4  # a cell so many times as long as high is drawn three times
BOND = 1.12
FROM_ABOVE = 12  # degrees; a view straight along a row of atoms would show one of them


class Panel(NamedTuple):
    """What one picture shows. title: bold; lines: below it."""

    one: Candidate
    other: Candidate
    title: str
    lines: tuple[str, ...]


class Laid(NamedTuple):
    """Two crystals in one setting: row i of either is one atom, vector i of either is one vector.

    lattices: (2, 3, 3) in A, brought to the first one's volume per atom, in one orientation. places: (2, n, 3)
    fractional. numbers: (n,) atomic numbers.
    """

    lattices: np.ndarray
    places: np.ndarray
    numbers: np.ndarray

    @property
    def stretches(self) -> np.ndarray:
        """Principal stretches from the first to the second, as logarithms, ascending; volumes made equal."""
        deformation = np.linalg.solve(self.lattices[0], self.lattices[1])
        return np.log(np.linalg.eigvalsh(deformation @ deformation.T)) / 2


def laid(one: Candidate, other: Candidate) -> Laid | None:
    """A superposition as places of atoms; None where there is none.

    `compare.superposition` measures the same; where copies in both crystals differ, it tries a second pair of cells.
    """
    even, rough = sorted((one, other), key=lambda candidate: candidate.folded.spread)
    cells = even.folded.cell, rough.folded.cell if rough.folded.spread <= EVEN else rough.whole
    found = overlay(*cells)
    if found is None:
        return None
    small, large = (cells[1], cells[0]) if found.larger == 0 else cells
    reference = found.mapping @ small.lattice
    turned = large.lattice @ _rotation(reference, large.lattice)
    places, partners = large.fractional, _partners(found.mapping, found.shift, small, large)
    first_is_large = (even is one) == (found.larger == 0)
    lattices = [turned, reference] if first_is_large else [reference, turned]
    both = [places, partners] if first_is_large else [partners, places]
    lattices[1] = lattices[1] * np.cbrt(abs(np.linalg.det(lattices[0]) / np.linalg.det(lattices[1])))
    numbers = np.repeat(large.elements, large.counts)
    return Laid(np.array(lattices), np.array(both), numbers)


def _rotation(reference: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """The rotation or reflection after which only a symmetric stretch is left between both lattices."""
    left, _, right = np.linalg.svd(np.linalg.solve(reference, lattice))
    return (left @ right).T


def _partners(mapping: np.ndarray, shift: np.ndarray, small: Cell, large: Cell) -> np.ndarray:
    """For each site of the larger cell the nearest of its element in the smaller one, in the larger one's vectors."""
    metric = small.lattice
    found = np.empty_like(large.fractional)
    start_small = start_large = 0
    for few, many in zip(small.counts, large.counts, strict=True):
        theirs = small.fractional[start_small : start_small + few]
        for i in range(start_large, start_large + many):
            at = large.fractional[i] @ mapping + shift
            steps = theirs - at
            steps -= np.rint(steps)
            nearest = steps[np.argmin(((steps @ metric) ** 2).sum(1))]
            found[i] = large.fractional[i] + nearest @ np.linalg.inv(mapping)
        start_small, start_large = start_small + few, start_large + many
    return found


@drawn
def sheet(title: str, panels: list[Panel], columns: int = 2) -> Figure:
    """Panels row by row, two pictures each."""
    rows = math.ceil(len(panels) / columns)
    caption = 0.42 + 0.135 * max(len(panel.lines) for panel in panels)
    row = caption + CRYSTAL
    figure = Figure(figsize=(5.3 * columns, 0.95 + row * rows))
    top = 1 - 0.85 / figure.get_figheight()
    figure.text(0.012, 1 - 0.1 / figure.get_figheight(), title, va="top", fontsize=12.5, fontweight="bold")
    figure.text(
        0.012, 1 - 0.36 / figure.get_figheight(),
        "Discs and dark lines: the first. Rings and red lines: the second, laid over it and brought to its volume; "
        "what still differs is drawn enlarged, as stands there.\nCurves: distance to the k-th neighbour, of those "
        "elements and that eighth of the atoms that differ most; grey: what the definition can bring about.",
        va="top", fontsize=7.2, color=MUTED, linespacing=1.35,
    )  # fmt: skip
    bottom = 0.3 / figure.get_figheight()
    grid = figure.add_gridspec(rows, columns, left=0.012, right=0.985, top=top, bottom=bottom, hspace=0.12, wspace=0.06)
    for panel, cell in zip(panels, grid, strict=False):
        inner = cell.subgridspec(
            2, 3, height_ratios=(caption, CRYSTAL - 0.3), width_ratios=(0.1, 1.45, 1), hspace=0.0, wspace=0.14
        )
        words = figure.add_subplot(inner[0, :])
        words.axis("off")
        look = {"va": "top", "transform": words.transAxes}
        words.text(0, 1, panel.title, fontsize=9, fontweight="bold", **look)
        words.text(0, 1 - 0.2 / caption, "\n".join(panel.lines), fontsize=7.2, linespacing=1.3, **look)
        times = _crystals(figure, inner[1, 1], panel)
        _key(figure.add_subplot(inner[1, 0]), _colours(panel.one.crystal.numbers), times)
        curves(figure.add_subplot(inner[1, 2]), panel.one, panel.other)
    return figure


def _key(axes: Axes, colour: dict[int, str], times: int) -> None:
    axes.axis("off")
    for row, (number, ink) in enumerate(colour.items()):
        axes.text(0, 0.96 - 0.1 * row, SYMBOLS[number], color=ink, fontsize=8, fontweight="bold", va="top",
                  transform=axes.transAxes)  # fmt: skip
    if times > 1:
        axes.text(0, 0.02, f"× {times}", color=SECOND, fontsize=8, transform=axes.transAxes)


def _crystals(figure: Figure, place: SubplotSpec, panel: Panel) -> int:
    """Draws both; returns how many times what differs is enlarged."""
    both = laid(panel.one, panel.other)
    if both is not None:
        return over(figure.add_subplot(place), both, scaled=panel.other.volume_per_atom / panel.one.volume_per_atom)
    halves = place.subgridspec(2, 1, hspace=0.05)
    axes = [figure.add_subplot(half) for half in halves]
    for one, candidate, ink in zip(axes, (panel.one, panel.other), (FIRST, SECOND), strict=True):
        alone(one, candidate.crystal, ink)
    for limits in ("xlim", "ylim"):  # one length is one length in both
        widest = max(np.ptp(getattr(one, f"get_{limits}")()) for one in axes) / 2
        for one in axes:
            getattr(one, f"set_{limits}")(-widest, widest)
    return 1


def over(axes: Axes, both: Laid, scaled: float) -> int:
    """One crystal over the other; returns how many times what differs is enlarged.

    scaled: volume of the second over that of the first.
    Differences are enlarged about the middle of the cell. Uniform scaling is drawn only where nothing else differs.
    """
    first, second = both.lattices
    origin = both.places[0][0]
    stretch, steps = np.abs(both.stretches).max(), both.places[1] - both.places[0]
    moved = np.linalg.norm(steps @ first, axis=1).max()
    if max(stretch, moved) < 1e-3:
        second = second * np.cbrt(scaled)
    times = LESS if stretch > WIDELY[0] or moved > WIDELY[1] else ENLARGED
    second = first + times * (second - first)
    steps = times * steps
    right, up, inward = _view(first, second, steps)
    centre = np.full(3, 0.5)
    rows = []
    for i, image in _images(both.places[0] - origin):
        at = both.places[0][i] - origin + image - centre
        here, there = at @ first, (at + steps[i]) @ second
        rows.append((here @ inward, both.numbers[i], here @ right, here @ up, there @ right, there @ up))
    colour = _colours(both.numbers)
    for lattice, ink in ((first, FIRST), (second, SECOND)):
        _outline(axes, lattice, right, up, ink)
    size = _size(len(rows))
    for _, number, x, y, u, v in sorted(rows, key=lambda row: row[0]):
        axes.scatter([x], [y], s=size, color=colour[number], alpha=0.85, linewidths=0, zorder=3)
        if math.hypot(u - x, v - y) > 0.02:
            axes.plot([x, u], [y, v], color=SECOND, linewidth=0.8, zorder=4)
        axes.scatter([u], [v], s=size * 1.25, facecolors="none", edgecolors=SECOND, linewidths=0.8, zorder=5)
    _finish(axes)
    return times


def alone(axes: Axes, crystal: Crystal, ink: str) -> None:
    """One crystal in its standard cell, where the other cannot be laid over it."""
    crystal = standard(crystal)
    places = crystal.positions - np.floor(crystal.positions + 1e-6)
    axis = int(np.argmin(np.linalg.norm(crystal.lattice, axis=1)))
    right, up, inward = _seen_along(crystal.lattice, axis, 0)
    lengths = np.linalg.norm(crystal.lattice, axis=1)
    middle = int(np.argsort(lengths, kind="stable")[1])
    copies = (-1, 0, 1) if lengths.max() > THIN * lengths[middle] else (0,)
    indices, images = zip(*_images(places), strict=True)
    at = (places[list(indices)] + np.array(images) - 0.5) @ crystal.lattice
    at = np.concatenate([at + copy * crystal.lattice[middle] for copy in copies])
    numbers = np.tile(crystal.numbers[list(indices)], len(copies))
    _outline(axes, crystal.lattice, right, up, ink)
    _bonds(axes, at, right, up)
    colour, size = _colours(crystal.numbers), float(np.clip(1500 / len(at), 18, 110))
    for place, number in sorted(
        zip(at.tolist(), numbers.tolist(), strict=True), key=lambda atom: np.dot(atom[0], inward)
    ):
        look = {"color": colour[number], "edgecolors": "white", "linewidths": 0.4, "zorder": 3}
        axes.scatter([np.dot(place, right)], [np.dot(place, up)], s=size, **look)
    _finish(axes)


def _bonds(axes: Axes, at: np.ndarray, right: np.ndarray, up: np.ndarray) -> None:
    """Between atoms that are hardly farther apart than the nearest two."""
    apart = np.linalg.norm(at[:, None] - at, axis=2)
    for i, j in np.argwhere(np.triu(apart < BOND * apart[apart > 0.1].min(), 1)):
        ends = at[[i, j]]
        axes.plot(ends @ right, ends @ up, color=MUTED, linewidth=0.6, zorder=2)


def standard(crystal: Crystal) -> Crystal:
    """In the standard cell of its space group."""
    cell = moyopy.Cell(crystal.lattice.tolist(), crystal.positions.tolist(), crystal.numbers.tolist())
    found = moyopy.MoyoDataset(cell, symprec=SYMPREC).std_cell
    return Crystal(found.basis, found.positions, found.numbers)


def _view(first: np.ndarray, second: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, up and inward, unit vectors: along the cell vector across which most of the difference is seen.

    Tilted a little, so that atoms in one row are told apart.
    """
    corners = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
    differences = np.concatenate([corners @ (second - first), steps @ first, 1e-3 * corners @ first])
    best, most = 0, -1.0
    for axis in range(3):
        along = first[axis] / np.linalg.norm(first[axis])
        seen = (differences**2).sum() - ((differences @ along) ** 2).sum()
        if seen > most * (1 + 1e-6):
            best, most = axis, seen
    return _seen_along(first, best)


def _seen_along(
    lattice: np.ndarray, axis: int, degrees: float = FROM_ABOVE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, up and inward: nearly along this vector, the longer one of the other two to the right."""
    inward = lattice[axis] / np.linalg.norm(lattice[axis])
    right = max((lattice[i] for i in range(3) if i != axis), key=np.linalg.norm)
    right = right - (right @ inward) * inward
    right /= np.linalg.norm(right)
    up = np.cross(inward, right)
    turn = math.radians(degrees)
    tilted = inward * math.cos(turn) + (0.8 * up + 0.6 * right) * math.sin(turn)
    right = right - (right @ tilted) * tilted
    right /= np.linalg.norm(right)
    return right, np.cross(tilted, right), tilted


def _images(places: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Every atom in the cell, and its images on the cell's far faces."""
    for i, place in enumerate(places):
        home = -np.floor(place + 0.02)
        for image in itertools.product((0, 1), repeat=3):
            if (place + home + image <= 1.02).all():
                yield i, home + image


def _colours(numbers: np.ndarray) -> dict[int, str]:
    ordered = dict.fromkeys(sorted(numbers.tolist()))
    return dict(zip(ordered, itertools.cycle(COLOURS), strict=False))


def _outline(axes: Axes, lattice: np.ndarray, right: np.ndarray, up: np.ndarray, ink: str) -> None:
    for corner in itertools.product((0, 1), repeat=3):
        for axis in range(3):
            if not corner[axis]:
                ends = np.array([corner, corner]) - 0.5
                ends[1, axis] += 1
                ends = ends @ lattice
                axes.plot(ends @ right, ends @ up, color=ink, linewidth=0.9, alpha=0.75, zorder=2)


def _size(atoms: int) -> float:
    """Area of a disc in points^2: smaller where the picture holds many atoms."""
    return float(np.clip(2600 / atoms, 14, 110))


def _finish(axes: Axes) -> None:
    axes.set_aspect("equal", adjustable="box", anchor="C")
    axes.margins(0.09)
    axes.axis("off")


def curves(axes: Axes, one: Candidate, other: Candidate) -> None:
    """Distances to neighbours of both, in A of the first one's volume, where they differ most."""
    first, second = one.fingerprint, other.fingerprint
    unit = first[0]
    shift = 2 * fp.DISPLACEMENT * fp.STRETCH / min(first[0], second[0])
    nearer = np.minimum(first[1:], second[1:])
    apart = np.abs(first[1:] - second[1:]) / ((fp.STRETCH - 1) * nearer + shift)
    row, worst = divmod(int(apart.argmax()), fp.K)
    elements = np.unique(one.crystal.numbers)
    centre, neighbour, part = np.unravel_index(row, (len(elements), len(elements), fp.PARTS))
    x = first[1:].reshape(-1, fp.K)[row]
    y = second[1:].reshape(-1, fp.K)[row]
    k = np.arange(1, fp.K + 1)
    axes.fill_between(k, unit * (x - shift) / fp.STRETCH, unit * (x * fp.STRETCH + shift), color=GRID, linewidth=0)
    axes.plot(k, unit * x, color=FIRST, linewidth=1.1)
    axes.plot(k, unit * y, color=SECOND, linewidth=1.1, linestyle=(0, (3, 1.5)))
    axes.plot([k[worst]], [unit * y[worst]], "o", markersize=4, markerfacecolor="none", color=SECOND)
    axes.set_title(
        f"{SYMBOLS[elements[centre]]} to {SYMBOLS[elements[neighbour]]}: {apart.max():.2f}", fontsize=8, color=INK,
        fontweight="normal",
    )  # fmt: skip
    axes.set_xticks([1, 8, 16, 24])
    axes.tick_params(labelsize=6.5, length=2, pad=2)
    axes.set_ylabel("Å", fontsize=7, labelpad=1)
    axes.text(0.97, 0.04, f"eighth {part + 1} of 8", transform=axes.transAxes, ha="right", fontsize=6.5, color=MUTED)
