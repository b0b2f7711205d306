"""What Materials Project's routes beside summary say: elasticity, dielectric, piezoelectric, magnetism, thermo, phonon.

What belongs here: one line per field of emmet-core 0.87.3's documents, and which tellings have such a document. Where a
telling knows averages alone, the rest is that of an isotropic crystal with these averages: tensors, sound velocities,
and the Debye temperature that follows from them. So a telling that is told as it is has none of these documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import pi

import numpy as np

from lake.sample.mirror import formulas
from lake.sample.mirror.materials_project_summary import SUMMARY, Field, run_type
from lake.sample.mirror.told import Told

HBAR, BOLTZMANN, DALTON = 1.054571817e-34, 1.380649e-23, 1.66053906660e-27  # SI
MAGNETIC_ABOVE = 1e-3  # muB/atom
R2SCAN = "formation_energy_per_atom_r2scan"  # the fact of a telling that has a hull of r2SCAN's own, eV/atom
PHONON = "phonon_method"  # the fact of a telling with phonons: dfpt, phonopy, pheasy


class Scheme(Told):
    """A telling as one of thermo's mixing schemes tells it."""

    def __init__(self, told: Told, thermo_type: str) -> None:
        super().__init__(told.telling)
        self.thermo_type = thermo_type

    @property
    def formation_energy(self) -> float | None:
        """eV/atom on this scheme's own hull."""
        own = self.telling.facts.get(R2SCAN) if self.thermo_type == "r2SCAN" else None
        return self.value("formation_energy_per_atom") if own is None else float(str(own))


def schemes(told: Told) -> Iterator[Scheme]:
    """One document for each mixing scheme that has the material; r2SCAN is written as the run type it is."""
    if not told.derives:
        return
    if told.value("formation_energy_per_atom") is not None:
        yield Scheme(told, "GGA_GGA+U")
        yield Scheme(told, "GGA_GGA+U_R2SCAN")
    if R2SCAN in told.telling.facts:
        yield Scheme(told, "r2SCAN")


def having(*names: str) -> Callable[[Told], Iterator[Told]]:
    """The telling itself, where it has all these values and may tell what follows from them."""

    def rows(told: Told) -> Iterator[Told]:
        if told.derives and all(told.value(name) is not None for name in names):
            yield told

    return rows


def with_phonons(told: Told) -> Iterator[Told]:
    """The telling itself, where it has phonons."""
    if PHONON in told.telling.facts:
        yield told


def phonon_id(told: Told) -> str:
    """The id of the task behind the phonons: the material's own number, in the alphabetical form."""
    from emmet.core.mpid import AlphaID

    return str(AlphaID(told.id.rpartition("-")[2], padlen=8))


def elastic_tensor(told: Told) -> dict:
    """Voigt's 6x6 in GPa."""
    bulk, shear = _moduli(told)
    tensor = np.diag([bulk + 4 / 3 * shear] * 3 + [shear] * 3)
    tensor[:3, :3] += (bulk - 2 / 3 * shear) * (1 - np.eye(3))
    return {"raw": tensor.tolist(), "ieee_format": tensor.round(1).tolist()}


def young_modulus(told: Told) -> float:
    """Pa, while the other moduli are GPa."""
    bulk, shear = _moduli(told)
    return 9e9 * bulk * shear / (3 * bulk + shear)


def poisson(told: Told) -> float:
    """Poisson's ratio."""
    bulk, shear = _moduli(told)
    return (3 * bulk - 2 * shear) / (6 * bulk + 2 * shear)


def velocities(told: Told) -> dict[str, float] | None:
    """m/s; None where the moduli are unphysical."""
    bulk, shear = _moduli(told)
    density = 1000 * told.density
    if shear <= 0 or bulk + 4 / 3 * shear <= 0:
        return None
    return {
        "transverse": (1e9 * shear / density) ** 0.5,
        "longitudinal": (1e9 * (bulk + 4 / 3 * shear) / density) ** 0.5,
    }


def debye_temperature(told: Told) -> float | None:
    """K: Debye's, from the mean of 1/v^3 over the three branches."""
    speeds = velocities(told)
    if speeds is None:
        return None
    mean = (3 / (1 / speeds["longitudinal"] ** 3 + 2 / speeds["transverse"] ** 3)) ** (1 / 3)
    atoms = len(told.crystal) / (told.crystal.volume * 1e-30)
    return HBAR / BOLTZMANN * mean * (6 * pi**2 * atoms) ** (1 / 3)


def least_conductivities(told: Told) -> dict[str, float] | None:
    """W/m/K: Clarke's and Cahill's models of the lowest conductivity a solid can have."""
    speeds, stiffness = velocities(told), young_modulus(told)
    if speeds is None or stiffness <= 0:
        return None
    atoms = len(told.crystal) / (told.crystal.volume * 1e-30)
    mass, density = DALTON * told.mass / len(told.crystal), 1000 * told.density
    branches = speeds["longitudinal"] + 2 * speeds["transverse"]
    return {
        "clarke": 0.87 * BOLTZMANN * mass ** (-2 / 3) * stiffness**0.5 * density ** (1 / 6),
        "cahill": 0.5 * (pi / 6) ** (1 / 3) * BOLTZMANN * atoms ** (2 / 3) * branches,
    }


def isotropic(told: Told, names: tuple[str, ...], shape: tuple[int, int]) -> list | None:
    """A tensor with the sum of these summary fields on its diagonal."""
    values = [SUMMARY[name](told) for name in names]
    if any(value is None for value in values):
        return None
    return (sum(values) * np.eye(*shape)).tolist()  # type: ignore[arg-type]


def share(told: Told, factor: float) -> list:
    """A part of the piezoelectric tensor, 3x6 in C/m^2: along z for a strain along z."""
    tensor = np.zeros((3, 6))
    tensor[2, 2] = factor * float(told.value("piezoelectric_modulus") or 0)
    return tensor.tolist()


def magnetic_sites(told: Told) -> int:
    """All of a magnetic crystal's sites, for want of knowing which."""
    return len(told.crystal) if _moment(told) > MAGNETIC_ABOVE else 0


def _moduli(told: Told) -> tuple[float, float]:
    return float(told.value("bulk_modulus") or 0), float(told.value("shear_modulus") or 0)


def _moment(told: Told) -> float:
    return abs(told.value("magnetization_per_atom") or 0.0)


def _is(value: object) -> Field:
    return lambda told: value


STRUCTURE = ("elements", "nelements", "composition", "composition_reduced", "formula_pretty", "formula_anonymous",
             "chemsys", "nsites", "volume", "density", "density_atomic", "symmetry")  # fmt: skip
METADATA = {name: SUMMARY[name] for name in STRUCTURE}
STATE = ("builder_meta", "material_id", "deprecated", "deprecation_reasons", "last_updated", "origins", "warnings")
PROPERTY = METADATA | {name: SUMMARY[name] for name in STATE}

ELASTICITY = PROPERTY | {
    "property_name": _is("elasticity"),
    "order": _is(2),
    "elastic_tensor": elastic_tensor,
    "compliance_tensor": lambda told: None,
    "bulk_modulus": SUMMARY["bulk_modulus"],
    "shear_modulus": SUMMARY["shear_modulus"],
    "sound_velocity": velocities,
    "thermal_conductivity": least_conductivities,
    "young_modulus": young_modulus,
    "universal_anisotropy": lambda told: told.value("universal_anisotropy") or 0.0,
    "homogeneous_poisson": poisson,
    "debye_temperature": debye_temperature,
    "fitting_data": lambda told: {"deformations": [], "strains": [], "cauchy_stresses": [], "second_pk_stresses": []},
    "fitting_method": _is("finite_difference"),
    "state": _is("successful"),
}
DIELECTRIC = PROPERTY | {
    "property_name": _is("dielectric"),
    "total": partial(isotropic, names=("e_total",), shape=(3, 3)),
    "ionic": partial(isotropic, names=("e_ionic",), shape=(3, 3)),
    "electronic": partial(isotropic, names=("e_electronic",), shape=(3, 3)),
} | {name: SUMMARY[name] for name in ("e_total", "e_ionic", "e_electronic", "n")}  # fmt: skip
PIEZOELECTRIC = PROPERTY | {
    "property_name": _is("piezoelectric"),
    "total": partial(share, factor=1.0),
    "ionic": partial(share, factor=0.75),
    "electronic": partial(share, factor=0.25),
    "e_ij_max": SUMMARY["e_ij_max"],
    "max_direction": _is([0, 0, 1]),
    "strain_for_max": _is([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
}
MAGNETISM = PROPERTY | {
    "property_name": _is("magnetism"),
    "ordering": lambda told: "FM" if magnetic_sites(told) else "NM",
    "is_magnetic": lambda told: magnetic_sites(told) > 0,
    "exchange_symmetry": lambda told: told.symmetry.number if told.symmetry else None,
    "num_magnetic_sites": magnetic_sites,
    "num_unique_magnetic_sites": lambda told: len(told.crystal.counts) if magnetic_sites(told) else 0,
    "types_of_magnetic_species": lambda told: told.elements if magnetic_sites(told) else [],
    "magmoms": lambda told: [_moment(told)] * len(told.crystal),
    "total_magnetization": lambda told: abs(SUMMARY["total_magnetization"](told) or 0.0),  # type: ignore[arg-type]
    "total_magnetization_normalized_vol": lambda told: _moment(told) * len(told.crystal) / told.crystal.volume,
    "total_magnetization_normalized_formula_units": lambda told: (
        _moment(told) * sum(formulas.reduced(told.crystal.counts).values())
    ),
}
THERMO = PROPERTY | {
    "property_name": _is("thermo"),
    "thermo_type": lambda told: told.thermo_type,
    "uncorrected_energy_per_atom": lambda told: None,
    "energy_per_atom": lambda told: None,
    "energy_uncertainy_per_atom": lambda told: None,
    "formation_energy_per_atom": lambda told: told.formation_energy,
    "energy_above_hull": SUMMARY["energy_above_hull"],
    "is_stable": SUMMARY["is_stable"],
    "equilibrium_reaction_energy_per_atom": lambda told: None,
    "decomposes_to": lambda told: None,
    "decomposition_enthalpy": lambda told: None,
    "energy_type": lambda told: "r2SCAN" if told.thermo_type == "r2SCAN" else run_type(told),
    "entry_types": lambda told: ["r2SCAN" if told.thermo_type == "r2SCAN" else run_type(told)],
    "entries": lambda told: {},
}
PHONONS = METADATA | {
    "identifier": phonon_id,
    "phonon_method": lambda told: told.telling.facts[PHONON],
    "epsilon_static": lambda told: None,
    "epsilon_electronic": lambda told: None,
    "born": lambda told: None,
    "last_updated": SUMMARY["last_updated"],
    "sum_rules_breaking": _is({"asr": 0.1, "cnsr": 0.01}),
    "total_dft_energy": lambda told: None,
    "volume_per_formula_unit": lambda told: (
        told.crystal.volume / (len(told.crystal) / sum(formulas.reduced(told.crystal.counts).values()))
    ),
    "formula_units": lambda told: len(told.crystal) // sum(formulas.reduced(told.crystal.counts).values()),
    "code": _is("abinit"),
}

# route -> its fields, the field it is known by, and which documents a telling has there
PROPERTIES: Mapping[str, tuple[Mapping[str, Field], str, Callable[[Told], Iterator[Told]]]] = {
    "elasticity": (ELASTICITY, "material_id", having("bulk_modulus", "shear_modulus")),
    "dielectric": (DIELECTRIC, "material_id", having("static_dielectric_constant", "optical_dielectric_constant")),
    "piezoelectric": (PIEZOELECTRIC, "material_id", having("piezoelectric_modulus")),
    "magnetism": (MAGNETISM, "material_id", having("magnetization_per_atom")),
    "thermo": (THERMO, "material_id", schemes),
    "phonon": (PHONONS, "identifier", with_phonons),
}
