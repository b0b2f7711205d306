"""The routes of Materials Project: what a crawl keeps of each, and how each may be asked.

What belongs here: facts about emmet-api and emmet-core 0.87.3, read in their source. Only summary has an order.
Summary, core and thermo may be asked by numbers of elements and sites, elasticity and thermo by chemical system; phonon
knows no materials, and summary tells its ids. An unknown parameter is refused with status 400, so each route is asked
only what it knows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lake.sources.page import MAIN

SUMMARY_FIELDS = (
    "material_id", "formula_pretty", "structure", "symmetry", "theoretical", "deprecated", "last_updated", "origins",
    "builder_meta", "database_IDs", "task_ids",
    "formation_energy_per_atom", "energy_above_hull", "energy_per_atom", "uncorrected_energy_per_atom", "is_stable",
    "band_gap", "cbm", "vbm", "efermi", "is_gap_direct", "is_metal",
    "ordering", "total_magnetization", "total_magnetization_normalized_formula_units",
    "bulk_modulus", "shear_modulus", "universal_anisotropy", "homogeneous_poisson",
    "e_total", "e_ionic", "e_electronic", "n", "e_ij_max", "weighted_surface_energy", "weighted_work_function",
    "surface_anisotropy", "shape_factor", "volume", "density",
)  # fmt: skip
COMMON = ("material_id", "last_updated", "deprecated", "builder_meta", "origins", "warnings")
TENSORS = ("total", "ionic", "electronic")

# names of the parameters that divide a collection
BY_SIZE = frozenset({"nelements_min", "nelements_max", "nsites_min", "nsites_max"})
ELEMENTS, CHEMSYS = frozenset({"elements"}), frozenset({"chemsys"})

# nelements -> largest nsites of each part but the last
PARTS = {"1": (), "2": (6, 14), "3": (6, 12, 20, 32), "4": (16, 28, 44), "5": (40,), "6-": ()}


@dataclass(frozen=True, eq=False)  # a route is itself, and may be a key
class Route:
    """One route.

    name: as records call it, MAIN for summary. path: below `/materials/`. fields: what a crawl keeps of a document.
    words: where its documents stand in a payload. told_as: what summary's `has_props` calls it.
    always: what every question to it says. takes: parameters by which a part of it may be asked.
    sort: the field that orders it, empty where it has no order. model: emmet-core's class, `module.Class`.
    """

    name: str
    path: str
    fields: tuple[str, ...]
    model: str
    words: tuple[str, ...] = ()
    told_as: str = ""
    always: Mapping[str, object] = field(default_factory=dict)
    takes: frozenset[str] = frozenset()
    sort: str = ""

    @property
    def title(self) -> str:
        """The name for keys and people: `summary` for the main route."""
        return self.name or "summary"

    @property
    def has_own_ids(self) -> bool:
        """Whether its documents know nothing of the material: phonon's are found by the ids that summary tells."""
        return self.path == "phonon"

    @property
    def has_schemes(self) -> bool:
        """Whether summary's `has_props` tells only that there is one of several: thermo's mixing schemes."""
        return len(self.words) > 1

    def may_be_asked(self, criteria: Collection[str]) -> bool:
        """Whether these parameters can be put to the route itself; else summary must say which materials are meant."""
        return not self.has_own_ids and frozenset(criteria) <= self.takes


def _thermo(kind: str, *asked: str) -> Route:
    """One mixing scheme's hull: schemes share no energies, so each is a route of its own."""
    fields = (
        *COMMON, "thermo_type", "energy_type", "entry_types", "uncorrected_energy_per_atom", "energy_per_atom",
        "energy_uncertainy_per_atom", "formation_energy_per_atom", "energy_above_hull", "is_stable",
        "equilibrium_reaction_energy_per_atom", "decomposes_to", "decomposition_enthalpy",
    )  # fmt: skip
    return Route(
        f"thermo/{kind}", "thermo", fields, "thermo.ThermoDoc", ("thermo", kind), "thermo",
        {"thermo_types": ",".join((kind, *asked))}, BY_SIZE | CHEMSYS,
    )  # fmt: skip


SUMMARY = Route(
    MAIN, "summary", SUMMARY_FIELDS, "summary.SummaryDoc",
    always={"deprecated": False}, takes=BY_SIZE | ELEMENTS | CHEMSYS, sort="material_id",
)  # fmt: skip
CORE = Route(
    "core", "core", ("material_id", "run_types"), "vasp.material.MaterialsDoc",
    always={"deprecated": False}, takes=BY_SIZE | ELEMENTS | CHEMSYS,
)  # fmt: skip
ELASTICITY = Route(
    "elasticity", "elasticity",
    (
        *COMMON, "order", "state", "fitting_method", "elastic_tensor", "bulk_modulus", "shear_modulus",
        "young_modulus", "universal_anisotropy", "homogeneous_poisson", "debye_temperature", "sound_velocity",
        "thermal_conductivity",  # Clarke's and Cahill's lowest possible, not the lattice's own
    ),
    "elasticity.ElasticityDoc", ("elasticity",), "elasticity", takes=CHEMSYS,
)  # fmt: skip
DIELECTRIC = Route(
    "dielectric", "dielectric", (*COMMON, *TENSORS, "e_total", "e_ionic", "e_electronic", "n"),
    "polar.DielectricDoc", ("dielectric",), "dielectric",
)  # fmt: skip
PIEZOELECTRIC = Route(
    "piezoelectric", "piezoelectric", (*COMMON, *TENSORS, "e_ij_max", "max_direction", "strain_for_max"),
    "polar.PiezoelectricDoc", ("piezoelectric",), "piezoelectric",
)  # fmt: skip
MAGNETISM = Route(
    "magnetism", "magnetism",
    (
        *COMMON, "ordering", "is_magnetic", "exchange_symmetry", "num_magnetic_sites", "num_unique_magnetic_sites",
        "types_of_magnetic_species", "magmoms", "total_magnetization", "total_magnetization_normalized_vol",
        "total_magnetization_normalized_formula_units",
    ),
    "magnetism.MagnetismDoc", ("magnetism",), "magnetism",
)  # fmt: skip
PHONON = Route(
    "phonon", "phonon",
    (
        "identifier", "last_updated", "phonon_method", "code", "total_dft_energy", "epsilon_static",
        "epsilon_electronic", "born", "sum_rules_breaking", "volume_per_formula_unit", "formula_units",
    ),
    "phonon.PhononBSDOSDoc", ("phonon",), "phonon",
)  # fmt: skip
# the server writes R2SCAN as r2SCAN where the type stands for a run type
THERMO = (_thermo("GGA_GGA+U"), _thermo("GGA_GGA+U_R2SCAN"), _thermo("R2SCAN", "r2SCAN"))

# setting's word -> routes
GROUPS: dict[str, tuple[Route, ...]] = {
    "summary": (SUMMARY,), "elasticity": (ELASTICITY,), "dielectric": (DIELECTRIC,),
    "piezoelectric": (PIEZOELECTRIC,), "magnetism": (MAGNETISM,), "thermo": THERMO, "phonon": (PHONON,),
}  # fmt: skip
ROUTES = {route.name: route for group in GROUPS.values() for route in group}


def routes_named(words: str) -> tuple[Route, ...]:
    """The routes of a comma-separated list of names; ValueError, with what there is, for a name that is none."""
    asked = [word.strip() for word in words.split(",") if word.strip()]
    strange = [word for word in asked if word not in GROUPS]
    if strange or not asked:
        found = ", ".join(strange) or "none"
        raise ValueError(f"routes of Materials Project must be among {', '.join(GROUPS)}; found {found} in {words!r}")
    return tuple(route for word in dict.fromkeys(asked) for route in GROUPS[word])


def parts() -> list[dict[str, int]]:
    """The criteria of every part of a collection that may be asked by size: no document lies in two.

    The largest, of ternaries with up to six sites, holds 13 % of the 33,072 materials of 2018 that were counted.
    """
    found = []
    for nelements, edges in PARTS.items():
        low, _, high = nelements.partition("-")
        criteria = {"nelements_min": int(low)} | (
            {} if nelements.endswith("-") else {"nelements_max": int(high or low)}
        )
        bounds = [1, *(edge + 1 for edge in edges)], [*edges, None]
        for smallest, largest in zip(*bounds, strict=True):
            sites = {"nsites_min": smallest} if smallest > 1 else {}
            found.append(criteria | sites | ({"nsites_max": largest} if largest else {}))
    return found


def within(words: tuple[str, ...], document: object) -> dict[str, object]:
    """A document under these words, from the outermost in."""
    for word in reversed(words):
        document = {word: document}
    return document  # type: ignore[return-value]
