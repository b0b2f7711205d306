"""Magnetic moments, as sizes: turning all spins over changes a sign and nothing else.

Source: emmet-core 0.87 (SummaryDoc, MagnetismDoc), AFLUX keywords (aflow 0.0.11). The rule for the extensive moment is
per atom; Materials Project's moment per formula unit is the same number divided otherwise, and is not read.
"""

from __future__ import annotations

from lake.properties.catalog.theory import PBE_FIRST
from lake.properties.definition import Property, Reading

SPIN = "collinear spin density"

MAGNETIC = (
    Property(
        "magnetization_per_atom", "Magnetization (computed, DFT)", "muB/atom",
        "Size of the cell's total moment over its atoms: an extensive moment cannot be learnt by a mean over atoms.",
        "magnetic", "computed", 0.0, 10.0,
        (
            Reading("mp", "total_magnetization", "muB/cell", SPIN),
            Reading("aflow", "spin_atom", "muB/atom", SPIN),
        ),
        PBE_FIRST, unsigned=True, kind="extensive", family="magnetization_per_atom", zero=0.01,
    ),
    Property(
        "magnetization_measured", "Magnetization (measured)", "muB/atom",
        "Saturation moment per atom, from experiment at low temperature.",
        "magnetic", "measured", 0.0, 10.0,
        (Reading("labels", "magnetization_measured", "muB/atom", "experiment", "experiment"),),
        kind="extensive",
    ),
    Property(
        "magnetization_per_volume", "Magnetization per volume (computed, DFT)", "muB/A^3",
        "Size of the cell's total moment over its volume: what a magnet's strength goes by.",
        "magnetic", "computed", 0.0, 2.0,
        (Reading("mp", "magnetism.total_magnetization_normalized_vol", "muB/A^3", SPIN, route="magnetism"),),
        PBE_FIRST, unsigned=True, family="magnetization_per_atom",
        family_words="over the volume per atom, which the structure tells",
    ),
    Property(
        # AFLUX's schema tells neither unit nor meaning (it lists the keyword as in development): both are assumed [U]
        "spin_polarization_at_fermi_level", "Spin polarization at the Fermi level (computed, DFT)", "",
        "How far states of one spin outweigh the other's at the Fermi level, AFLOW's spinF: 1 is a half-metal. "
        "Meaning and unit are assumed.",
        "magnetic", "computed", 0.0, 1.0,
        (Reading("aflow", "spinF", "", SPIN),), PBE_FIRST, unsigned=True,
    ),
)  # fmt: skip
