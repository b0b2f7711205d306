"""Who tells what: every crystal of the sample as six databases would tell it.

What belongs here: which database has which crystal, under which id, in which cell, with which values; and the truth
about who told the same crystal. How a cell is rewritten belongs to `retelling.py`, the wire formats to the mirror.

Everything is drawn from generators seeded by source and name, so that nothing depends on order: a crystal appended to
the file changes no other telling. Values are PBE values throughout, so no telling claims a `+U`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
import polars as pl

from lake.crystal import Crystal
from lake.sample.crystals import MEASURED, SampleCrystal, sample_crystals
from lake.sample.frameworks import frameworks
from lake.sample.retelling import conventional, disturbed, primitive, reordered, sheared, shifted, stretched, supercell
from lake.sample.seeds import generator, hexadecimal
from lake.sample.slabs import slabs
from lake.sample.telling import Telling

SHARE = {"mp": 0.85, "aflow": 0.60, "oqmd": 0.65, "cod": 0.70}  # of the sample's crystals that a database has
TWICE = 0.04  # of those, told a second time in another cell
RELAXATION = (0.003, 0.009)  # how much longer PBE's lattice is than experiment's, and within what identity forgives
SPREAD = 0.01  # relative difference between two databases' values of one property

TOLD = {
    "mp": (
        "band_gap", "formation_energy_per_atom", "magnetization_per_atom", "bulk_modulus", "shear_modulus",
        "static_dielectric_constant", "optical_dielectric_constant", "refractive_index",
    ),
    "aflow": (
        "band_gap", "formation_energy_per_atom", "magnetization_per_atom", "bulk_modulus", "shear_modulus",
        "debye_temperature_agl", "thermal_conductivity_agl",
    ),
    "oqmd": ("band_gap", "formation_energy_per_atom"),
    "cod": (),
}  # fmt: skip
TELLS_HULL = ("mp", "oqmd")

MINERALS = {
    "rock salt NaCl": "Halite", "rock salt KCl": "Sylvite", "rock salt MgO": "Periclase", "rock salt PbS": "Galena",
    "diamond C": "Diamond", "zincblende ZnS": "Sphalerite", "wurtzite ZnS": "Wurtzite", "wurtzite ZnO": "Zincite",
    "wurtzite BeO": "Bromellite", "fluorite CaF2": "Fluorite", "rutile TiO2": "Rutile", "anatase TiO2": "Anatase",
    "brookite TiO2": "Brookite", "rutile SnO2": "Cassiterite", "stishovite SiO2": "Stishovite",
    "pyrite FeS2": "Pyrite",
    "marcasite FeS2": "Marcasite", "cuprite Cu2O": "Cuprite", "corundum Al2O3": "Corundum",
    "corundum Fe2O3": "Hematite",
    "spinel MgAl2O4": "Spinel", "spinel Fe3O4": "Magnetite", "calcite CaCO3": "Calcite", "calcite MgCO3": "Magnesite",
    "zircon ZrSiO4": "Zircon", "forsterite Mg2SiO4": "Forsterite", "ringwoodite Mg2SiO4": "Ringwoodite",
    "bridgmanite MgSiO3": "Bridgmanite", "baddeleyite ZrO2": "Baddeleyite", "brucite MgO2H2": "Brucite",
    "fcc Cu": "Copper", "fcc Ag": "Silver", "fcc Pt": "Platinum", "zincblende SiC": "Moissanite",
    "6H SiC": "Moissanite",
}  # fmt: skip
YEARS = (1920, 2026)  # drawn, so that a split by time has something to part; of no real publication
COLD = {"bcc Li": 78, "bcc Na": 5, "bcc K": 5, "bcc Rb": 5}  # K, where the cell was not measured at room temperature


@lru_cache(maxsize=1)
def tellings() -> list[Telling]:
    """Every telling of the sample, database by database."""
    bulk = [telling for source in SHARE for telling in _bulk_tellings(source)]
    return [*bulk, *_predicted(), *_adsorbed()]


def same_crystal() -> dict[tuple[str, str], str]:
    """(source, source_id) -> truth, the sample's name of the crystal."""
    return {(telling.source, telling.source_id): str(telling.truth) for telling in tellings()}


def handbook() -> pl.DataFrame:
    """Measured values keyed by the COD entry that tells the same crystal, ready to import as one's own labels."""
    entries: dict[str, str] = {}
    for telling in tellings():
        if telling.source == "cod":
            entries.setdefault(str(telling.truth), f"cod:{telling.source_id}")
    rows = [
        (entries[sample.name], name, value, MEASURED[name], "sample value, rounded from textbooks", "CC0-1.0")
        for sample in sample_crystals()
        for name, value in sample.measured.items()
    ]
    columns = {"entry_id": pl.String, "property": pl.String, "value": pl.Float64, "unit": pl.String}
    return pl.DataFrame(rows, schema=columns | {"reference": pl.String, "licence": pl.String}, orient="row")


def _bulk_tellings(source: str) -> Iterator[Telling]:
    for row, sample in enumerate(sample_crystals()):
        drawn = generator(source, sample.name, "has").random() < SHARE[source]
        if drawn or _must_have(source, sample):
            yield _told(source, row, sample, time=0)
            if generator(source, sample.name, "twice").random() < TWICE:
                yield _told(source, row, sample, time=1)


def _must_have(source: str, sample: SampleCrystal) -> bool:
    """COD has what the handbook is keyed by; a rare property is told by the one database that computes it."""
    match source:
        case "cod":
            return bool(sample.measured)
        case "aflow":
            return "thermal_conductivity_agl" in sample.computed
        case "mp":
            return "optical_dielectric_constant" in sample.computed
        case _:
            return False


def _told(source: str, row: int, sample: SampleCrystal, time: int) -> Telling:
    """One database's account of one crystal; `time` is 0 for the first and 1 for a second entry of the same."""
    rng = generator(source, sample.name, f"cell {time}")
    return Telling(
        source=source,
        source_id=_identifier(source, row, sample.name, time),
        crystal=_CELLS[source](sample.crystal, time, rng),
        values=_values(source, sample, generator(source, sample.name, f"values {time}")),
        level_of_theory="experiment" if source == "cod" else "PBE",
        truth=sample.name,
        facts=_facts(source, row, sample, time),
    )


def _identifier(source: str, row: int, name: str, time: int) -> str:
    """Ids as each database writes them, at the ends of its ranges; rows are only ever appended."""
    match source:
        case "mp":
            # the last of its numeric ids: above mp-3347529 Materials Project writes letters
            return f"mp-{3_330_001 + row + 5_000 * time}"
        case "aflow":
            return f"aflow:{hexadecimal(source, name, str(time))}"
        case "oqmd":
            return str(9_900_001 + row + 5_000 * time)
        case _:
            return str(9_990_001 + row + 5_000 * time)


def _as_mp(crystal: Crystal, time: int, rng: np.random.Generator) -> Crystal:
    """Primitive standard cell (the second entry conventional), relaxed, with the last bits of a relaxation as noise."""
    cell = conventional(crystal) if time else primitive(crystal)
    return disturbed(stretched(cell, rng.uniform(*RELAXATION)), 0.003, rng)


def _as_aflow(crystal: Crystal, time: int, rng: np.random.Generator) -> Crystal:
    """Conventional or primitive cell, relaxed, from another origin and with sites in another order."""
    cell = conventional(crystal) if (rng.random() < 0.5) ^ bool(time) else primitive(crystal)
    return reordered(shifted(stretched(cell, rng.uniform(*RELAXATION)), rng), rng)


def _as_oqmd(crystal: Crystal, time: int, rng: np.random.Generator) -> Crystal:
    """A sheared primitive cell, every fifth (and every second entry) a supercell, relaxed, with a little noise."""
    cell = stretched(sheared(primitive(crystal), rng), rng.uniform(*RELAXATION))
    if time or (rng.random() < 0.2 and len(cell) <= 12):
        cell = supercell(cell, (1, 1, 2) if rng.random() < 0.5 else (2, 1, 1))
    return disturbed(cell, 0.003, rng)


def _as_cod(crystal: Crystal, time: int, rng: np.random.Generator) -> Crystal:
    """The experimental cell; two experiments differ by half a permille, a second one chose another origin."""
    cell = stretched(crystal, rng.uniform(-5e-4, 5e-4))
    return shifted(cell, rng) if time else cell


_CELLS = {"mp": _as_mp, "aflow": _as_aflow, "oqmd": _as_oqmd, "cod": _as_cod}


def _values(source: str, sample: SampleCrystal, rng: np.random.Generator) -> dict[str, float]:
    """The computed values a database tells, each about 1 % from the sample's own; 0 stays 0."""
    values = {}
    for name in TOLD[source]:
        factor = 1 + SPREAD * float(np.clip(rng.normal(), -2, 2))
        if name in sample.computed:
            values[name] = float(f"{sample.computed[name] * factor:.4g}")
    if "refractive_index" in values:  # the same quantity twice
        values["refractive_index"] = float(f"{values['optical_dielectric_constant'] ** 0.5:.4g}")
    if source in TELLS_HULL and sample.name in _above_hull():
        values["energy_above_hull"] = _above_hull()[sample.name]
    return values


@lru_cache(maxsize=1)
def _above_hull() -> Mapping[str, float]:
    """eV/atom above the best polymorph the sample knows, where the formation energy is known."""
    known = {s.name: s for s in sample_crystals() if "formation_energy_per_atom" in s.computed}
    lowest: dict[str, float] = {}
    for sample in known.values():
        formula, energy = sample.crystal.reduced_formula, sample.computed["formation_energy_per_atom"]
        lowest[formula] = min(energy, lowest.get(formula, 0.0))
    return {
        name: round(s.computed["formation_energy_per_atom"] - lowest[s.crystal.reduced_formula], 4)
        for name, s in known.items()
    }


def _facts(source: str, row: int, sample: SampleCrystal, time: int) -> dict[str, object]:
    from pymatgen.symmetry.groups import sg_symbol_from_int_number

    number = sample.space_group
    facts: dict[str, object] = {
        "prototype": sample.prototype,
        "space_group_number": number,
        "space_group_symbol": sg_symbol_from_int_number(number),
    }
    if source == "cod":
        facts["temperature"] = COLD.get(sample.name, 295)
        facts["year"] = int(generator(source, sample.name, f"year {time}").integers(*YEARS))
        if sample.name in MINERALS:
            facts["mineral"] = MINERALS[sample.name]
    if source == "oqmd":
        facts |= {"entry_id": 4_900_001 + row + 5_000 * time, "calculation_id": 6_900_001 + row + 5_000 * time}
    return facts


def _predicted() -> Iterator[Telling]:
    """PCOD tells frameworks, and nothing but their geometry."""
    for row, framework in enumerate(frameworks()):
        yield Telling(
            source="pcod",
            source_id=str(8_990_001 + row),
            crystal=framework.crystal,
            level_of_theory="GRINSP model",
            truth=framework.name,
            facts={"net": framework.net, "theoretical": True},
        )


def _adsorbed() -> Iterator[Telling]:
    """Open Catalyst tells slabs: adsorption energy against clean slab and gas, never a bulk property."""
    for row, slab in enumerate(slabs()):
        yield Telling(
            source="ocp",
            source_id=f"random{9_900_001 + row}",
            crystal=slab.crystal,
            values={"adsorption_energy": slab.adsorption_energy},
            level_of_theory="RPBE",
            truth=slab.name,
            facts={
                "kind": "slab+adsorbate",
                "adsorbate": slab.adsorbate,
                "adsorption_site": slab.site,
                "metal": slab.metal,
                "miller_index": slab.miller_index,
                "total_energy": slab.total_energy,
                "reference_energy": round(slab.total_energy - slab.adsorption_energy, 4),
                "tags": slab.tags,
            },
        )
