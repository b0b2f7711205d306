"""A small lake made by hand for learning: rock salts whose labels follow from their cell."""

from __future__ import annotations

import pytest

from lake.store import Lake
from tests.models._made import PAIRS, entry, filled, material, observation, rock_salt, split


@pytest.fixture(scope="session")
def salts(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """96 rock salts; gap and bulk modulus follow from the cell length, the modulus is known for every second."""
    entries, observations, materials, splits = [], [], [], []
    for at, (cation, anion) in enumerate(PAIRS * 2):
        length = 4.2 + 2.4 * ((at * 37) % 96) / 96
        crystal, name = rock_salt(cation, anion, length), f"mp:{at}"
        # along diagonals, so that every split has every element
        where = {0: "test", 1: "validation"}.get((at % 48 // 6 + at) % 6, "train")
        entries.append(entry(name, crystal))
        materials.append(material(f"m{at}", [name], crystal.reduced_formula))
        splits.append(split(f"m{at}", where, crystal.reduced_formula))
        observations.append(observation(name, "band_gap", 12.0 - 1.5 * length))
        if (at // 6 + at // 48) % 2:  # every second crystal, and every element
            observations.append(observation(name, "bulk_modulus", 4000.0 / length**3))
    return filled(tmp_path_factory.mktemp("salts"), entries, observations, materials, splits)
