"""Piezoelectric response. Source: emmet-core 0.87 (SummaryDoc); the modulus has the tensor's unit there [U]."""

from __future__ import annotations

from lake.properties.catalog.theory import DFPT, PBE_FIRST
from lake.properties.definition import Property, Reading

PIEZOELECTRIC = (
    Property(
        "piezoelectric_modulus", "Piezoelectric modulus (computed, DFPT)", "C/m^2",
        "Largest response to a strain of size 1 in the best direction: the tensor's largest singular value.",
        "piezoelectric", "computed", 0.0, 100.0, (Reading("mp", "e_ij_max", "C/m^2", DFPT),),
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
)  # fmt: skip
