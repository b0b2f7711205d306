"""What a Materials Project document says: one line per field of SummaryDoc (emmet-core 0.87.3), in its units.

A field that a telling knows nothing about is null, as in the real documents, and so is what is `derived` of a telling
that is told as it is. Summary documents do not say which functional they stand on: that is the run type of the task
which `origins` names, told by `/materials/tasks/` and `/materials/core/`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import moyopy

from lake.sample.mirror import formulas
from lake.sample.mirror.told import SYMMETRY_TOLERANCE, Told, derived, space_group_symbol

Field = Callable[[Told], object]

# emmet's RunType by our level of theory
RUN_TYPES = {"PBE": "GGA", "PBE+U": "GGA+U", "LDA": "LDA", "r2SCAN": "r2SCAN", "SCAN": "SCAN", "HSE06": "HSE06"}
METAL_BELOW = 1e-9  # eV

# has_props: what a value says the document has
PROPERTY_GROUPS = {
    "materials": (), "thermo": ("formation_energy_per_atom",),
    "electronic_structure": ("band_gap",), "magnetism": ("magnetization_per_atom",),
    "elasticity": ("bulk_modulus", "shear_modulus"),
    "dielectric": ("static_dielectric_constant", "optical_dielectric_constant"),
    "piezoelectric": ("piezoelectric_modulus",),
}  # fmt: skip
NEEDS_ALL = ("elasticity", "dielectric")  # their documents are not made of a part
# documents on routes of their own, which hold what follows from a telling: one that is told as it is has none
DERIVED = ("thermo", "magnetism", "elasticity", "dielectric", "piezoelectric")
OTHER_PROPERTIES = (
    "xas", "grain_boundaries", "bandstructure", "dos", "surface_properties", "oxi_states", "provenance",
    "charge_density", "eos", "phonon", "absorption", "insertion_electrodes", "substrates", "chemenv",
)  # fmt: skip

# fields of SummaryDoc that no telling knows
UNTOLD = (
    "possible_species", "weighted_surface_energy_EV_PER_ANG2", "weighted_surface_energy",
    "weighted_work_function", "surface_anisotropy", "shape_factor", "has_reconstructed",
    "homogeneous_poisson", "ordering", "num_magnetic_sites", "num_unique_magnetic_sites",
    "types_of_magnetic_species", "dos", "dos_energy_up", "dos_energy_down", "bandstructure", "cbm", "vbm",
    "is_gap_direct", "grain_boundaries", "xas", "uncorrected_energy_per_atom", "energy_per_atom",
    "equilibrium_reaction_energy_per_atom", "decomposes_to", "deprecation_reasons",
)  # fmt: skip


def structure(told: Told) -> dict:
    """pymatgen's dictionary of a Structure, written without pymatgen: 100 times faster."""
    crystal, cell = told.crystal, told.cell
    cartesian = (crystal.positions @ crystal.lattice).tolist()
    sites = [
        {"species": [{"element": symbol, "occu": 1}], "abc": abc, "properties": {}, "label": symbol, "xyz": xyz}
        for symbol, abc, xyz in zip(told.symbols, crystal.positions.tolist(), cartesian, strict=True)
    ]
    lattice = {"matrix": crystal.lattice.tolist(), "pbc": [True, True, True]}
    lattice |= dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), cell.lengths + cell.angles, strict=True))
    return {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": 0.0,
        "lattice": lattice | {"volume": crystal.volume},
        "properties": {},
        "sites": sites,
    }


def symmetry(told: Told) -> dict | None:
    """Space group at 0.1 A, as emmet's SymmetryData."""
    found = told.symmetry
    if found is None:
        return None
    kind = moyopy.SpaceGroupType(found.number)
    return {
        "crystal_system": str(kind.crystal_system),
        "symbol": space_group_symbol(found),
        "number": found.number,
        "point_group": kind.geometric_crystal_class,
        "symprec": SYMMETRY_TOLERANCE,
        "version": "2.0",
    }


def moduli(told: Told, name: str) -> dict | None:
    """`{voigt, reuss, vrh}` in GPa. A telling knows the average alone: bounds that are derived coincide with it."""
    value = told.value(name)
    bound = value if told.derives else None
    return None if value is None else {"voigt": bound, "reuss": bound, "vrh": value}


def magnetization(told: Told) -> float | None:
    """muB per cell: the telling's moment per atom times its atoms."""
    per_atom = told.value("magnetization_per_atom")
    return None if per_atom is None else round(per_atom * len(told.crystal), 7)


def magnetization_per(told: Told, unit: str) -> float | None:
    """muB per A^3, or per formula unit."""
    total = magnetization(told)
    if total is None or not told.derives:
        return None
    if unit == "volume":
        return total / told.crystal.volume
    return total * sum(formulas.reduced(told.crystal.counts).values()) / len(told.crystal)


@derived
def ionic(told: Told) -> float | None:
    """Ionic part of the dielectric constant: total minus electronic."""
    total, electronic = told.value("static_dielectric_constant"), told.value("optical_dielectric_constant")
    return None if total is None or electronic is None else total - electronic


def properties_had(told: Told) -> dict[str, bool]:
    """has_props: every name of emmet's HasProps, and whether this document has it."""
    had = {
        group: (told.derives or group not in DERIVED)
        and (not names or (all if group in NEEDS_ALL else any)(told.value(name) is not None for name in names))
        for group, names in PROPERTY_GROUPS.items()
    }
    return had | dict.fromkeys(OTHER_PROPERTIES, False) | {"phonon": "phonon_method" in told.telling.facts}


def phonon_ids(told: Told) -> dict[str, list[str]] | None:
    """phonon_IDs: method -> ids of the tasks behind the phonons, here the material's own number as a task id."""
    method = told.telling.facts.get("phonon_method")
    return {str(method): [told.id]} if method else None


def origins(told: Told) -> list[dict]:
    """Which task each group of properties is from. The id of a material is that of its first task."""
    had = [name for name, has in properties_had(told).items() if has and name not in ("materials", "thermo")]
    return [{"name": name, "task_id": told.id, "last_updated": moment(told)} for name in ("structure", "energy", *had)]


def moment(told: Told) -> str:
    """last_updated: ISO, without a zone as Materials Project writes it."""
    return told.revised.isoformat()


def build(told: Told) -> dict:
    """builder_meta; its version is of the build that made this document, so a change of another leaves it alone."""
    return {
        "emmet_version": "0.87.3",
        "pymatgen_version": None,
        "run_id": None,
        "batch_id": told.telling.facts.get("batch_id"),
        "database_version": f"{told.revised:%Y.%m.%d}",
        "build_date": moment(told),
        "license": licence(told),
    }


def licence(told: Told) -> str:
    """`BY-C`, or `BY-NC` for what came with that condition."""
    return str(told.telling.facts.get("license", "BY-C"))


def _amounts(counts: dict[str, int]) -> dict[str, float]:
    return {element: float(counts[element]) for element in sorted(counts)}


def _metal(told: Told) -> bool | None:
    gap = told.value("band_gap")
    return None if gap is None else gap < METAL_BELOW


def _stable(told: Told) -> bool | None:
    above = told.value("energy_above_hull")
    return None if above is None else above == 0.0


def _magnetic(told: Told) -> bool | None:
    moment_per_atom = told.value("magnetization_per_atom")
    return None if moment_per_atom is None else abs(moment_per_atom) > 1e-3


def run_type(told: Told) -> str:
    """emmet's RunType of the task behind the document."""
    return RUN_TYPES.get(told.telling.level_of_theory, "GGA")


def _told(name: str) -> Field:
    return lambda told: told.value(name)


SUMMARY: dict[str, Field] = {
    "builder_meta": build,
    "nsites": lambda told: len(told.crystal),
    "elements": lambda told: told.elements,
    "nelements": lambda told: len(told.crystal.counts),
    "composition": lambda told: _amounts(told.crystal.counts),
    "composition_reduced": lambda told: _amounts(formulas.reduced(told.crystal.counts)),
    "formula_pretty": lambda told: told.crystal.reduced_formula,
    "formula_anonymous": lambda told: formulas.anonymous(told.crystal.counts, largest_first=False),
    "chemsys": lambda told: "-".join(told.elements),
    "volume": lambda told: told.crystal.volume,
    "density": derived(lambda told: told.density),
    "density_atomic": derived(lambda told: told.crystal.volume / len(told.crystal)),
    "symmetry": symmetry,
    "property_name": lambda told: "summary",
    "material_id": lambda told: told.id,
    "deprecated": lambda told: bool(told.telling.facts.get("deprecated", False)),
    "last_updated": moment,
    "origins": origins,
    "warnings": lambda told: [],
    "structure": structure,
    "task_ids": lambda told: [told.id],
    "formation_energy_per_atom": _told("formation_energy_per_atom"),
    "energy_above_hull": _told("energy_above_hull"),
    "is_stable": _stable,
    "band_gap": _told("band_gap"),
    "efermi": _told("fermi_energy"),
    "is_metal": _metal,
    "is_magnetic": _magnetic,
    "total_magnetization": magnetization,
    "total_magnetization_normalized_vol": partial(magnetization_per, unit="volume"),
    "total_magnetization_normalized_formula_units": partial(magnetization_per, unit="formula"),
    "bulk_modulus": partial(moduli, name="bulk_modulus"),
    "shear_modulus": partial(moduli, name="shear_modulus"),
    "universal_anisotropy": _told("universal_anisotropy"),
    "e_total": _told("static_dielectric_constant"),
    "e_ionic": ionic,
    "e_electronic": _told("optical_dielectric_constant"),
    "n": _told("refractive_index"),
    "e_ij_max": _told("piezoelectric_modulus"),
    "theoretical": lambda told: bool(told.telling.facts.get("theoretical", False)),
    "database_IDs": lambda told: {},
    "phonon_IDs": phonon_ids,
    "has_props": properties_had,
} | dict.fromkeys(UNTOLD, lambda told: None)

# /materials/core/: the fields a query without properties needs, and the run type of every task
CORE: dict[str, Field] = {
    name: SUMMARY[name]
    for name in (
        "material_id", "formula_pretty", "chemsys", "elements", "nelements", "nsites", "volume", "density", "symmetry",
        "structure", "deprecated", "last_updated", "origins", "task_ids", "builder_meta",
    )
} | {"run_types": lambda told: {told.id: run_type(told)}}  # fmt: skip

TASK: dict[str, Field] = {
    "task_id": lambda told: told.id,
    "run_type": run_type,
    "task_type": lambda told: "Static",
    "calc_type": lambda told: f"{run_type(told)} Static",
    "formula_pretty": SUMMARY["formula_pretty"],
    "last_updated": moment,
    "builder_meta": build,
}
