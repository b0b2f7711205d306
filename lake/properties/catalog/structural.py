"""What the structure itself says: one family, `input`, since a model that sees the crystal sees these already.

Source: emmet-core 0.87 (SummaryDoc), AFLUX keywords (aflow 0.0.11), OQMD's OPTIMADE fields, CIF data names of COD.
"""

from __future__ import annotations

from lake.properties.catalog.theory import PBE_FIRST
from lake.properties.definition import INPUT, Property, Reading

RELAXED = "relaxed cell"

STRUCTURAL = (
    Property(
        "density", "Density (computed, DFT)", "g/cm^3",
        "Mass of the relaxed cell over its volume.",
        "structural", "computed", 0.01, 30.0,
        (Reading("mp", "density", "g/cm^3", RELAXED), Reading("aflow", "density", "g/cm^3", RELAXED)),
        PBE_FIRST, family=INPUT,
        family_words="can be read off the structure itself: masses of the atoms over the cell's volume",
    ),
    Property(
        "density_measured", "Density (measured, X-ray)", "g/cm^3",
        "Density from the measured cell and its content, as the depositors state it.",
        "structural", "measured", 0.01, 30.0,
        (
            Reading(
                "cod", "_exptl_crystal_density_diffrn", "g/cm^3", "X-ray diffraction", "experiment",
                temperature_path="_cell_measurement_temperature", pressure_path="_diffrn_ambient_pressure",
            ),
        ),
        family=INPUT,
        family_words="can be read off the structure itself: masses of the atoms over the measured cell's volume",
    ),
    Property(
        "volume_per_atom", "Volume per atom (computed, DFT)", "A^3/atom",
        "Volume of the relaxed cell over its atoms.",
        "structural", "computed", 1.0, 1000.0,
        (
            Reading("mp", "volume", "A^3/cell", RELAXED),
            Reading("aflow", "volume_cell", "A^3/cell", RELAXED),
            Reading("oqmd", "_oqmd_volume", "A^3/cell", RELAXED),
        ),
        PBE_FIRST, kind="extensive", family=INPUT,
        family_words="can be read off the structure itself: the cell's volume over its atoms",
    ),
)  # fmt: skip
