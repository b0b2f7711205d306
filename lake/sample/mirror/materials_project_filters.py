"""Which documents a query selects: emmet's filters, as query parameters.

`<field>_min`, `_max`, `_not_eq`, `_eq_any`, `_neq_any` and plain equality on a route's numbers, words or flags; lists
of ids, formulas, systems and elements. Each route knows some of them and refuses the others. Where a route knows them,
two filters hold unless a query says otherwise: `deprecated` is false and `license` is BY-C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from lake.sample.mirror.materials_project_summary import Field, licence
from lake.sample.mirror.told import Told

Test = Callable[[Told], bool]
DEFAULTS = {"deprecated": "false", "license": "BY-C"}
# query parameter -> dotted path of the document, where the two differ
PATHS = {
    "k_vrh": "bulk_modulus.vrh", "k_voigt": "bulk_modulus.voigt", "k_reuss": "bulk_modulus.reuss",
    "g_vrh": "shear_modulus.vrh", "g_voigt": "shear_modulus.voigt", "g_reuss": "shear_modulus.reuss",
    "spacegroup_number": "symmetry.number", "spacegroup_symbol": "symmetry.symbol",
    "crystal_system": "symmetry.crystal_system", "batch_id": "builder_meta.batch_id",
}  # fmt: skip
SUFFIXES = ("_min", "_max", "_not_eq", "_eq_any", "_neq_any")
SCALARS = frozenset({
    "nsites", "nelements", "volume", "density", "density_atomic", "formation_energy_per_atom", "energy_above_hull",
    "energy_per_atom", "uncorrected_energy_per_atom", "equilibrium_reaction_energy_per_atom", "band_gap", "efermi",
    "total_magnetization", "total_magnetization_normalized_vol", "total_magnetization_normalized_formula_units",
    "num_magnetic_sites", "num_unique_magnetic_sites", "e_total", "e_ionic", "e_electronic", "n", "e_ij_max",
    "universal_anisotropy", "homogeneous_poisson", "weighted_surface_energy", "weighted_work_function",
    "surface_anisotropy", "shape_factor", "ordering", "is_stable", "is_metal", "is_gap_direct", "theoretical",
    "has_reconstructed", "deprecated", "run_type", "decomposition_enthalpy", "phonon_method",
})  # fmt: skip


SIZES = frozenset({"nsites", "nelements", "volume", "density", "density_atomic"})
MODULI = frozenset({"k_vrh", "k_voigt", "k_reuss", "g_vrh", "g_voigt", "g_reuss"})
SYMMETRY = frozenset({"crystal_system", "spacegroup_number", "spacegroup_symbol"})
COMPOSITION = frozenset({"formula", "chemsys", "elements", "exclude_elements"})
MOMENTS = frozenset({
    "ordering", "total_magnetization", "total_magnetization_normalized_vol", "num_magnetic_sites",
    "total_magnetization_normalized_formula_units", "num_unique_magnetic_sites",
})  # fmt: skip
ENERGIES = frozenset({
    "uncorrected_energy_per_atom", "energy_per_atom", "formation_energy_per_atom", "energy_above_hull",
    "equilibrium_reaction_energy_per_atom", "decomposition_enthalpy",
})  # fmt: skip
# what each route can be asked by, suffixes left away
KNOWN: dict[str, frozenset[str]] = {
    "summary": COMPOSITION | frozenset(PATHS) | SCALARS | {"material_ids", "license", "has_props"},
    "core": COMPOSITION | SYMMETRY | SIZES | {"material_ids", "task_ids", "deprecated", "license", "batch_id"},
    "tasks": frozenset({"task_ids", "formula", "chemsys", "elements", "exclude_elements", "run_type"}),
    "thermo": SIZES | ENERGIES | {"material_ids", "thermo_types", "formula", "chemsys", "is_stable", "license"},
    "elasticity": MODULI | {"material_ids", "chemsys"},
    "dielectric": frozenset({"material_ids", "e_total", "e_ionic", "e_electronic", "n"}),
    "piezoelectric": frozenset({"material_ids"}),
    "magnetism": MOMENTS | {"material_ids"},
    "phonon": COMPOSITION | SYMMETRY | SIZES | {"identifiers", "phonon_method"},
}


class UnknownParameter(ValueError):
    """A parameter the server does not know; it answers 400."""


class BadFilter(ValueError):
    """A value that cannot be read; it answers 400."""


def selected(route: str, shelf: Iterable[Told], fields: Mapping[str, Field], query: Mapping[str, str]) -> list[Told]:
    """The route's documents that pass every filter, in the shelf's order; raises UnknownParameter, BadFilter."""
    defaults = {name: value for name, value in DEFAULTS.items() if name in KNOWN[route] and name not in query}
    tests: list[Test] = []
    unknown = []
    for name, value in (dict(query) | defaults).items():  # defaults last: they let nearly everything pass
        if _stem(name) in KNOWN[route]:
            tests.append(_test(fields, name, value))
        else:
            unknown.append(name)
    if unknown:
        raise UnknownParameter(f"Request contains query parameters which cannot be used: {', '.join(unknown)}")
    return [told for told in shelf if all(test(told) for test in tests)]


def _stem(name: str) -> str:
    """A parameter without what it asks of its field."""
    return name.removesuffix(_suffix(name))


def _suffix(name: str) -> str:
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def _test(fields: Mapping[str, Field], name: str, value: str) -> Test:
    words = [word.strip() for word in value.split(",")]
    if name in ("material_ids", "task_ids", "identifiers"):
        wanted = {_number(word) for word in words}
        return lambda told: _number(told.id) in wanted
    if name == "license":
        return lambda told: value == "All" or licence(told) == value
    if name == "formula":
        return lambda told: fields["formula_pretty"](told) in words or fields["formula_anonymous"](told) in words
    if name == "chemsys":
        systems = {"-".join(sorted(word.split("-"))) for word in words}
        return lambda told: "-".join(told.elements) in systems
    if name == "elements":
        return lambda told: set(words) <= set(told.crystal.counts)
    if name == "exclude_elements":
        return lambda told: not set(words) & set(told.crystal.counts)
    if name == "thermo_types":
        return lambda told: fields["thermo_type"](told) in words
    if name == "has_props":
        return lambda told: all(fields["has_props"](told).get(word) for word in words)  # type: ignore[attr-defined]
    return _scalar_test(fields, name, value)


def _scalar_test(fields: Mapping[str, Field], name: str, value: str) -> Test:
    suffix, stem = _suffix(name), _stem(name)
    path = PATHS.get(stem, stem).split(".")
    wanted = [_read(word) for word in (value.split(",") if suffix.endswith("_any") else [value])]
    if suffix in ("_min", "_max") and not isinstance(wanted[0], float):
        raise BadFilter(f"{name} must be a number, found {value!r}")
    return lambda told: _passes(_at(fields[path[0]](told), path[1:]), suffix, wanted)


def _passes(found: object, suffix: str, wanted: list) -> bool:
    if suffix in ("_not_eq", "_neq_any"):
        return found not in wanted
    if suffix in ("", "_eq_any"):
        return found in wanted
    if found is None:
        return False
    return found >= wanted[0] if suffix == "_min" else found <= wanted[0]  # type: ignore[operator]


def _at(value: object, path: list[str]) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _read(word: str) -> object:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    try:
        return float(word)
    except ValueError:
        return word


@lru_cache(maxsize=100_000)
def _number(material_id: str) -> int:
    """149, of `mp-149` and of its newer form `mp-aaaaaaft`: mp-api asks by the one, documents may tell the other."""
    digits = material_id.rpartition("-")[2]
    if digits.isdigit():
        return int(digits)
    from emmet.core.mpid import AlphaID

    try:
        return int(AlphaID(material_id))
    except Exception as error:
        raise BadFilter(f"material_ids must look like mp-149 or mp-aaaaaaft, found {material_id!r}") from error
