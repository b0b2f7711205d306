"""What Materials Project would tell of crystals that the tests made: one document per route and material.

What belongs here: field names and shapes of emmet-core's documents (SummaryDoc, MaterialsDoc, ThermoDoc ...), with the
values of `crystals.py` in them. How they are served belongs to `materials_project_server.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import gcd
from typing import Any

import numpy as np
from ase.data import atomic_masses

from tests.peers.crystals import Made

DALTON_PER_CUBIC_ANGSTROM = 1.66053906660  # in g/cm^3
LAST_UPDATED = "2026-01-02T03:04:05"
Document = dict[str, Any]


def documents(crystals: Iterable[Made]) -> dict[str, list[Document]]:
    """The documents of each route; a route that lacks a material has not computed it."""
    told: dict[str, list[Document]] = {route: [] for route in ROUTES}
    for made in crystals:
        cell = _cell(made)
        structure, material = {"structure": cell.pop("structure")}, _material(made)
        shared = {
            "bare": cell | material,
            "with structure": cell | material | structure,
            "without material": cell | structure | {"last_updated": LAST_UPDATED},
        }
        for route, write in ROUTES.items():
            told[route].extend(shared[SHARED.get(route, "bare")] | more for more in write(made))
    return told


def source_id(made: Made) -> str:
    """The material's id as people write it: `mp-149`."""
    return f"mp-{1000 + made.number}"


def material_id(made: Made) -> str:
    """The same id in the alphabetical form that the server keeps: `mp-aaaaaaft`."""
    from emmet.core.mpid import AlphaID

    return str(AlphaID(1000 + made.number, prefix="mp", padlen=8))


def task_id(made: Made, calculation: int) -> str:
    """One calculation of a material, in the alphabetical form; 0 gave the structure."""
    from emmet.core.mpid import AlphaID

    return str(AlphaID(10_000_000 + 10 * made.number + calculation, padlen=8))


def _cell(made: Made) -> Document:
    """What every document tells of the crystal."""
    structure = made.crystal.to_pymatgen()
    composition = structure.composition
    reduced = composition.reduced_composition
    return {
        "formula_pretty": reduced.reduced_formula,
        "formula_anonymous": composition.anonymized_formula,
        "chemsys": composition.chemical_system,
        "elements": sorted(made.crystal.counts),
        "nelements": len(made.crystal.counts),
        "composition": composition.as_dict(),
        "composition_reduced": reduced.as_dict(),
        "nsites": len(structure),
        "volume": made.crystal.volume,
        "density": _density(made),
        "density_atomic": made.crystal.volume / len(structure),
        "structure": structure.as_dict(),
    }


def _material(made: Made) -> Document:
    """What every document but a phonon's tells of the material it belongs to."""
    return {
        "material_id": material_id(made),
        "deprecated": made.deprecated,
        "deprecation_reasons": ["Manual deprecation"] if made.deprecated else None,
        "last_updated": LAST_UPDATED,
        "origins": [{"name": "structure", "task_id": task_id(made, 0), "last_updated": LAST_UPDATED}],
        "warnings": [],
        "builder_meta": {"license": made.licence, "batch_id": None, "database_version": "2026.04.13"},
    }


def _density(made: Made) -> float:
    """g/cm^3; pymatgen's own takes longer than all the rest of a document."""
    return float(atomic_masses[made.crystal.numbers].sum() / made.crystal.volume * DALTON_PER_CUBIC_ANGSTROM)


def _summary(made: Made) -> Iterator[Document]:
    values = made.values
    yield {
        "property_name": "summary",
        "task_ids": [task_id(made, 0), task_id(made, 1)],
        "theoretical": made.number % 2 == 1,
        "database_IDs": {} if made.number % 2 else {"icsd": [f"icsd-{made.number}"]},
        "phonon_IDs": {"dfpt": [task_id(made, 5)]} if _has_phonon(made) else None,
        "band_gap": values.get("band_gap"),
        "cbm": values.get("band_gap"),
        "vbm": 0.0,
        "efermi": 0.0,
        "is_gap_direct": made.number % 4 == 1,
        "is_metal": values.get("band_gap") == 0,
        "has_props": {route: any(True for _ in write(made)) for route, write in ROUTES.items() if route in PROPERTIES},
        **_energies(made, 0.0),
        **_moduli(made),
        **_dielectric_averages(made),
        **{k: v for k, v in _moments(made).items() if k != "magmoms"},
        "e_ij_max": values.get("piezoelectric_modulus"),
        **_surface(made),
    }


def _core(made: Made) -> Iterator[Document]:
    """Two tasks: the one that gave the structure, and one with another functional."""
    run_types = {task_id(made, 0): made.run_type, task_id(made, 1): "r2SCAN"}
    task_types = {task_id(made, 0): "Structure Optimization", task_id(made, 1): "Static"}
    yield {
        "task_ids": list(run_types),
        "run_types": run_types,
        "task_types": task_types,
        "calc_types": {task: f"{run} {task_types[task]}" for task, run in run_types.items()},
        "deprecated_tasks": [],
        "created_at": LAST_UPDATED,
    }


def _thermo(made: Made) -> Iterator[Document]:
    """The hull of GGA and GGA+U; for every second material the mixed one and r2SCAN's own as well."""
    schemes = ("GGA_GGA+U", "GGA_GGA+U_R2SCAN", "R2SCAN")[: 1 if made.number % 2 else 3]
    for number, scheme in enumerate(schemes):
        run_type = "r2SCAN" if scheme == "R2SCAN" else made.run_type
        yield {
            "property_name": "thermo",
            "thermo_type": scheme,
            "thermo_id": f"{material_id(made)}_{scheme}",
            "energy_type": run_type,
            "entry_types": [run_type],
            "entries": {},
            "equilibrium_reaction_energy_per_atom": -0.05 if made.values["energy_above_hull"] == 0 else None,
            "decomposition_enthalpy": made.values["energy_above_hull"] or -0.05,
            **_energies(made, 0.01 * number),
        }


def _elasticity(made: Made) -> Iterator[Document]:
    values = made.values
    if "bulk_modulus" not in values:
        return
    bulk, shear = values["bulk_modulus"], values["shear_modulus"]
    stiff, soft = bulk + 4 / 3 * shear, bulk - 2 / 3 * shear  # C11 and C12 of an isotropic crystal; C44 is the shear
    tensor = np.diag([stiff] * 3 + [shear] * 3)
    tensor[:3, :3] += soft * (1 - np.eye(3))
    yield {
        "property_name": "elasticity",
        "order": 2,
        "state": "successful",
        "fitting_method": "finite_difference",
        "elastic_tensor": {"raw": tensor.tolist(), "ieee_format": tensor.tolist()},
        "debye_temperature": values["debye_temperature"],
        "young_modulus": 9e9 * bulk * shear / (3 * bulk + shear),
        "sound_velocity": {"transverse": 3000.0, "longitudinal": 5000.0},
        "thermal_conductivity": {"clarke": 0.8, "cahill": 0.9},
        **_moduli(made),
    }


def _dielectric(made: Made) -> Iterator[Document]:
    averages = _dielectric_averages(made)
    if averages["n"] is not None:
        tensors = {name: (averages[f"e_{name}"] * np.eye(3)).tolist() for name in ("total", "ionic", "electronic")}
        yield {"property_name": "dielectric", **averages, **tensors}


def _piezoelectric(made: Made) -> Iterator[Document]:
    modulus = made.values.get("piezoelectric_modulus")
    if modulus is None:
        return
    total = np.zeros((3, 6))
    total[2, 2] = modulus
    yield {
        "property_name": "piezoelectric",
        "e_ij_max": modulus,
        "total": total.tolist(),
        "ionic": (total / 4).tolist(),
        "electronic": (3 * total / 4).tolist(),
        "max_direction": [0, 0, 1],
        "strain_for_max": [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    }


def _magnetism(made: Made) -> Iterator[Document]:
    if "total_magnetization" in made.values:
        yield {"property_name": "magnetism", "exchange_symmetry": 225, **_moments(made)}


def _phonon(made: Made) -> Iterator[Document]:
    """By task id alone: the phonon route has no material_id."""
    if _has_phonon(made):
        yield {
            "identifier": task_id(made, 5),
            "phonon_method": "dfpt",
            "code": "abinit",
            "total_dft_energy": -5.0,
            "epsilon_static": np.diag([8.0, 8.0, 11.0]).tolist(),
            "epsilon_electronic": np.diag([3.0, 3.0, 4.5]).tolist(),
            "sum_rules_breaking": {"asr": 0.1, "cnsr": 0.01},
        }


ROUTES: dict[str, Callable[[Made], Iterator[Document]]] = {
    "summary": _summary,
    "core": _core,
    "thermo": _thermo,
    "elasticity": _elasticity,
    "dielectric": _dielectric,
    "piezoelectric": _piezoelectric,
    "magnetism": _magnetism,
    "phonon": _phonon,
}
# What stands in a route's documents beside its own fields; emmet-core leaves the structure out of the other routes.
SHARED = {
    "summary": "with structure",
    "core": "with structure",
    "elasticity": "with structure",
    "phonon": "without material",
}
PROPERTIES = ("thermo", "elasticity", "dielectric", "piezoelectric", "magnetism", "phonon")


def _has_phonon(made: Made) -> bool:
    return made.number % 10 == 0


def _energies(made: Made, shift: float) -> Document:
    """Energies of one mixing scheme, in eV/atom; the uncorrected one is 0.1 higher."""
    formation, above = made.values["formation_energy_per_atom"], made.values["energy_above_hull"]
    return {
        "formation_energy_per_atom": formation + shift,
        "energy_above_hull": above,
        "is_stable": above == 0,
        "energy_per_atom": formation + shift - 5,
        "uncorrected_energy_per_atom": formation + shift - 4.9,
    }


def _moduli(made: Made) -> Document:
    values = made.values
    if "bulk_modulus" not in values:
        return {"bulk_modulus": None, "shear_modulus": None}
    bulk, shear = values["bulk_modulus"], values["shear_modulus"]
    return {
        "bulk_modulus": {"voigt": bulk + 1, "reuss": bulk - 1, "vrh": bulk},
        "shear_modulus": {"voigt": shear + 1, "reuss": shear - 1, "vrh": shear},
        "universal_anisotropy": 0.5,
        "homogeneous_poisson": (3 * bulk - 2 * shear) / (6 * bulk + 2 * shear),
    }


def _dielectric_averages(made: Made) -> Document:
    values = made.values
    return {
        "e_total": values.get("static_dielectric_constant"),
        "e_ionic": values.get("e_ionic"),
        "e_electronic": values.get("optical_dielectric_constant"),
        "n": values.get("refractive_index"),
    }


def _surface(made: Made) -> Document:
    """Of elements alone, as Materials Project has them: averages over the Wulff shape."""
    if len(made.crystal.counts) > 1:
        return {}
    names = ("weighted_surface_energy", "weighted_work_function", "surface_anisotropy", "shape_factor")
    return dict(zip(names, (1.5, 4.3, 0.1, 5.1), strict=True))


def _moments(made: Made) -> Document:
    total = made.values.get("total_magnetization")
    if total is None:
        return {"ordering": "Unknown", "total_magnetization": None}
    sites = len(made.crystal)
    units = gcd(*made.crystal.counts.values())
    return {
        "ordering": "FM" if total else "NM",
        "is_magnetic": total > 0,
        "total_magnetization": total,
        "total_magnetization_normalized_vol": total / made.crystal.volume,
        "total_magnetization_normalized_formula_units": total / units,
        "num_magnetic_sites": sites if total else 0,
        "num_unique_magnetic_sites": len(made.crystal.counts) if total else 0,
        "types_of_magnetic_species": sorted(made.crystal.counts) if total else [],
        "magmoms": [total / sites] * sites,
    }
