"""What a formula alone tells: statistics of its elements' properties, after Magpie, and a random forest on them.

Paper: Ward et al., npj Comput. Mater. 2, 16028 (2016). Per property of the elements: mean and mean deviation weighted
by amount, minimum, maximum, range, and the value of the most abundant element (the mean of several that are). Beside
them norms of the amounts, shares of s, p, d and f among the valence electrons, and how ionic the bonds could be.
Differs from theirs: the properties are those that pymatgen's table has, so no volume, gap or moment of the elements'
ground states; what is unknown of an element is the median of all.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import polars as pl

from lake.store import Lake
from models.baselines.crystals import batches, tidy
from models.baselines.forest import Forest

HEAVIEST = 118
NUMBERS = (
    "Z", "mendeleev_no", "atomic_mass", "group", "row", "X", "atomic_radius", "average_ionic_radius",
    "ionization_energy", "electron_affinity", "molar_volume", "melting_point", "boiling_point", "iupac_ordering",
)  # fmt: skip
ROOM = {"s": 2, "p": 6, "d": 10, "f": 14}  # electrons that a subshell holds
PERIODS = (2, 8, 8, 18, 18, 32, 32)  # elements in each
NORMS = (2, 3, 5, 7)
CHI = NUMBERS.index("X")
VALENCE = len(NUMBERS)  # the first of four columns: valence electrons in s, p, d, f


class Composition(Forest):
    """A random forest on what the formula tells."""

    def features(self, lake: Lake, structures: pl.Series) -> np.ndarray:
        """(n, F): `composition_features` of each structure."""
        found = [composition_features(graphs.numbers, graphs.counts) for graphs, _ in batches(lake, structures)]
        return tidy(np.concatenate(found)) if found else np.zeros((0, 0), dtype=np.float32)


def composition_features(numbers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(B, F) float64 of B crystals: atomic numbers of all atoms, one crystal behind the other, and atoms per crystal.

    The size of the cell and the order of the atoms do not matter.
    """
    shares = _shares(numbers, counts)
    table = element_properties()
    inside = shares > 0
    mean = shares @ table
    most = np.isclose(shares, shares.max(axis=1, keepdims=True))
    mode = (most @ table) / most.sum(axis=1, keepdims=True)
    deviation, low, high = (np.empty_like(mean) for _ in range(3))
    for column, values in enumerate(table.T):
        deviation[:, column] = (shares * np.abs(values - mean[:, column, None])).sum(axis=1)
        low[:, column] = np.where(inside, values, np.inf).min(axis=1)
        high[:, column] = np.where(inside, values, -np.inf).max(axis=1)
    return np.hstack(
        [mean, deviation, low, high, high - low, mode, _stoichiometry(shares), _valence(mean), _ionic(shares)]
    )


def _shares(numbers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(B, 119) share of each element among a crystal's atoms."""
    crystal = np.repeat(np.arange(len(counts)), counts)
    flat = np.bincount(crystal * (HEAVIEST + 1) + numbers, minlength=len(counts) * (HEAVIEST + 1))
    return flat.reshape(len(counts), HEAVIEST + 1) / np.asarray(counts)[:, None]


def _stoichiometry(shares: np.ndarray) -> np.ndarray:
    norms = [(shares**p).sum(axis=1) ** (1 / p) for p in NORMS]
    return np.column_stack([(shares > 0).sum(axis=1), *norms])


def _valence(mean: np.ndarray) -> np.ndarray:
    electrons = mean[:, VALENCE : VALENCE + len(ROOM)]
    return electrons / np.maximum(electrons.sum(axis=1, keepdims=True), 1e-9)


def _ionic(shares: np.ndarray) -> np.ndarray:
    """Pauling's ionic character of the most unlike pair, and its mean over all pairs of atoms."""
    chi = element_properties()[:, CHI]
    pairs = 1 - np.exp(-0.25 * (chi[:, None] - chi) ** 2)
    inside = shares > 0
    apart = np.where(inside, chi, -np.inf).max(axis=1) - np.where(inside, chi, np.inf).min(axis=1)
    return np.column_stack(
        [1 - np.exp(-0.25 * apart**2), np.einsum("bi,ij,bj->b", shares, pairs, shares, optimize=True)]
    )


@cache
def element_properties() -> np.ndarray:
    """(119, P) float64: NUMBERS, valence electrons and holes in s, p, d, f; row 0 stands for no element and is zero."""
    table = np.full((HEAVIEST + 1, len(NUMBERS) + 2 * len(ROOM)), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pymatgen warns of each value that it does not have
        for number in range(1, HEAVIEST + 1):
            table[number] = _properties(number)
    known = np.nanmedian(table[1:], axis=0)
    table = np.where(np.isfinite(table), table, known)
    table[0] = 0.0
    return table


def _properties(number: int) -> list[float]:
    from pymatgen.core.periodic_table import Element

    element = Element.from_Z(number)
    electrons = _valence_electrons(element)
    holes = [ROOM[kind] - found if found else 0.0 for kind, found in zip(ROOM, electrons, strict=True)]
    return [_value(element, name) for name in NUMBERS] + electrons + holes


def _value(element: object, name: str) -> float:
    try:
        return float(getattr(element, name))
    except (TypeError, ValueError, AttributeError, KeyError):
        return float("nan")


def _valence_electrons(element: object) -> list[float]:
    """Electrons in s, p, d, f outside of the last noble gas; a filled d or f below the p block counts as core."""
    found, seen, core = dict.fromkeys(ROOM, 0.0), 0, sum(PERIODS[: element.row - 1])
    try:
        shells = sorted(element.full_electronic_structure, key=_filling)
    except KeyError:  # the heaviest, of which the table says nothing
        return [float("nan")] * len(ROOM)
    for _, kind, count in shells:
        seen += count
        if seen > core:
            found[kind] += count
    if found["p"]:
        found |= {kind: 0.0 for kind in "df" if found[kind] == ROOM[kind]}
    return list(found.values())


def _filling(shell: tuple[int, str, int]) -> tuple[int, int]:
    """Madelung's order of the shells."""
    n, kind, _ = shell
    angular = "spdf".index(kind)
    return n + angular, n
