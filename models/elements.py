"""What a network is told about an element: one row of zeros and ones per atomic number, from pymatgen's table.

After the atom features of Xie and Grossman (PRL 120, 145301, 2018): one-hot group, period and block, and one-hot bins
of electronegativity, radius, first ionisation energy, electron affinity and molar volume, so that a rare element
resembles its neighbours in the table. Differs from theirs: atomic instead of covalent radius, molar instead of atomic
volume, and the place in the f block instead of the number of valence electrons. The unknown leaves its bins empty.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np

HEAVIEST = 118
BINS = 10
# property of pymatgen's Element -> range that the bins divide evenly, and whether on a logarithmic scale
BINNED = {
    "X": (0.7, 4.0, False),  # Pauling
    "atomic_radius": (0.25, 2.6, False),  # A
    "ionization_energy": (3.8, 25.0, True),  # eV
    "electron_affinity": (-2.5, 3.7, False),  # eV
    "molar_volume": (4.0, 71.0, True),  # cm^3/mol
}
WIDTH = 18 + 7 + 4 + 15 + BINS * len(BINNED)


@cache
def element_table() -> np.ndarray:
    """(119, WIDTH) float32; row 0 stands for no element and is empty."""
    table = np.zeros((HEAVIEST + 1, WIDTH), dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pymatgen warns of each value that it does not have
        for number in range(1, HEAVIEST + 1):
            table[number, _places(number)] = 1.0
    return table


def _places(number: int) -> list[int]:
    """The columns that are one for this element."""
    from pymatgen.core.periodic_table import Element

    element = Element.from_Z(number)
    places = [element.group - 1, 18 + min(element.row, 7) - 1, 25 + "spdf".index(element.block)]
    for first in (57, 89):
        if first <= number < first + 15:
            places.append(29 + number - first)
    for at, name in enumerate(BINNED):
        place = _bin(element, name)
        if place is not None:
            places.append(44 + BINS * at + place)
    return places


def _bin(element: object, name: str) -> int | None:
    low, high, logarithmic = BINNED[name]
    try:
        value = float(getattr(element, name))
    except (TypeError, ValueError, AttributeError, KeyError):
        return None
    if not np.isfinite(value):
        return None
    share = np.log(value / low) / np.log(high / low) if logarithmic else (value - low) / (high - low)
    return int(np.clip(share * BINS, 0, BINS - 1))
