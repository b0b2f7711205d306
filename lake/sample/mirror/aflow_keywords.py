"""What an AFLOW entry says: one line per AFLUX keyword, in its unit (aflow 0.0.11, keywords.py).

Values are native here; `aflow.py` writes them as strings where the page's shape wants it. Null where a telling knows
nothing, and of what is `derived` where it is told as it is; what no property and no crystal says may stand in its
facts, under the keyword itself (`FACTS`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zlib import crc32

import numpy as np

from lake.sample.mirror.told import Told, derived

DIGITS = 6  # decimals of cell and positions
DFT_TYPES = {"PBE": "PAW_PBE", "PBE+U": "PAW_PBE", "LDA": "PAW_LDA", "RPBE": "PAW_RPBE", "SCAN": "PAW_PBE_KIN:SCAN"}
# AFLOW's names of the Bravais lattices, by the first two letters of the Pearson symbol
LATTICES = {
    "cP": "CUB", "cF": "FCC", "cI": "BCC", "tP": "TET", "tI": "BCT", "oP": "ORC", "oF": "ORCF", "oI": "ORCI",
    "oS": "ORCC", "oA": "ORCC", "oC": "ORCC", "hP": "HEX", "hR": "RHL", "mP": "MCL", "mS": "MCLC", "mC": "MCLC",
    "aP": "TRI",
}  # fmt: skip
# days before the latest revision: half of the entries carry a list of dates, as old entries of AFLOW do
REVISED_BEFORE = (900, 400)

Keyword = Callable[[Told], object]


def _by_species(told: Told) -> list[int]:
    """Site numbers in the order of POSCAR: species by the alphabet, sites of a species as told."""
    symbols = told.symbols
    return sorted(range(len(symbols)), key=lambda site: symbols[site])


def geometry(told: Told) -> list[float]:
    """[a, b, c (A), alpha, beta, gamma (degrees)]."""
    return [_short(number) for number in told.cell.lengths + told.cell.angles]


def positions_fractional(told: Told) -> list[list[float]]:
    """(n, 3) fractional coordinates, in the order of species and composition."""
    return [[_short(x) for x in site] for site in told.crystal.positions[_by_species(told)].tolist()]


def positions_cartesian(told: Told) -> list[list[float]]:
    """(n, 3) A, in the orientation of `geometry`: a along x, b in the plane of x and y."""
    (a, b, c), angles = told.cell.lengths, np.radians(told.cell.angles)
    ca, cb, cg, sg = np.cos(angles[0]), np.cos(angles[1]), np.cos(angles[2]), np.sin(angles[2])
    y = (ca - cb * cg) / sg
    lattice = np.array([[a, 0, 0], [b * cg, b * sg, 0], [c * cb, c * y, c * np.sqrt(1 - cb**2 - y**2)]])
    fractional = told.crystal.positions[_by_species(told)]
    return [[_short(x) for x in site] for site in (fractional @ lattice).tolist()]


def composition(told: Told) -> list[int]:
    """Atoms per species, aligned with `species`."""
    return [told.crystal.counts[element] for element in told.elements]


def compound(told: Told) -> str:
    """`Be1O1`: every species of the cell with its count."""
    return "".join(f"{element}{count}" for element, count in zip(told.elements, composition(told), strict=True))


def pearson(told: Told) -> str | None:
    """Pearson symbol, `cF8`."""
    return None if told.symmetry is None else told.symmetry.pearson_symbol


def catalog(told: Told) -> str:
    """`ICSD` unless the telling names another."""
    return str(told.telling.facts.get("catalog", "ICSD"))


def aurl(told: Told) -> str:
    """Where the files of the entry would lie; turn the first `:` into `/` for a URL."""
    lattice = LATTICES.get((pearson(told) or "aP")[:2], "TRI")
    name = f"{compound(told)}_ICSD_{told.digest % 900000 + 100000}"
    return f"aflowlib.duke.edu:AFLOWDATA/{catalog(told)}_WEB/{lattice}/{name}"


def aflowlib_date(told: Told) -> str | list[str]:
    """When the entry was last written: one date, or a list whose last is the latest."""
    moments = [told.revised - timedelta(days=days) for days in REVISED_BEFORE] + [told.revised]
    dates = [f"{moment:%Y%m%d_%H:%M:%S}_GMT-5" for moment in moments]
    return dates[-1] if crc32(told.id.encode()) % 2 else dates


def dft_type(told: Told) -> list[str]:
    """Pseudopotential and functional, `["PAW_PBE"]`."""
    level = told.telling.level_of_theory
    return [DFT_TYPES.get(level, f"PAW_{level}" if level else "PAW_PBE")]


def hubbard(told: Told) -> str | None:
    """`ldau_TLUJ` where the row was computed with +U: `T;L;U;J`, species by species; null otherwise."""
    if not told.telling.level_of_theory.endswith("+U"):
        return None
    zeros = ",".join("0" for _ in told.elements)
    return str(told.telling.facts.get("ldau_TLUJ", f"2;{zeros};{zeros};{zeros}"))


@derived
def spin_cell(told: Told) -> float | None:
    """muB per cell."""
    per_atom = told.value("magnetization_per_atom")
    return None if per_atom is None else _short(per_atom * len(told.crystal))


def gap_type(told: Told) -> str | None:
    """`metal` or `insulator`; which kind of gap, no telling knows."""
    gap = told.value("band_gap")
    return None if gap is None else ("metal" if gap < 1e-6 else "insulator")


@derived
def gap_fit(told: Told) -> float | None:
    """The gap as AFLOW corrects it by its fit to experiments, 0 for a metal: 5.0416 becomes 7.70908 eV."""
    gap = told.value("band_gap")
    return None if gap is None else (_short(1.348 * gap + 0.913) if gap >= 1e-6 else 0.0)


@derived
def poisson(told: Told) -> float | None:
    """Poisson ratio of an isotropic solid with the moduli told."""
    bulk, shear = told.value("bulk_modulus"), told.value("shear_modulus")
    return None if bulk is None or shear is None else _short((3 * bulk - 2 * shear) / (2 * (3 * bulk + shear)))


@derived
def acoustic_debye(told: Told) -> float | None:
    """K, of the acoustic branches alone: AGL's Debye temperature over the cube root of the atoms."""
    debye = told.value("debye_temperature_agl")
    return None if debye is None else _short(debye / len(told.crystal) ** (1 / 3))


def prototype(told: Told) -> str:
    """What the calculation started from: the last part of aurl."""
    return aurl(told).rpartition("/")[2]


def potentials(told: Told) -> list[str]:
    """`Be:PAW_PBE:06Sep2000`, a potential per species."""
    kind = dft_type(told)[0].partition("_KIN")[0]
    return [f"{element}:{kind}:06Sep2000" for element in told.elements]


def per_cell(told: Told, name: str) -> float | None:
    """A value per atom times the atoms of the cell."""
    value = told.value(name)
    return None if value is None else _short(value * len(told.crystal))


def _short(number: float) -> float:
    return round(number, DIGITS) + 0.0


def _told(name: str) -> Keyword:
    return lambda told: told.value(name)


def _fact(name: str) -> Keyword:
    return lambda told: told.telling.facts.get(name)


# what neither crystal nor values say; some of it is heavy, and crawls leave it to a question of its own
FACTS = (
    "aflow_prototype_label_relax", "energy_cell", "energy_atom", "energy_cutoff", "kpoints", "spinF", "spinD",
    "ael_elastic_anisotropy", "agl_gruneisen", "agl_heat_capacity_Cp_300K", "agl_heat_capacity_Cv_300K",
    "agl_bulk_modulus_static_300K", "agl_bulk_modulus_isothermal_300K", "entropic_temperature", "Pulay_stress",
    "pressure_residual", "bader_net_charges", "bader_atomic_volumes", "forces", "stress_tensor", "files",
)  # fmt: skip

KEYWORDS: dict[str, Keyword] = {
    **{name: _fact(name) for name in FACTS},
    "compound": compound,
    "auid": lambda told: told.id,
    "aurl": aurl,
    "spacegroup_relax": lambda told: None if told.symmetry is None else told.symmetry.number,
    "Pearson_symbol_relax": pearson,
    "catalog": catalog,
    "data_source": lambda told: "aflowlib",
    "prototype": prototype,
    "species": lambda told: told.elements,
    "nspecies": lambda told: len(told.elements),
    "composition": composition,
    "stoichiometry": lambda told: [_short(n / len(told.crystal)) for n in composition(told)],
    "natoms": lambda told: len(told.crystal),
    "geometry": geometry,
    "positions_fractional": positions_fractional,
    "positions_cartesian": positions_cartesian,
    "volume_cell": lambda told: _short(told.crystal.volume),
    "volume_atom": derived(lambda told: _short(told.crystal.volume / len(told.crystal))),
    "density": derived(lambda told: _short(told.density)),
    "Egap": _told("band_gap"),
    "Egap_type": gap_type,
    "Egap_fit": gap_fit,
    "spin_atom": _told("magnetization_per_atom"),
    "spin_cell": spin_cell,
    "enthalpy_formation_atom": _told("formation_energy_per_atom"),
    "enthalpy_formation_cell": derived(lambda told: per_cell(told, "formation_energy_per_atom")),
    "ael_bulk_modulus_vrh": _told("bulk_modulus"),
    "ael_shear_modulus_vrh": _told("shear_modulus"),
    **{f"ael_bulk_modulus_{bound}": derived(_told("bulk_modulus")) for bound in ("voigt", "reuss")},
    **{f"ael_shear_modulus_{bound}": derived(_told("shear_modulus")) for bound in ("voigt", "reuss")},
    "ael_poisson_ratio": poisson,
    "agl_debye": _told("debye_temperature_agl"),
    "agl_acoustic_debye": acoustic_debye,
    "agl_thermal_conductivity_300K": _told("thermal_conductivity_agl"),
    "agl_thermal_expansion_300K": _told("thermal_expansion_agl"),
    "dft_type": dft_type,
    "species_pp_version": potentials,
    "ldau_TLUJ": hubbard,
    "ldau_type": lambda told: 2 if told.telling.level_of_theory.endswith("+U") else None,
    "code": lambda told: "vasp.4.6.35",
    "aflow_version": lambda told: "aflow30977",
    "aflowlib_version": lambda told: "3.1.222",
    "aflowlib_date": aflowlib_date,
}
