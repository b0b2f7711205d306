"""Metal slabs with one adsorbate for Open Catalyst, built with ase.

What belongs here: which slabs, their adsorption energies (sample values: what RPBE tables of such systems usually
give, rounded to 0.1 eV, relative to clean slab and OC20's gases H2, H2O, N2, CO), and total energies made from round
per-atom numbers. Slabs are no bulk crystals and never meet them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lake.crystal import Crystal

VACUUM = 8.0  # A on each side
# eV per atom, round stand-ins for RPBE total energies; only differences mean something
ENERGY = {
    "Cu": -3.3, "Ag": -2.3, "Au": -2.7, "Ni": -4.9, "Pd": -4.7, "Pt": -5.5, "Rh": -6.6, "Ir": -8.2, "Fe": -7.5,
    "W": -12.5, "Ru": -8.6, "Co": -6.4, "H": -3.5, "O": -7.2, "N": -8.1, "C": -7.3,
}  # fmt: skip

# metal, facet, adsorbate, site, height above the surface (A), adsorption energy (eV)
_SYSTEMS = (
    ("Pt", "fcc111", "H", "fcc", 0.9, -0.3),
    ("Pt", "fcc111", "O", "fcc", 1.2, 1.4),
    ("Pt", "fcc111", "CO", "ontop", 1.85, -1.5),
    ("Cu", "fcc111", "H", "fcc", 1.0, -0.1),
    ("Cu", "fcc111", "O", "fcc", 1.2, 1.3),
    ("Cu", "fcc111", "CO", "ontop", 1.85, -0.4),
    ("Ni", "fcc111", "N", "hcp", 1.1, -0.2),
    ("Ni", "fcc111", "OH", "fcc", 1.35, 0.2),
    ("Pd", "fcc111", "H", "fcc", 0.8, -0.4),
    ("Rh", "fcc111", "CO", "ontop", 1.85, -1.6),
    ("Ag", "fcc111", "O", "fcc", 1.3, 2.2),
    ("Au", "fcc111", "H", "ontop", 1.6, 0.3),
    ("Fe", "bcc110", "N", "hollow", 1.1, -1.2),
    ("W", "bcc110", "O", "hollow", 1.2, -2.0),
    ("Ru", "hcp0001", "N", "hcp", 1.1, -0.7),
    ("Ru", "hcp0001", "CO", "ontop", 1.9, -1.7),
    ("Co", "hcp0001", "H", "fcc", 1.0, -0.4),
)
# A, about RPBE
_LATTICE = {
    "Cu": (3.68,), "Ag": (4.21,), "Au": (4.20,), "Ni": (3.56,), "Pd": (3.98,), "Pt": (3.99,), "Rh": (3.85,),
    "Fe": (2.88,), "W": (3.19,), "Ru": (2.74, 4.32), "Co": (2.52, 4.07),
}  # fmt: skip
_MILLER = {"fcc111": (1, 1, 1), "bcc110": (1, 1, 0), "hcp0001": (0, 0, 1)}


@dataclass(frozen=True, eq=False)
class Slab:
    """One slab with its adsorbate.

    name: `slab Pt(111) + CO ontop`, its truth.
    crystal: 2 x 2 cell, 3 or 4 layers, vacuum along c.
    adsorption_energy, total_energy: eV; their difference is clean slab and gas.
    tags: per site, 0 below the surface (fixed), 1 surface, 2 adsorbate, as Open Catalyst tags them.
    """

    name: str
    metal: str
    miller_index: tuple[int, int, int]
    adsorbate: str
    site: str
    crystal: Crystal
    adsorption_energy: float
    total_energy: float
    tags: tuple[int, ...]


@lru_cache(maxsize=1)
def slabs() -> list[Slab]:
    """Every slab of the sample."""
    return [_slab(*system) for system in _SYSTEMS]


def _slab(metal: str, facet: str, adsorbate: str, site: str, height: float, adsorption_energy: float) -> Slab:
    from ase import Atoms, build

    layers = 3 if facet == "bcc110" else 4
    atoms = getattr(build, facet)(metal, size=(2, 2, layers), vacuum=VACUUM, **_cell(metal))
    depth = np.array(atoms.get_tags())  # ase counts layers from the surface, which is 1
    length = {"CO": 1.15, "OH": 0.97}.get(adsorbate, 0.0)  # A; upright, the first atom binds
    gas = Atoms(adsorbate, positions=[(0, 0, length * i) for i in range(len(Atoms(adsorbate)))])
    build.add_adsorbate(atoms, gas, height, site)
    atoms.set_pbc(True)
    crystal = Crystal(atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers).checked()
    tags = tuple(int(layer == 1) for layer in depth) + (2,) * len(gas)
    index = _MILLER[facet]
    return Slab(
        name=f"slab {metal}({''.join(map(str, index))}) + {adsorbate} {site}",
        metal=metal,
        miller_index=index,
        adsorbate=adsorbate,
        site=site,
        crystal=crystal,
        adsorption_energy=adsorption_energy,
        total_energy=round(sum(ENERGY[symbol] for symbol in atoms.get_chemical_symbols()) + adsorption_energy, 4),
        tags=tags,
    )


def _cell(metal: str) -> dict[str, float]:
    return dict(zip(("a", "c"), _LATTICE[metal], strict=False))
