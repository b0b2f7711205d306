"""OPTIMADE structures, a page at a time, as flat arrays: what costs the same for one structure as for a thousand.

What belongs here: attributes as OPTIMADE defines them -> lattices, fractional positions, atomic numbers, and why a
structure has none. How pages are fetched belongs to provider.py.
Structures: https://www.optimade.org/optimade, section "Structures Entries".
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from operator import countOf
from typing import Any, NamedTuple

import numpy as np
import orjson

from lake.crystal import NUMBER, Crystal, CrystalError
from lake.sources.page import Unusable

Row = Mapping[str, Any]
_Read = tuple[int, list, Sequence[str], list, bool]  # row, cell, symbols, sites, whether the sites are fractional
FLAT = 1e-6  # A^3; a cell below it spans no volume
NUMBERS = frozenset({int, float})


@dataclass(frozen=True)
class Structures:
    """Many crystals in a few arrays.

    rows: (n,) which of the rows given each structure is. lattices: (n, 3, 3) A, rows are cell vectors.
    offsets: (n + 1,) structure k has the sites offsets[k] to offsets[k + 1] - 1.
    positions: (sites, 3) fractional. numbers: (sites,) atomic numbers.
    refused: row -> why it is no crystal (Unusable or CrystalError); every row is in `rows` or here.
    """

    rows: np.ndarray
    lattices: np.ndarray
    offsets: np.ndarray
    positions: np.ndarray
    numbers: np.ndarray
    refused: Mapping[int, Exception] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def crystal(self, k: int) -> Crystal:
        """Structure k, as views of the arrays."""
        sites = slice(self.offsets[k], self.offsets[k + 1])
        return Crystal(self.lattices[k], self.positions[sites], self.numbers[sites])


def structures_of(page: bytes, direct: str = "") -> Structures:
    """The structures on a page, from its bytes; ValueError or KeyError where it is no list of entries."""
    with collector_at_rest():
        return structures([entry["attributes"] for entry in orjson.loads(page)["data"]], direct)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """No garbage is looked for while lists of a page are made by the thousand: none of them refers back to itself."""
    worked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if worked:
            gc.enable()


def structures(rows: Iterable[Row], direct: str = "") -> Structures:
    """The structures in these attributes.

    direct: the provider's field of fractional positions, used where a row has it; else the Cartesian ones are.
    """
    refused: dict[int, Exception] = {}
    read: list[_Read] = []
    for number, row in enumerate(rows):
        try:
            read.append(_read(number, row, direct))
        except (Unusable, CrystalError) as fault:
            refused[number] = fault
        except (TypeError, AttributeError, KeyError) as fault:
            refused[number] = CrystalError(
                f"a structure's attributes must be what OPTIMADE says they are; {type(fault).__name__}: {fault}"
            )
    parts = list(_converted(read, refused)) or [_EMPTY]
    if len(parts) == 1:
        return Structures(*parts[0], refused)
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    rows_, lattices, positions, numbers = (
        np.concatenate([part[k] for part in parts]) for k in (0, 1, 3, 4)
    )  # fmt: skip
    return Structures(rows_, lattices, _offsets(counts), positions, numbers, refused)


class _Arrays(NamedTuple):
    rows: np.ndarray
    lattices: np.ndarray
    offsets: np.ndarray
    positions: np.ndarray
    numbers: np.ndarray


_EMPTY = _Arrays(np.empty(0, int), np.empty((0, 3, 3)), np.zeros(1, int), np.empty((0, 3)), np.empty(0, int))


def _read(number: int, row: Row, direct: str) -> _Read:
    lattice, symbols = row.get("lattice_vectors"), row.get("species_at_sites")
    fractional = row.get(direct) if direct else None
    sites = fractional or row.get("cartesian_site_positions")
    if not (lattice and symbols and sites):
        raise Unusable(f"a structure needs cell vectors, positions and species; {_absent(row)}")
    if row.get("nperiodic_dimensions", 3) not in (3, None) or None in lattice:
        raise Unusable("a crystal repeats in three directions, found fewer: a slab, a wire or a molecule")
    if len(symbols) != len(sites):
        raise CrystalError(
            f"every site needs one position and one element, found {len(sites)} positions and {len(symbols)} elements"
        )
    species = row.get("species")
    return number, lattice, _elements(species, symbols) if species else symbols, sites, bool(fractional)


def _absent(row: Row) -> str:
    """null is not the same as missing: one is the provider's answer, the other was never asked for or told."""
    wanted = ("lattice_vectors", "species_at_sites", "cartesian_site_positions")
    words = {name: "lacks" if name not in row else f"has {row[name]!r:.20} as" for name in wanted if not row.get(name)}
    return "the row " + ", ".join(f"{word} {name}" for name, word in words.items())


def _elements(species: Sequence[Row], names: Sequence[str]) -> Sequence[str]:
    """Element symbols for species names, which may be labels (`Ti1_2_555`); CrystalError for mixtures and vacancies."""
    elements, mixed = {}, []
    for one in species:
        symbols, shares = one["chemical_symbols"], one.get("concentration")
        if len(symbols) == 1 and (not shares or shares[0] == 1):
            elements[one["name"]] = symbols[0]
        else:
            mixed.append(one["name"])
    if mixed and not set(mixed).isdisjoint(names):
        raise CrystalError(f"sites must be fully occupied by one element, found the mixtures {mixed} (disorder)")
    return names if all(map(_same, elements.items())) else [elements[name] for name in names]


def _same(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def _converted(read: Sequence[_Read], refused: dict[int, Exception]) -> Iterator[_Arrays]:
    """One conversion for all; where it fails, halves, until the bad row stands alone and its reason with it."""
    if not read:
        return
    try:
        yield _convert(read)
    except (CrystalError, TypeError, ValueError, OverflowError) as fault:
        if len(read) == 1:
            named = isinstance(fault, CrystalError)
            refused[read[0][0]] = fault if named else CrystalError(f"a structure must be lists of numbers, {fault}")
            return
        middle = len(read) // 2
        yield from _converted(read[:middle], refused)
        yield from _converted(read[middle:], refused)


def _convert(read: Sequence[_Read]) -> _Arrays:
    """Arrays for rows that are all good; raises, naming what was found first, where one is not."""
    rows, cells, symbols, sites, direct = zip(*read, strict=True)
    if countOf(map(len, cells), 3) < len(cells):
        raise CrystalError(f"a crystal needs three cell vectors of three numbers, found {cells[0]!r:.80}")
    lattices = _triples(chain.from_iterable(cells), "three cell vectors of three numbers").reshape(-1, 3, 3)
    normals = _normals(lattices)
    volumes = (lattices[:, 0] * normals[:, 0]).sum(axis=1)
    flat = np.abs(volumes) < FLAT
    if flat.any():
        raise CrystalError(f"cell vectors must span a volume, found {cells[int(flat.argmax())]!r:.80}")
    counts = np.fromiter(map(len, symbols), np.int64, len(rows))
    positions = _triples(chain.from_iterable(sites), "site positions of three numbers")
    if not all(direct):
        found = _fractional(positions, normals / volumes[:, None, None], counts)
        told = np.repeat(direct, counts)[:, None]
        positions = np.where(told, positions, found) if any(direct) else found
    return _Arrays(np.array(rows), lattices, _offsets(counts), positions, _numbers(symbols, int(counts.sum())))


def _triples(lists: Iterable[list], what: str) -> np.ndarray:
    """(n, 3) float64 from n lists of three numbers."""
    lists = list(lists)
    if countOf(map(len, lists), 3) < len(lists):
        raise CrystalError(f"a crystal needs {what}, found {next(one for one in lists if len(one) != 3)!r:.80}")
    flat = list(chain.from_iterable(lists))
    if countOf(map(type, flat), float) < len(flat) and not NUMBERS.issuperset(map(type, flat)):
        strange = next(number for number in flat if type(number) not in NUMBERS)
        raise CrystalError(f"a crystal needs {what}, found {strange!r:.80} among them")
    return np.fromiter(flat, np.float64, len(flat)).reshape(-1, 3)


def _numbers(symbols: Iterable[Sequence[str]], n: int) -> np.ndarray:
    try:
        return np.fromiter(map(NUMBER.__getitem__, chain.from_iterable(symbols)), np.int64, n)
    except KeyError as strange:
        raise CrystalError(f"sites must be elements, found {strange}: a vacancy, a dummy or a label") from None


def _normals(lattices: np.ndarray) -> np.ndarray:
    """(n, 3, 3): the cross products b x c, c x a, a x b of each cell's vectors; over the volume, its inverse's columns.

    Written out, as below: the same bits come out however many structures there are.
    """
    u, v = lattices[:, [1, 2, 0]], lattices[:, [2, 0, 1]]
    return u[..., [1, 2, 0]] * v[..., [2, 0, 1]] - u[..., [2, 0, 1]] * v[..., [1, 2, 0]]


def _fractional(sites: np.ndarray, columns: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Fractional positions (sites, 3) of Cartesian ones, by the columns of each structure's inverse cell (n, 3, 3)."""
    columns = np.repeat(columns, counts, axis=0)
    x, y, z = sites[:, 0:1], sites[:, 1:2], sites[:, 2:3]
    return x * columns[:, :, 0] + y * columns[:, :, 1] + z * columns[:, :, 2]


def _offsets(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
