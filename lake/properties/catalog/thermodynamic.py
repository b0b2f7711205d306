"""Energies of crystals: formation, hull, decomposition, totals.

Source: emmet-core 0.87 (SummaryDoc, ThermoDoc), AFLUX keywords (aflow 0.0.11), OQMD's OPTIMADE fields. Energies of
different schemes are readings of one property, each with its own level and correction, which nobody may average.
Corrected and uncorrected totals are two properties. Summary tells the mixed scheme, whose own route would say it again:
that route is read only for what crawls do not keep of a summary.
"""

from __future__ import annotations

from lake.properties.catalog.theory import (
    GGA_AND_U,
    HULLS_FIRST,
    MIXED,
    MP2020,
    MP2020_MIXED,
    OQMD_FITTED,
    PBE_FIRST,
    R2SCAN,
)
from lake.properties.definition import Property, Reading

TOTALS = "DFT total energies"
HULL = "convex hull of Materials Project"
CORRECTION = {GGA_AND_U: MP2020, MIXED: MP2020_MIXED, R2SCAN: "none"}
SCHEME = {R2SCAN: "R2SCAN"}  # the scheme's name where it is not the level's


def _summary(field: str, method: str, correction: str = MP2020_MIXED) -> Reading:
    """A summary's energy: the mixed scheme."""
    return Reading("mp", field, "eV/atom", method, MIXED, correction)


def _thermo(level: str, field: str, method: str, correction: str | None = None) -> Reading:
    """The same field on the hull of one scheme."""
    scheme = SCHEME.get(level, level)
    correction = CORRECTION[level] if correction is None else correction
    path, route = f"thermo.{scheme}.{field}", f"thermo/{scheme}"
    return Reading("mp", path, "eV/atom", method, level, correction, route)


THERMODYNAMIC = (
    Property(
        "formation_energy_per_atom", "Formation energy (computed, DFT)", "eV/atom",
        "Energy of the crystal minus that of its elements, per atom. Corrections and references differ by source.",
        "thermodynamic", "computed", -10.0, 10.0,
        (
            _summary("formation_energy_per_atom", TOTALS),
            _thermo(GGA_AND_U, "formation_energy_per_atom", TOTALS),
            _thermo(R2SCAN, "formation_energy_per_atom", TOTALS),
            Reading("aflow", "enthalpy_formation_atom", "eV/atom", TOTALS),
            Reading("oqmd", "_oqmd_delta_e", "eV/atom", TOTALS, correction=OQMD_FITTED),
        ),
        HULLS_FIRST, kind="extensive", family="formation_energy_per_atom",
    ),
    Property(
        "formation_enthalpy_measured", "Formation enthalpy (measured)", "eV/atom",
        "Heat of formation from the elements at 298 K, per atom, from calorimetry.",
        "thermodynamic", "measured", -10.0, 10.0,
        (Reading("labels", "formation_enthalpy_measured", "eV/atom", "experiment", "experiment"),),
        kind="extensive",
    ),
    Property(
        "energy_above_hull", "Energy above hull (computed, DFT)", "eV/atom",
        "Distance to the convex hull of the same database: 0 is stable there. OQMD's may be negative.",
        "thermodynamic", "computed", -5.0, 20.0,
        (
            _summary("energy_above_hull", HULL),
            _thermo(GGA_AND_U, "energy_above_hull", HULL),
            _thermo(R2SCAN, "energy_above_hull", HULL),
            Reading("oqmd", "_oqmd_stability", "eV/atom", "convex hull of OQMD", correction=OQMD_FITTED),
        ),
        HULLS_FIRST, kind="extensive", family="energy_above_hull", zero=0.001,
    ),
    Property(
        "decomposition_enthalpy_per_atom", "Decomposition enthalpy (computed, DFT)", "eV/atom",
        "Energy against the best mixture of other phases, the crystal itself left out: negative for what is stable.",
        "thermodynamic", "computed", -20.0, 20.0,
        tuple(_thermo(level, "decomposition_enthalpy", HULL) for level in (MIXED, GGA_AND_U, R2SCAN)),
        HULLS_FIRST, kind="extensive", family="energy_above_hull",
        family_words="the same for what is not on the hull; negative for what is, where the distance to it is 0",
    ),
    Property(
        "equilibrium_reaction_energy_per_atom", "Equilibrium reaction energy (computed, DFT)", "eV/atom",
        "How far a stable crystal lies below the hull of its neighbours, per atom; there is none for an unstable one.",
        "thermodynamic", "computed", -20.0, 0.001,
        tuple(
            _thermo(level, "equilibrium_reaction_energy_per_atom", HULL) for level in (MIXED, GGA_AND_U, R2SCAN)
        ),
        HULLS_FIRST, kind="extensive", family="energy_above_hull",
        family_words="for what is on the hull, nearly its decomposition enthalpy",
    ),
    Property(
        "total_energy_per_atom", "Total energy, corrected (computed, DFT)", "eV/atom",
        "Materials Project's total energy with its corrections. Its zero is the pseudopotentials': compare within one "
        "level alone.",
        "thermodynamic", "computed", -200.0, 20.0,
        (
            _summary("energy_per_atom", TOTALS),
            _thermo(GGA_AND_U, "energy_per_atom", TOTALS),
            _thermo(R2SCAN, "energy_per_atom", TOTALS),
        ),
        HULLS_FIRST, kind="extensive", family="formation_energy_per_atom",
        family_words="plus the energies of the elements, which the formula fixes",
    ),
    Property(
        "total_energy_per_atom_uncorrected", "Total energy, uncorrected (computed, DFT)", "eV/atom",
        "Energy as the code gives it. Its zero is the pseudopotentials', so databases do not agree on it. Of the mixed "
        "scheme it may be any functional's, and nothing is learnt from that.",
        "thermodynamic", "computed", -200.0, 20.0,
        (
            _summary("uncorrected_energy_per_atom", TOTALS, "none"),
            _thermo(GGA_AND_U, "uncorrected_energy_per_atom", TOTALS, "none"),
            _thermo(R2SCAN, "uncorrected_energy_per_atom", TOTALS, "none"),
            Reading("aflow", "energy_atom", "eV/atom", TOTALS),
        ),
        PBE_FIRST, kind="extensive", family="formation_energy_per_atom",
        family_words="plus the energies of the elements and minus the corrections, which the formula nearly fixes",
    ),
    Property(
        "entropic_temperature", "Entropic temperature (computed, AFLOW)", "kelvin",
        "Temperature at which the ideal entropy of mixing would outweigh the formation enthalpy.",
        "thermodynamic", "computed", -1e6, 1e6,
        (Reading("aflow", "entropic_temperature", "kelvin", TOTALS),),
        PBE_FIRST, family="formation_energy_per_atom",
        family_words="AFLOW's, over the ideal entropy of mixing, which the formula fixes; the sign turned over",
    ),
)  # fmt: skip
