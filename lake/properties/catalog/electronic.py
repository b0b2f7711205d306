"""Electronic structure: gaps and the levels they lie between.

Source: emmet-core 0.87 (SummaryDoc), AFLUX keywords (aflow 0.0.11), OQMD's OPTIMADE fields. Energies of single levels
stand on the calculation's own zero: they do not compare between crystals.
"""

from __future__ import annotations

from lake.properties.catalog.theory import PBE_FIRST
from lake.properties.definition import Property, Reading

KOHN_SHAM = "Kohn-Sham gap"
LEVEL = "Kohn-Sham level, on the calculation's own zero"

ELECTRONIC = (
    Property(
        "band_gap", "Band gap (computed, DFT)", "eV",
        "Energy between highest occupied and lowest empty state. Semilocal DFT gives about half of experiment.",
        "electronic", "computed", 0.0, 30.0,
        (
            Reading("mp", "band_gap", "eV", KOHN_SHAM),
            Reading("aflow", "Egap", "eV", KOHN_SHAM),
            Reading("oqmd", "_oqmd_band_gap", "eV", KOHN_SHAM),
        ),
        PBE_FIRST, family="band_gap", zero=0.01,
    ),
    Property(
        "band_gap_measured", "Band gap (measured)", "eV",
        "Energy between highest occupied and lowest empty state, from experiment near room temperature.",
        "electronic", "measured", 0.0, 30.0,
        (Reading("labels", "band_gap_measured", "eV", "experiment", "experiment"),),
    ),
    Property(
        "band_gap_fitted", "Band gap (computed, AFLOW's fit to experiment)", "eV",
        "AFLOW's gap moved to where measured gaps lie on average; 0 stays 0. No better a computation than the gap.",
        "electronic", "computed", 0.0, 40.0,
        (Reading("aflow", "Egap_fit", "eV", "Kohn-Sham gap", correction="AFLOW's linear fit to measured gaps"),),
        PBE_FIRST, family="band_gap", family_words="AFLOW's: 1.348 times its gap plus 0.913 eV, 0 for a metal",
    ),
    Property(
        "conduction_band_minimum", "Conduction band minimum (computed, DFT)", "eV",
        "Lowest empty state, on the calculation's own zero: no energy against vacuum.",
        "electronic", "computed", -50.0, 50.0, (Reading("mp", "cbm", "eV", LEVEL),), PBE_FIRST,
    ),
    Property(
        "valence_band_maximum", "Valence band maximum (computed, DFT)", "eV",
        "Highest occupied state, on the calculation's own zero: no energy against vacuum.",
        "electronic", "computed", -50.0, 50.0, (Reading("mp", "vbm", "eV", LEVEL),), PBE_FIRST,
    ),
    Property(
        "fermi_energy", "Fermi energy (computed, DFT)", "eV",
        "Level up to which states are filled, on the calculation's own zero: no energy against vacuum.",
        "electronic", "computed", -50.0, 50.0, (Reading("mp", "efermi", "eV", LEVEL),), PBE_FIRST,
    ),
)  # fmt: skip
