"""What OQMD says about one crystal: one line per field, for OPTIMADE and for REST.

Lattice and Cartesian positions carry 6 decimals in OPTIMADE; in REST a site is a string with 3
significant digits, `Mn @ 0.75 0.25 0.0448`.
Recorded OPTIMADE rows (a telling's verbatim text, the attributes as JSON) win over what is derived from the crystal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import orjson

from lake.sample.mirror import formulas
from lake.sample.mirror.told import Told, space_group_symbol

Field = Callable[[Told], object]
DIGITS, SITE_DIGITS = 6, 3


def formation_energy_id(told: Told) -> int:
    """The integer that is OPTIMADE's id and REST's formationenergy_id."""
    return int(re.sub(r"\D", "", told.id))


def entry_id(told: Told) -> int:
    """OQMD's own entry id: another number than the id of its formation energy."""
    return int(told.telling.facts.get("entry_id", formation_energy_id(told) // 3))  # type: ignore[arg-type]


def duplicate_of(told: Told) -> int:
    """The entry that this one repeats: itself, where the telling names no other."""
    return int(told.telling.facts.get("duplicate_entry_id", entry_id(told)))  # type: ignore[call-overload]


def calculation_id(told: Told) -> int:
    """Id of the static calculation behind the row."""
    return int(told.telling.facts.get("calculation_id", formation_energy_id(told) + 20_000_000))  # type: ignore[arg-type]


def optimade_value(told: Told, name: str) -> object:
    """One attribute: as recorded, where it was."""
    recorded = _recorded(told.telling.verbatim) if told.telling.verbatim else {}
    return recorded[name] if name in recorded else OPTIMADE[name](told)


def lattice(told: Told) -> list[list[float]]:
    """(3, 3) A, rows are cell vectors."""
    return [[_short(x) for x in row] for row in told.crystal.lattice.tolist()]


def cartesian(told: Told) -> list[list[float]]:
    """(n, 3) A."""
    return [[_short(x) for x in row] for row in (told.crystal.positions @ told.crystal.lattice).tolist()]


def direct(told: Told) -> list[list[float]]:
    """(n, 3) fractional."""
    return [[_short(x) for x in row] for row in told.crystal.positions.tolist()]


def sites(told: Told) -> list[str]:
    """REST's strings, `Mn @ 0.75 0.25 0.5`."""
    return [
        f"{symbol} @ {' '.join(f'{x + 0.0:.{SITE_DIGITS}g}' for x in position)}"
        for symbol, position in zip(told.symbols, told.crystal.positions.tolist(), strict=True)
    ]


def species(told: Told) -> list[dict]:
    """OPTIMADE species: every site is one element."""
    return [{"name": e, "chemical_symbols": [e], "concentration": [1.0]} for e in told.elements]


def reduced(told: Told) -> str:
    """Alphabetical reduced formula."""
    return formulas.joined(formulas.reduced(told.crystal.counts))


def icsd(told: Told) -> int | None:
    """Number of the ICSD entry that the structure was taken from, where the telling names one."""
    number = told.telling.facts.get("icsd_id")
    return None if number is None else int(number)  # type: ignore[call-overload]


def prototype(told: Told) -> str | None:
    """Name of the prototype, where the telling names one."""
    name = told.telling.facts.get("prototype")
    return None if name is None else str(name)


def space_group(told: Told) -> str | None:
    """Short Hermann-Mauguin symbol."""
    return space_group_symbol(told.symmetry)


def volume(told: Told) -> float | None:
    """A^3 per cell; none where a recorded row, which is told as it is, has none."""
    return None if told.telling.verbatim and not told.derives else _short(told.crystal.volume)


def stability(told: Told, digits: int | None = None) -> float | None:
    """Distance to OQMD's own hull in eV/atom; negative values are kept."""
    return _rounded(told.value("energy_above_hull"), digits)


def delta_e(told: Told, digits: int | None = None) -> float | None:
    """Formation energy in eV/atom, from OQMD's fitted references."""
    return _rounded(told.value("formation_energy_per_atom"), digits)


def _short(number: float) -> float:
    return round(number, DIGITS) + 0.0


def _rounded(number: float | None, digits: int | None) -> float | None:
    return number if number is None or digits is None else round(number, digits) + 0.0


@lru_cache(maxsize=4096)
def _recorded(text: str) -> dict:
    return orjson.loads(text)


OPTIMADE: dict[str, Field] = {
    "_oqmd_entry_id": entry_id,
    "_oqmd_calculation_id": calculation_id,
    "_oqmd_icsd_id": icsd,
    "_oqmd_band_gap": lambda told: told.value("band_gap"),
    "_oqmd_delta_e": lambda told: delta_e(told, 4),
    "_oqmd_stability": lambda told: stability(told, 3),
    "_oqmd_prototype": prototype,
    "_oqmd_spacegroup": space_group,
    "_oqmd_volume": volume,
    "last_modified": lambda told: None,
    "elements": lambda told: told.elements,
    "nelements": lambda told: len(told.elements),
    "chemical_formula_reduced": reduced,
    "chemical_formula_descriptive": reduced,
    "chemical_formula_anonymous": lambda told: formulas.anonymous(told.crystal.counts, largest_first=True),
    "nperiodic_dimensions": lambda told: 3,
    "nsites": lambda told: len(told.crystal),
    "lattice_vectors": lattice,
    "cartesian_site_positions": cartesian,
    "species_at_sites": lambda told: told.symbols,
    "structure_features": lambda told: [],
    "elements_ratios": lambda told: None,
    "dimension_types": lambda told: [1, 1, 1],
    "species": species,
    "_oqmd_direct_site_positions": direct,
}
OPTIMADE_DEFAULT = [
    name for name in OPTIMADE
    if name not in ("elements_ratios", "dimension_types", "species", "_oqmd_direct_site_positions")
]  # fmt: skip

REST: dict[str, Field] = {
    "name": lambda told: told.crystal.reduced_formula,
    "entry_id": entry_id,
    "calculation_id": calculation_id,
    "icsd_id": icsd,
    "formationenergy_id": formation_energy_id,
    "duplicate_entry_id": duplicate_of,
    "composition": lambda told: formulas.joined(formulas.reduced(told.crystal.counts), ones=True, between=" "),
    "composition_generic": lambda told: formulas.anonymous(told.crystal.counts, largest_first=False),
    "prototype": prototype,
    "spacegroup": space_group,
    "volume": lambda told: round(told.crystal.volume, 4),
    "ntypes": lambda told: len(told.elements),
    "natoms": lambda told: len(told.crystal),
    "unit_cell": lattice,
    "sites": sites,
    "band_gap": lambda told: told.value("band_gap"),
    "delta_e": delta_e,
    "stability": stability,
    "fit": lambda told: "standard",
    "calculation_label": lambda told: "static",
}
